//! The core's tree of dependencies stays small, and each direct one has its reason written down.

#![allow(clippy::unwrap_used)]

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;

fn tree(extra: &[&str]) -> BTreeSet<String> {
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args(["tree", "-p", "process_manager", "-e", "normal,build", "--prefix", "none"]);
    let output = cargo.args(extra).current_dir(env!("CARGO_MANIFEST_DIR")).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).unwrap();
    text.lines().filter_map(|line| Some(line.split(" (").next()?.to_owned())).collect()
}

#[test]
fn the_core_has_fewer_than_forty_crates() {
    let crates = tree(&[]);
    assert!(crates.len() < 40, "{}: {crates:?}", crates.len());
}

#[test]
fn every_direct_dependency_has_its_reason_in_the_docs() {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/dependencies.md");
    let page = fs::read_to_string(page).unwrap();
    for line in tree(&["--depth", "1"]) {
        let name = line.split(' ').next().unwrap();
        if name != "process_manager" {
            assert!(page.contains(&format!("`{name}`")), "docs/dependencies.md leaves out {name}");
        }
    }
}
