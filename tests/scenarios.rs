//! The table of scenarios names tests that exist, each in its language's place.

#![allow(clippy::unwrap_used)]

use std::fs;
use std::path::{Path, PathBuf};

/// The file that a cell of this column names, and what must stand in it.
fn place(column: usize, cell: &str) -> (PathBuf, Option<String>) {
    let (file, test) =
        cell.split_once("::").map_or((cell, None), |(file, test)| (file, Some(test)));
    let path = match (column, file.starts_with("examples/")) {
        (1, _) => format!("tests/{file}.rs"),
        (2, true) => format!("{file}.c"),
        (2, false) => format!("tests/c/{file}.c"),
        (3, true) => format!("{file}.cpp"),
        (3, false) => format!("tests/cpp/{file}.cpp"),
        (_, _) => format!("tests/python/{file}.py"),
    };
    (Path::new(env!("CARGO_MANIFEST_DIR")).join(path), test.map(str::to_owned))
}

#[test]
fn every_test_that_the_table_names_exists() {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/scenarios.md");
    let page = fs::read_to_string(page).unwrap();
    let mut seen = 0;
    for row in page.lines().filter(|line| line.starts_with("| ") && line.contains("::")) {
        let cells: Vec<&str> = row.trim_matches('|').split('|').map(str::trim).collect();
        assert_eq!(cells.len(), 5, "{row}");
        assert!(!cells[3].is_empty(), "no test in C++: {row}");
        for (column, cell) in cells.iter().enumerate().skip(1) {
            assert!(!cell.is_empty(), "a door without this behaviour: {row}");
            let (file, test) = place(column, cell.trim_matches('`'));
            let text = fs::read_to_string(&file).unwrap_or_default();
            let named = test.as_deref().is_none_or(|test| text.contains(test));
            assert!(!text.is_empty() && named, "{cell} is not there");
            seen += 1;
        }
    }
    assert!(seen > 40, "the table was not found: {seen} cells");
}
