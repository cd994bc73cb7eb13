//! What the README shows is what the examples are: each code block under a line `<!-- path -->`
//! equals that file, which `make demo` builds and runs. `PM_UPDATE=1` rewrites the blocks.

#![allow(clippy::unwrap_used)]

use std::fs;
use std::ops::Range;
use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn readme() -> String {
    fs::read_to_string(root().join("README.md")).unwrap()
}

#[test]
fn the_readme_shows_the_example_files_as_they_are() {
    let text = readme();
    let paths: Vec<String> = text.lines().filter_map(marked_path).collect();
    assert!(!paths.is_empty(), "the README shows no example");
    let mut updated = text.clone();
    for path in &paths {
        let file = fs::read_to_string(root().join(path)).unwrap();
        let place = block(&updated, path);
        if std::env::var_os("PM_UPDATE").is_some() {
            updated.replace_range(place, &file);
        } else {
            assert_eq!(text[place], file, "README.md and {path} differ: PM_UPDATE=1 rewrites it");
        }
    }
    if updated != text {
        fs::write(root().join("README.md"), updated).unwrap();
    }
}

#[test]
fn the_commands_that_the_readme_names_exist() {
    let makefiles =
        ["Makefile", "mk/c.mk", "mk/python.mk", "mk/install.mk", "mk/bench.mk"].map(|path| {
            let text = fs::read_to_string(root().join(Path::new(path)));
            format!("\n{}", text.unwrap_or_default())
        });
    let readme = readme();
    let targets = readme.split('`').filter_map(|code| code.strip_prefix("make "));
    let mut seen = 0;
    for target in targets.filter_map(|rest| rest.split_whitespace().next()) {
        let rule = format!("\n{target}:");
        assert!(makefiles.iter().any(|text| text.contains(&rule)), "no target {target}");
        seen += 1;
    }
    assert!(seen > 0, "the README names no command");
}

/// The path in a marker line `<!-- path -->` that names an example.
fn marked_path(line: &str) -> Option<String> {
    let path = line.strip_prefix("<!-- ")?.strip_suffix(" -->")?;
    path.starts_with("examples/").then(|| path.to_owned())
}

/// Where the code block after the marker of `path` stands, without its fences.
fn block(readme: &str, path: &str) -> Range<usize> {
    let marker = format!("<!-- {path} -->\n```");
    let fence = readme.find(&marker).unwrap() + marker.len();
    let start = fence + readme[fence..].find('\n').unwrap() + 1;
    start..start + readme[start..].find("```\n").unwrap()
}
