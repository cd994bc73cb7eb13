//! Names, queries, removal, and what a clone is.

use std::collections::HashMap;
use std::os::unix::fs::PermissionsExt;

use process_manager::{BinaryExtractor, ProcessError};

use crate::{add, names_in, program, run, script, Base};

#[test]
fn the_published_calls_work() {
    let base = Base::new();
    let mut extractor = base.extractor();
    let path = extractor.add_binary("script", b"#!/bin/sh\nexit 7\n").unwrap();
    assert_eq!(extractor.get_binary_path("script"), Some(path.clone()));
    assert_eq!(path.parent(), Some(extractor.temp_dir()));
    let more = HashMap::from([("a".to_owned(), program(0)), ("b".to_owned(), program(1))]);
    assert_eq!(extractor.add_multiple_binaries(more).unwrap().len(), 2);
    assert_eq!(extractor.list_binaries(), ["a", "b", "script"]);
    assert_eq!(run(&path), 7);
    assert_eq!(extractor.get_binary_path("c"), None);
}

#[test]
fn several_binaries_are_given_in_any_collection() {
    let base = Base::new();
    let mut extractor = base.extractor();
    let paths = extractor.add_multiple_binaries([("one", &script(1)), ("two", &script(2))]);
    assert_eq!(paths.unwrap().iter().map(|path| run(path)).collect::<Vec<_>>(), [1, 2]);
    let slices: Vec<(&str, &[u8])> = vec![("three", b"#!/bin/sh\nexit 3\n")];
    assert_eq!(run(&extractor.add_multiple_binaries(slices).unwrap()[0]), 3);
}

#[test]
fn a_name_that_is_not_one_path_component_is_refused_and_leaves_nothing() {
    let base = Base::new();
    let mut extractor = base.extractor();
    let long = "n".repeat(256);
    for name in ["", ".", "..", "a/b", "../escape", "/etc/passwd", "a\0b", long.as_str()] {
        match extractor.add_binary(name, b"data") {
            Err(ProcessError::InvalidArgument { argument, .. }) => {
                assert_eq!(argument, "binary name");
            }
            other => panic!("{name:?}: {other:?}"),
        }
    }
    assert!(extractor.list_binaries().is_empty());
    assert!(names_in(extractor.temp_dir()).is_empty());
}

#[test]
fn the_longest_and_the_oddest_names_work() {
    let base = Base::new();
    let mut extractor = base.extractor();
    for name in ["n".repeat(255).as_str(), "...", "-rf", "with space", "zähler", "a\nb", "*"] {
        let path = add(&mut extractor, name, &script(5));
        assert_eq!(run(&path), 5, "{name:?}");
    }
}

#[test]
fn one_bad_item_of_several_leaves_none() {
    let base = Base::new();
    let mut extractor = base.extractor();
    let good = script(0);
    let items = [("good", &good[..]), ("empty", b""), ("also-good", &good)];
    assert!(extractor.add_multiple_binaries(items).is_err());
    assert!(extractor.add_multiple_binaries([("good", &good[..]), ("../bad", &good)]).is_err());
    assert!(extractor.list_binaries().is_empty());
    assert!(names_in(extractor.temp_dir()).is_empty());
}

#[test]
fn a_removed_binary_is_gone_and_its_name_is_free() {
    let base = Base::new();
    let mut extractor = base.extractor();
    let path = add(&mut extractor, "tool", &script(1));
    extractor.remove_binary("tool").unwrap();
    assert!(!path.exists());
    assert_eq!(extractor.get_binary_path("tool"), None);
    assert!(matches!(extractor.remove_binary("tool"), Err(ProcessError::BinaryNotFound(_))));
    assert_eq!(run(&add(&mut extractor, "tool", &script(2))), 2);
}

#[test]
fn clones_share_everything_and_the_last_one_removes_the_directory() {
    let base = Base::new();
    let mut first = base.extractor();
    let mut second = first.clone();
    add(&mut first, "one", &script(1));
    add(&mut second, "two", &script(2));
    assert_eq!(first.list_binaries(), second.list_binaries());
    let path = first.get_binary_path("two").unwrap();
    drop(first);
    assert_eq!(run(&path), 2);
    drop(second);
    assert!(names_in(base.path()).is_empty());
}

#[test]
fn the_directory_is_private_and_carries_the_prefix() {
    let base = Base::new();
    let extractor = base.builder().prefix("my-app").build().unwrap();
    let mode = extractor.temp_dir().metadata().unwrap().permissions().mode();
    assert_eq!(mode & 0o7777, 0o700);
    let name = extractor.temp_dir().file_name().unwrap().to_str().unwrap().to_owned();
    assert!(name.starts_with("my-app-"), "{name}");
}

#[test]
fn a_bad_prefix_or_base_is_refused() {
    let base = Base::new();
    for prefix in ["", "a/b", "..", &"p".repeat(201)] {
        let error = base.builder().prefix(prefix).build().unwrap_err();
        assert!(error.to_string().contains("prefix"), "{error}");
    }
    let missing = base.path().join("missing");
    let error = BinaryExtractor::builder().base_directory(&missing).build().unwrap_err();
    assert!(matches!(error, ProcessError::ExtractionFailed(_)), "{error}");
    assert_eq!(error.errno(), Some(2), "{error}");
    assert!(error.to_string().contains(missing.to_str().unwrap()), "{error}");
    assert!(BinaryExtractor::builder().base_directory("").build().is_err());
}

#[test]
fn binaries_added_by_many_threads_are_all_there() {
    let base = Base::new();
    let extractor = base.extractor();
    std::thread::scope(|scope| {
        for thread in 0..8 {
            let mut extractor = extractor.clone();
            scope.spawn(move || {
                for number in 0..10 {
                    add(&mut extractor, &format!("{thread}-{number}"), &script(thread));
                    add(&mut extractor, "shared", &script(thread));
                }
            });
        }
    });
    assert_eq!(extractor.list_binaries().len(), 81);
    assert_eq!(names_in(extractor.temp_dir()).len(), 81);
    assert!(run(&extractor.get_binary_path("shared").unwrap()) < 8);
}
