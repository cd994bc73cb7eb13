//! A contender's process, seen from the run: asked by a line, answers by a line.

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::Duration;

use crate::plan::Program;
use crate::usage;
use crate::work::Outcome;

const LONGEST: Duration = Duration::from_secs(120);

/// A contender that waits for requests.
pub struct Worker {
    child: Child,
    input: Option<ChildStdin>,
    output: BufReader<ChildStdout>,
}

impl Worker {
    /// Starts it; an error says why it cannot take part.
    pub fn start(program: Program) -> Outcome<Self> {
        let mut command = command(program)?;
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        let input = child.stdin.take();
        let output = BufReader::new(child.stdout.take().ok_or("no pipe")?);
        let mut worker = Self { child, input, output };
        match worker.answer()?.as_str() {
            "ready" => Ok(worker),
            why => Err(why.strip_prefix("skipped: ").unwrap_or(why).into()),
        }
    }

    /// What it says about itself.
    pub fn about(&mut self, work: &str) -> Outcome<String> {
        self.ask(&format!("about {work}"))
    }

    /// The figures of one piece of work.
    pub fn measure(&mut self, request: &str) -> Outcome<Vec<f64>> {
        let answer = self.ask(request)?;
        let figures = answer.split(' ').map(str::parse).collect::<Result<_, _>>();
        figures.map_err(|_| answer.into())
    }

    fn ask(&mut self, request: &str) -> Outcome<String> {
        let input = self.input.as_mut().ok_or("no pipe")?;
        writeln!(input, "{request}")?;
        self.answer()
    }

    /// Waits for a line. What takes longer than any piece of work may take has gone wrong.
    fn answer(&mut self) -> Outcome<String> {
        if !usage::wait_readable(self.output.get_ref(), LONGEST)? {
            self.child.kill()?;
            return Err(format!("no answer within {LONGEST:?}").into());
        }
        let mut line = String::new();
        if self.output.read_line(&mut line)? == 0 {
            return Err("it ended without an answer".into());
        }
        Ok(line.trim_end().to_owned())
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        drop(self.input.take());
        let _ = self.child.wait();
    }
}

/// Where the programs of `benches/native` and the helper programs are.
pub fn built() -> Outcome<PathBuf> {
    let executable = std::env::current_exe()?;
    Ok(executable.parent().ok_or("no directory")?.to_owned())
}

fn command(program: Program) -> Outcome<Command> {
    let repository = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut command = match program {
        Program::Rust(_) => Command::new(std::env::current_exe()?),
        Program::C(name, _) => Command::new(crate::native::build(name)?),
        Program::Python(_) => Command::new(repository.join("build/bench-venv/bin/python")),
    };
    match program {
        Program::Rust(name) => command.args(["--worker", name]),
        Program::C(_, args) => command.args(args),
        Program::Python(name) => command.arg(repository.join("benches/python/serve.py")).arg(name),
    };
    command.env("BENCH_TINY", crate::work::TINY).env("BENCH_GUARD", env!("GUARD"));
    command.env("BENCH_CHILDREN", built()?);
    Ok(command)
}
