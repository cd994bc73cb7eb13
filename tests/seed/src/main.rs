//! The published program: what a user wrote against the documented API must compile and run
//! unchanged. `tests/seed_program.rs` builds and runs it as an outside crate.

use std::collections::HashMap;

use futures::StreamExt;
use process_manager::{
    BinaryExtractor, OutputStream, ProcessConfig, ProcessError, ProcessInfo, ProcessManager,
    ProcessRunner, ProcessStatus,
};

fn config(name: &str) -> ProcessConfig {
    ProcessConfig {
        name: name.into(),
        binary_name: "my_program".into(),
        args: vec!["--arg1".into(), "value".into()],
        env: HashMap::new(),
        working_dir: None,
    }
}

fn describe(info: &ProcessInfo) -> &'static str {
    match info.status {
        ProcessStatus::Pending => "pending",
        ProcessStatus::Running => "running",
        ProcessStatus::Stopped => "stopped",
        ProcessStatus::Failed => "failed",
    }
}

async fn print(mut stream: OutputStream) -> usize {
    fn assert_stream<S: futures::Stream<Item = String> + Send + Unpin>(_: &S) {}
    assert_stream(&stream);
    let mut lines = 0;
    while let Some(line) = stream.next().await {
        println!("{line}");
        lines += 1;
    }
    lines
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut extractor = BinaryExtractor::new()?;
    extractor.add_binary("my_program", include_bytes!("../my_program"))?;
    let more: HashMap<String, Vec<u8>> =
        HashMap::from([("other".to_string(), include_bytes!("../my_program").to_vec())]);
    extractor.add_multiple_binaries(more)?;
    assert!(extractor.get_binary_path("my_program").is_some_and(|path| path.exists()));
    assert_eq!(extractor.list_binaries().len(), 2);
    let directory = extractor.temp_dir().to_path_buf();

    let manager = ProcessManager::new(extractor);
    assert_eq!(manager.available_binaries().len(), 2);
    one_process(&manager).await?;
    many_processes(&manager).await?;
    runners(&directory.join("my_program")).await?;
    sudo(&manager, "/bin/true").await;

    drop(manager);
    assert!(!directory.exists());
    println!("seed program done");
    Ok(())
}

async fn one_process(manager: &ProcessManager) -> Result<(), ProcessError> {
    let id = manager.start_process(config("my_process")).await?;
    if let Some(stream) = manager.get_output_stream(id) {
        assert_eq!(print(stream).await, 2);
    }
    manager.stop_process(id).await?;
    let info = manager.get_process_info(id).ok_or(ProcessError::ProcessNotFound(id))?;
    assert_eq!(describe(&info), "stopped");
    Ok(())
}

async fn many_processes(manager: &ProcessManager) -> Result<(), ProcessError> {
    let configs = vec![config("a"), ProcessConfig { binary_name: "missing".into(), ..config("b") }];
    let results = manager.start_multiple_processes(configs).await;
    assert!(matches!(results[1], Err(ProcessError::BinaryNotFound(_))));
    let killed = manager.start_process(config("killed")).await?;
    manager.kill_process(killed)?;
    let infos: Vec<ProcessInfo> = manager.list_processes();
    assert!(infos.iter().all(|info| !info.name.is_empty()));
    manager.stop_all_processes().await?;
    assert!(manager.get_running_processes().is_empty());
    assert_eq!(manager.get_running_count(), 0);
    assert!(manager.get_process_count() >= 2);
    Ok(())
}

async fn runners(program: &std::path::Path) -> Result<(), ProcessError> {
    let program = program.to_string_lossy();
    let runner =
        ProcessRunner::start(&program, "runner".to_string(), vec!["one".to_string()]).await?;
    assert_eq!(runner.info().id, runner.id());
    assert_eq!(print(runner.get_output_stream()).await, 1);
    runner.stop().await?;
    assert!(!runner.is_running());
    Ok(())
}

/// Whether sudo lets us depends on the machine; that the call exists and answers does not.
async fn sudo(manager: &ProcessManager, program: &str) {
    match ProcessRunner::start_with_sudo(program, "name".into(), vec![], "password").await {
        Ok(runner) => println!("sudo started {}", runner.id()),
        Err(error) => println!("sudo did not start it: {error}"),
    }
    match manager.start_process_with_sudo(config("as root"), "password").await {
        Ok(id) => println!("sudo started {id}"),
        Err(error) => println!("sudo did not start it: {error}"),
    }
}
