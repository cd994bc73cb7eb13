//! The extractor through the public API. Every test works in its own base directory and checks
//! that nothing is left in it.

#![allow(clippy::unwrap_used, clippy::panic)]

use std::fs;
use std::path::Path;
use std::process::Command;

use process_manager::{BinaryExtractor, ProcessError};

/// A base directory of its own, empty again at the end.
struct Base(tempfile::TempDir);

impl Base {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    fn extractor(&self) -> BinaryExtractor {
        BinaryExtractor::builder().base_directory(self.path()).build().unwrap()
    }
}

impl Drop for Base {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            assert_eq!(names(self.path()), Vec::<String>::new(), "left behind");
        }
    }
}

fn names(directory: &Path) -> Vec<String> {
    let entries = fs::read_dir(directory).unwrap();
    entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

fn true_binary() -> Vec<u8> {
    fs::read("/bin/true").unwrap()
}

#[test]
fn the_published_calls_work() {
    let base = Base::new();
    let mut extractor = base.extractor();
    let path = extractor.add_binary("script", b"#!/bin/sh\nexit 7\n").unwrap();
    assert_eq!(extractor.get_binary_path("script"), Some(path.clone()));
    assert_eq!(path.parent(), Some(extractor.temp_dir()));
    let more = [("a", true_binary()), ("b", true_binary())];
    assert_eq!(extractor.add_multiple_binaries(more).unwrap().len(), 2);
    assert_eq!(extractor.list_binaries(), ["a", "b", "script"]);
    assert_eq!(Command::new(path).status().unwrap().code(), Some(7));
    assert!(matches!(extractor.remove_binary("c"), Err(ProcessError::BinaryNotFound(_))));
}
