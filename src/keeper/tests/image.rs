//! The keeper's file.

use std::os::fd::AsFd;
use std::os::unix::fs::PermissionsExt;
use std::time::Instant;

use super::PATIENCE;
use crate::keeper::Image;

#[test]
fn a_memory_file_is_shared_and_sealed() {
    let (first, second) = (Image::get().unwrap(), Image::get().unwrap());
    let (Image::Memory(first), Image::Memory(second)) = (first, second) else {
        println!("skipped: no memory file can be executed here");
        return;
    };
    assert!(std::sync::Arc::ptr_eq(&first, &second));
    assert!(rustix::io::write(first.as_fd(), b"x").is_err());
}

#[test]
fn an_installed_file_runs_for_everybody_and_goes_with_its_last_holder() {
    let installed = Image::installed().unwrap();
    let path = installed.path().to_owned();
    let directory = path.parent().unwrap();
    let mode = |path: &std::path::Path| path.metadata().unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(directory), mode(&path)), (0o711, 0o555));
    assert!(path.metadata().unwrap().len() < 128 << 10);
    assert_eq!(std::process::Command::new(&path).status().unwrap().code(), Some(64));
    drop(installed);
    assert!(!directory.exists());
}

#[test]
fn what_a_killed_host_has_left_of_the_file_is_swept() {
    let mut old = tempfile::Builder::new();
    let old = old.prefix("process_manager-keeper-").rand_bytes(12).tempdir().unwrap().keep();
    std::fs::write(old.join("keeper"), "").unwrap();
    let deadline = Instant::now() + PATIENCE;
    // Where another test holds the file it is not made now.
    while old.exists() {
        assert!(Instant::now() < deadline, "{} is still there", old.display());
        Image::installed().unwrap();
        std::thread::yield_now();
    }
}
