//! The programs that the demo runs, and when each has done its work.

use std::io;
use std::path::{Path, PathBuf};

use process_manager::Command;

pub const WEB: &str = "web";
pub const COMPILER: &str = "compiler";
pub const PIPELINE: &str = "pipeline";

/// A program to run: its tag, its command line for people, its command.
pub struct Program {
    pub tag: &'static str,
    pub shown: String,
    pub command: Command,
}

/// A web server on loopback, a compiler over a source file of this repository, a shell pipeline.
pub fn all(scratch: &Path) -> io::Result<Vec<Program>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize()?;
    let object = scratch.join("tiny.o");
    // -u: Python would otherwise keep its lines back, because its output is not a terminal.
    let web = ["-u", "-m", "http.server", "0", "--bind", "127.0.0.1"];
    let compiler = ["-time", "-Wall", "-O2", "-c", "tests/child/tiny.c", "-o"];
    let pipeline = "while sleep 0.2; do cat /proc/loadavg; done | \
                    sed -u 's| [0-9]*/.*||' | sed -u 's/^/load: /'";
    Ok(vec![
        program(WEB, "python3", &web, None, &root),
        program(COMPILER, "gcc", &compiler, Some(object), &root),
        program(PIPELINE, "sh", &["-c", pipeline], None, &root),
    ])
}

fn program(
    tag: &'static str,
    name: &str,
    args: &[&str],
    last: Option<PathBuf>,
    root: &Path,
) -> Program {
    let args: Vec<_> = args.iter().map(PathBuf::from).chain(last).collect();
    let words = args.iter().map(|arg| arg.display().to_string());
    let shown: Vec<String> = std::iter::once(name.to_owned()).chain(words).collect();
    let command = Command::new(name).name(tag).args(args).current_dir(root);
    Program { tag, shown: shown.join(" "), command }
}

/// What has been seen of the programs' work.
#[derive(Default)]
pub struct Progress {
    web_logged: bool,
    compiler_ended: bool,
    pipeline_lines: usize,
}

impl Progress {
    /// Takes note of a line; returns the web server's port when the line tells it.
    pub fn line(&mut self, tag: &str, line: &str) -> Option<u16> {
        match tag {
            WEB if line.starts_with("Serving HTTP") => {
                let port = line.split("port ").nth(1)?.split(' ').next()?;
                return port.parse().ok();
            }
            WEB if line.contains("\"GET /") => self.web_logged = true,
            PIPELINE => self.pipeline_lines += 1,
            _ => {}
        }
        None
    }

    /// Takes note that a program's output has ended.
    pub fn ended(&mut self, tag: &str) {
        self.compiler_ended |= tag == COMPILER;
    }

    /// True when the server has answered, the compiler is done and the pipeline has flowed.
    pub fn is_complete(&self) -> bool {
        self.web_logged && self.compiler_ended && self.pipeline_lines >= 3
    }
}
