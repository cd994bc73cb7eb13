//! Embeds a program, starts it, reads its lines while it runs, stops it, and leaves nothing.

use futures::StreamExt;
use process_manager::{BinaryExtractor, ProcessConfig, ProcessManager, Result};

#[tokio::main]
async fn main() -> Result<()> {
    let mut extractor = BinaryExtractor::new()?;
    extractor.add_binary("ticker", include_bytes!(env!("TICKER")))?;
    let directory = extractor.temp_dir().to_path_buf();
    let manager = ProcessManager::new(extractor);

    let config = ProcessConfig {
        name: "my ticker".into(),
        binary_name: "ticker".into(),
        args: vec!["50".into()], // a line every 50 ms
        ..ProcessConfig::default()
    };
    let id = manager.start_process(config).await?;
    if let Some(stream) = manager.get_output_stream(id) {
        let mut lines = stream.take(4);
        while let Some(line) = lines.next().await {
            println!("{line}");
        }
    }
    manager.stop_process(id).await?; // its whole tree, and waits for it

    drop(manager);
    assert!(!directory.exists(), "the temporary directory has gone with the manager");
    Ok(())
}
