//! The extractor through the public API. Every test works in its own base directory and checks
//! that nothing is left in it.

#![allow(clippy::unwrap_used, clippy::panic)]

mod content;
mod hosts;
mod location;
mod names;
mod sweep;
mod text_busy;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use process_manager::{BinaryExtractor, BinaryExtractorBuilder, ProcessManager, RunOptions};

/// A base directory of its own, which must be empty again at the end.
struct Base(tempfile::TempDir);

impl Base {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    fn builder(&self) -> BinaryExtractorBuilder {
        BinaryExtractor::builder().base_directory(self.path())
    }

    fn extractor(&self) -> BinaryExtractor {
        self.builder().build().unwrap()
    }
}

impl Drop for Base {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            assert_eq!(names_in(self.path()), Vec::<String>::new(), "left behind");
        }
    }
}

fn names_in(directory: &Path) -> Vec<String> {
    let entries = fs::read_dir(directory).unwrap();
    let mut names: Vec<String> =
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

/// An ELF program that ends with `code`.
fn program(code: i32) -> Vec<u8> {
    fs::read(if code == 0 { "/bin/true" } else { "/bin/false" }).unwrap()
}

/// A script that ends with `code`.
fn script(code: i32) -> Vec<u8> {
    format!("#!/bin/sh\nexit {code}\n").into_bytes()
}

fn run(path: &Path) -> i32 {
    let status = Command::new(path).status();
    status.unwrap_or_else(|error| panic!("{path:?}: {error}")).code().unwrap()
}

fn add(extractor: &mut BinaryExtractor, name: &str, data: &[u8]) -> PathBuf {
    extractor.add_binary(name, data).unwrap()
}

/// Starts a binary through a manager: what it wrote, and its exit code.
fn started(manager: &ProcessManager, command: process_manager::Command) -> (String, Option<i32>) {
    let output = manager.run(command, RunOptions::default()).unwrap();
    (String::from_utf8(output.stdout).unwrap(), output.info.exit.and_then(|exit| exit.code()))
}
