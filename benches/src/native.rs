//! Builds the contenders in C with the machine's compiler, beside this benchmark, once a run.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, PoisonError};

use crate::work::Outcome;
use crate::worker::built;

/// What was built in this run: where it is, or why it could not be.
static DONE: Mutex<BTreeMap<&str, Result<PathBuf, String>>> = Mutex::new(BTreeMap::new());

/// The program `name`, built from `native/NAME.c`.
pub fn build(name: &'static str) -> Outcome<PathBuf> {
    let mut done = DONE.lock().unwrap_or_else(PoisonError::into_inner);
    let result = done.entry(name).or_insert_with(|| compile(name).map_err(|why| why.to_string()));
    Ok(result.clone()?)
}

fn compile(name: &str) -> Outcome<PathBuf> {
    let (directory, bench) = (built()?, Path::new(env!("CARGO_MANIFEST_DIR")));
    let program = directory.join(format!("bench_{name}"));
    let mut cc = Command::new("cc");
    cc.args(["-std=c11", "-D_GNU_SOURCE", "-O2", "-Wall", "-Wextra", "-Werror", "-o"])
        .arg(&program);
    cc.arg(format!("-I{}", bench.join("../include").display()));
    cc.arg(bench.join("native").join(format!("{name}.c")));
    if !name.starts_with("cold") {
        cc.arg(bench.join("native/serve.c"));
    }
    cc.args(libraries(name, &directory)?);
    let output = cc.output()?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).trim().replace('\n', " ").into());
    }
    Ok(program)
}

fn libraries(name: &str, directory: &Path) -> Outcome<Vec<String>> {
    match name {
        "uv" => {
            let found =
                Command::new("pkg-config").args(["--cflags", "--libs", "libuv"]).output()?;
            if !found.status.success() {
                return Err("libuv1-dev is not installed".into());
            }
            let said = String::from_utf8(found.stdout)?;
            Ok(said.split_whitespace().map(str::to_owned).collect())
        }
        "cold_raw" | "promises" => Ok(Vec::new()),
        _ => {
            let path = directory.display();
            let beside = "-Wl,-rpath,$ORIGIN".to_owned();
            Ok(vec![format!("-L{path}"), "-lprocess_manager".into(), beside])
        }
    }
}
