//! The demo: one manager runs several real programs at once, shows their lines as they come and
//! their states, stops them all, and proves that no process and no directory is left.
//!
//! Ends with a code other than 0 when a program does not do its work or anything is left.

mod programs;
mod proof;
mod screen;
mod web;

use std::error::Error;
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use futures::stream::{select_all, BoxStream, StreamExt};
use process_manager::{BinaryExtractor, Command, ProcessInfo, ProcessManager};

use programs::{Program, Progress};
use screen::Screen;

/// How long the programs have to show what they can do.
const PATIENCE: Duration = Duration::from_secs(30);

/// A program's tag with one of its lines, or `None` when its output has ended.
type Tagged = (&'static str, Option<String>);

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let screen = Screen::new();
    match demo(&screen).await {
        Ok(()) => {
            screen.verdict(true, "every program did its work, and nothing is left");
            ExitCode::SUCCESS
        }
        Err(error) => {
            screen.verdict(false, &error.to_string());
            ExitCode::FAILURE
        }
    }
}

async fn demo(screen: &Screen) -> Result<(), Box<dyn Error>> {
    screen.title("process_manager: one manager, several real programs at once");
    let scratch = tempfile::tempdir()?;
    let extractor = BinaryExtractor::new()?;
    let directory = extractor.temp_dir().to_path_buf();
    let manager = ProcessManager::new(extractor);

    screen.heading("What runs");
    let programs = programs::all(scratch.path())?;
    let streams = start(screen, &manager, programs).await?;

    screen.heading("What it prints, live");
    tokio::time::timeout(PATIENCE, watch(screen, &manager, streams))
        .await
        .map_err(|_| "the programs did not do their work in time")??;

    screen.heading("States before the stop");
    screen.table(&manager.list_processes());
    let pids = proof::trees(&manager.list_processes());

    screen.heading("Stop");
    let running = manager.get_running_count();
    screen.fact(&format!(
        "asking {running} programs to end, each with all that it started: {} processes now",
        pids.len()
    ));
    manager.stop_all_processes().await?;
    let last = manager.list_processes();
    screen.table(&last);

    screen.heading("What is left");
    drop(manager);
    prove(screen, &pids, &directory)?;
    finished_well(&last)
}

/// Starts every program and returns their tagged lines as one stream.
async fn start(
    screen: &Screen,
    manager: &ProcessManager,
    programs: Vec<Program>,
) -> Result<impl futures::Stream<Item = Tagged> + Unpin, Box<dyn Error>> {
    let mut streams: Vec<BoxStream<'static, Tagged>> = Vec::new();
    for Program { tag, shown, command } in programs {
        let command: Command = command.env(proof::MARK, proof::mark());
        let id = manager.start_process(command).await?;
        let lines = manager.get_output_stream(id).ok_or("a started process has output")?;
        let runner = manager.runner(id).ok_or("a started process has a handle")?;
        let end = futures::stream::once(async move {
            let _ = runner.wait().await; // its end is in the facts before it is shown
            (tag, None)
        });
        streams.push(lines.map(move |line| (tag, Some(line))).chain(end).boxed());
        screen.program(tag, &shown);
    }
    screen.table(&manager.list_processes());
    Ok(select_all(streams))
}

/// Prints the lines as they come until every program has done its work.
async fn watch(
    screen: &Screen,
    manager: &ProcessManager,
    mut lines: impl futures::Stream<Item = Tagged> + Unpin,
) -> Result<(), Box<dyn Error>> {
    let mut progress = Progress::default();
    while !progress.is_complete() {
        let Some((tag, line)) = lines.next().await else {
            return Err("every program ended before its work was done".into());
        };
        let Some(line) = line else {
            screen.ended(tag, manager.list_processes().iter().find(|info| info.name == tag));
            progress.ended(tag);
            continue;
        };
        screen.line(tag, &line);
        if let Some(port) = progress.line(tag, &line) {
            screen.line("demo", &format!("asking http://127.0.0.1:{port}/README.md"));
            screen.line("demo", &format!("the answer: {}", web::get(port, "/README.md")?));
        }
    }
    Ok(())
}

fn prove(screen: &Screen, pids: &[u32], directory: &Path) -> Result<(), &'static str> {
    let proofs = [
        (
            !pids.iter().any(|pid| proof::is_ours(*pid)),
            format!("the {} processes seen above are gone", pids.len()),
        ),
        (
            proof::marked().is_empty(),
            "no process on this machine carries the demo's mark in its environment".to_owned(),
        ),
        (proof::children().is_empty(), "this program has no child, not even a zombie".to_owned()),
        (proof::cgroups().is_empty(), "no control group of this program is there".to_owned()),
        (!directory.exists(), format!("{} is gone", directory.display())),
    ];
    proofs.iter().for_each(|(holds, text)| screen.proof(*holds, text));
    if proofs.iter().all(|(holds, _)| *holds) {
        return Ok(());
    }
    Err("something is left: see above")
}

/// The compiler must have ended with 0; the others ran until they were stopped.
fn finished_well(infos: &[ProcessInfo]) -> Result<(), Box<dyn Error>> {
    for info in infos {
        let by_itself = info.exit.is_some_and(|exit| exit.success());
        if !by_itself && !info.stop_requested {
            return Err(format!("{} did not end well: {:?}", info.name, info.exit).into());
        }
    }
    Ok(())
}
