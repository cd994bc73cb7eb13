//! Where executables go, and what limits do: noexec mounts, full disks, RLIMIT_FSIZE, the umask.

use std::fs::{self, Permissions};
use std::os::fd::AsRawFd;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process;

use process_manager::{
    BinaryExtractor, Command, ExtractionLocation, ProcessError, ProcessManager, UserSpec,
};
use rustix::fs::Mode;
use rustix::process::{Resource, Rlimit};

use crate::{add, hosts, names_in, program, run, script, started, Base};

/// Runs `body` in a host whose base directory is a tmpfs with these mount options.
fn on_tmpfs(name: &str, options: &str, body: impl FnOnce(&Path)) {
    if let Some(base) = hosts::base() {
        let mounted = process::Command::new("mount")
            .args(["-t", "tmpfs", "-o", options, "tmpfs", &base])
            .output()
            .unwrap();
        if mounted.status.success() {
            return body(Path::new(&base));
        }
        return println!("skipped: {}", String::from_utf8_lossy(&mounted.stderr));
    }
    let base = Base::new();
    match hosts::command_with_mounts(name, base.path()) {
        Ok(command) => hosts::run(command),
        Err(reason) => println!("skipped: no mount namespace: {reason}"),
    }
}

#[test]
fn a_noexec_base_gives_way_to_another_directory() {
    on_tmpfs("location::a_noexec_base_gives_way_to_another_directory", "noexec", |base| {
        let other = tempfile::tempdir().unwrap();
        let builder = BinaryExtractor::builder().base_directory(base);
        let mut extractor = builder.fallback_directories([other.path()]).build().unwrap();
        match extractor.location() {
            Some(ExtractionLocation::Fallback { directory, reason }) => {
                assert_eq!(directory, extractor.temp_dir());
                assert!(reason.contains("noexec"), "{reason}");
                assert!(reason.contains(base.to_str().unwrap()), "{reason}");
            }
            found => panic!("{found:?}"),
        }
        assert!(extractor.temp_dir().starts_with(other.path()));
        assert_eq!(run(&add(&mut extractor, "script", &script(4))), 4);
        drop(extractor);
        assert!(names_in(base).is_empty() && names_in(other.path()).is_empty());
    });
}

#[test]
fn without_any_other_directory_programs_run_from_memory() {
    on_tmpfs("location::without_any_other_directory_programs_run_from_memory", "noexec", |base| {
        let builder = BinaryExtractor::builder().base_directory(base);
        let mut extractor = builder.fallback_directories([base]).build().unwrap();
        let location = extractor.location();
        assert!(matches!(location, Some(ExtractionLocation::Memory { .. })), "{location:?}");
        let long = "n".repeat(255);
        for (name, code) in [("one", 1), ("zero", 0), ("one", 0), (long.as_str(), 1)] {
            assert_eq!(run(&add(&mut extractor, name, &program(code))), code);
        }
        add(&mut extractor, "script", &script(6));
        assert_eq!(run(&extractor.get_binary_path("script").unwrap()), 6);
        let manager = ProcessManager::new(extractor.clone());
        for (name, code) in [("script", 6), (long.as_str(), 1), ("one", 0)] {
            assert_eq!(started(&manager, Command::binary(name)).1, Some(code), "{name}");
        }
        drop(manager);
        extractor.remove_binary("zero").unwrap();
        assert_eq!(extractor.list_binaries(), [long.as_str(), "one", "script"]);
        assert!(names_in(extractor.temp_dir()).is_empty());
        drop(extractor);
        assert!(names_in(base).is_empty());
    });
}

#[test]
fn what_is_in_memory_cannot_be_changed() {
    on_tmpfs("location::what_is_in_memory_cannot_be_changed", "noexec", |base| {
        let builder = BinaryExtractor::builder().base_directory(base);
        let mut extractor = builder.fallback_directories([base]).build().unwrap();
        let path = add(&mut extractor, "tool", &program(1));
        let opened = fs::File::options().write(true).open(&path);
        assert!(opened.and_then(|file| file.set_len(0)).is_err());
        assert!(fs::write(&path, b"other").is_err());
        assert_eq!(run(&path), 1);
    });
}

#[test]
fn a_full_disk_is_an_error_that_leaves_nothing() {
    on_tmpfs("location::a_full_disk_is_an_error_that_leaves_nothing", "size=256k", |base| {
        let mut extractor = BinaryExtractor::builder().base_directory(base).build().unwrap();
        let path = add(&mut extractor, "small", &script(6));
        let error = extractor.add_binary("large", &vec![1; 1 << 20]).unwrap_err();
        assert!(matches!(error, ProcessError::ExtractionFailed(_)), "{error}");
        assert_eq!(error.errno(), Some(28), "{error}");
        assert!(extractor.add_binary("small", &vec![1; 1 << 20]).is_err());
        assert_eq!(names_in(extractor.temp_dir()), ["small"]);
        assert_eq!(run(&path), 6);
        add(&mut extractor, "fits", &vec![1; 200 << 10]);
    });
}

#[test]
fn a_usable_base_is_reported_as_such() {
    let base = Base::new();
    let extractor = base.extractor();
    let directory = extractor.temp_dir().to_path_buf();
    assert_eq!(extractor.location(), Some(ExtractionLocation::Base { directory }));
}

#[test]
fn an_extractor_by_default_makes_no_directory_until_it_needs_one() {
    let name = "location::an_extractor_by_default_makes_no_directory_until_it_needs_one";
    let Some(base) = hosts::base() else {
        let base = Base::new();
        let mut command = hosts::command(name, base.path());
        command.env("TMPDIR", base.path());
        return hosts::run(command);
    };
    let mut extractor = BinaryExtractor::default();
    assert_eq!((extractor.location(), extractor.get_binary_path("tool")), (None, None));
    assert!(extractor.add_binary("a/b", b"data").is_err());
    assert!(names_in(Path::new(&base)).is_empty());
    assert!(extractor.temp_dir().is_dir());
    assert!(add(&mut extractor, "tool", &script(0)).starts_with(&base));
}

#[test]
fn a_missing_temporary_directory_is_replaced_and_reported() {
    let name = "location::a_missing_temporary_directory_is_replaced_and_reported";
    let Some(base) = hosts::base() else {
        let base = Base::new();
        let mut command = hosts::command(name, base.path());
        command.env("TMPDIR", base.path().join("missing"));
        command.env("XDG_RUNTIME_DIR", base.path());
        return hosts::run(command);
    };
    let extractor = BinaryExtractor::new().unwrap();
    match extractor.location() {
        Some(ExtractionLocation::Fallback { directory, reason }) => {
            assert!(directory.starts_with(base), "{directory:?}");
            assert!(reason.contains("missing"), "{reason}");
        }
        found => panic!("{found:?}"),
    }
}

#[test]
fn a_fallback_directory_where_others_could_replace_files_is_not_used() {
    let name = "location::a_fallback_directory_where_others_could_replace_files_is_not_used";
    on_tmpfs(name, "noexec", |base| {
        let open = tempfile::tempdir().unwrap();
        fs::set_permissions(open.path(), Permissions::from_mode(0o777)).unwrap();
        let builder = BinaryExtractor::builder().base_directory(base);
        let extractor = builder.fallback_directories([open.path()]).build().unwrap();
        match extractor.location() {
            Some(ExtractionLocation::Memory { reason, .. }) => {
                assert!(reason.contains(open.path().to_str().unwrap()), "{reason}");
            }
            found => panic!("{found:?}"),
        }
    });
}

#[test]
fn the_umask_of_the_host_takes_nothing_away() {
    let Some(base) = hosts::base() else {
        let base = Base::new();
        let name = "location::the_umask_of_the_host_takes_nothing_away";
        return hosts::run(hosts::command(name, base.path()));
    };
    for mask in [0o000, 0o077, 0o777] {
        rustix::process::umask(Mode::from_raw_mode(mask));
        let mut extractor = BinaryExtractor::builder().base_directory(&base).build().unwrap();
        let directory = extractor.temp_dir().metadata().unwrap();
        assert_eq!(directory.permissions().mode() & 0o7777, 0o700);
        let path = add(&mut extractor, "tool", &script(0));
        assert_eq!(path.metadata().unwrap().permissions().mode() & 0o7777, 0o555);
        assert_eq!(run(&path), 0);
    }
}

#[test]
fn a_file_beyond_the_size_limit_is_an_error_and_not_the_end_of_the_host() {
    let Some(base) = hosts::base() else {
        let base = Base::new();
        let name = "location::a_file_beyond_the_size_limit_is_an_error_and_not_the_end_of_the_host";
        return hosts::run(hosts::command(name, base.path()));
    };
    let limit = Rlimit { current: Some(100_000), maximum: Some(100_000) };
    rustix::process::setrlimit(Resource::Fsize, limit).unwrap();
    let mut extractor = BinaryExtractor::builder().base_directory(&base).build().unwrap();
    let data = vec![1; 100_001];
    let slow = std::io::Read::take(std::io::repeat(1), 1_000_000);
    for result in [extractor.add_binary("large", &data), extractor.add_reader("large", slow)] {
        let error = result.unwrap_err();
        assert_eq!(error.errno(), Some(27), "{error}");
        assert!(error.to_string().contains("RLIMIT_FSIZE"), "{error}");
    }
    assert!(names_in(extractor.temp_dir()).is_empty());
    add(&mut extractor, "fits", &data[1..]);
}

#[test]
fn a_child_of_another_user_starts_although_the_directory_is_closed_to_it() {
    if !rustix::process::geteuid().is_root() {
        return println!("skipped: only root can start a child as another user");
    }
    let base = Base::new();
    let mut extractor = base.extractor();
    add(&mut extractor, "script", b"#!/bin/sh\necho \"$(id -u) $(id -g)\"\nexit 3\n");
    extractor.add_file("program", "/usr/bin/id").unwrap();
    let manager = ProcessManager::new(extractor);
    let nobody = UserSpec { uid: Some(65534), gid: Some(65533), groups: None };
    let script = Command::binary("script").user(nobody.clone());
    assert_eq!(started(&manager, script), ("65534 65533\n".into(), Some(3)));
    let program = Command::binary("program").arg("-u").user(nobody);
    assert_eq!(started(&manager, program), ("65534\n".into(), Some(0)));
}

/// Lets this process open no further descriptor, or again as many as before.
fn allow_descriptors(allow: bool) {
    let limit = rustix::process::getrlimit(Resource::Nofile);
    let next_free = u64::try_from(fs::File::open("/dev/null").map_or(0, |f| f.as_raw_fd()));
    let current = if allow { limit.maximum } else { next_free.ok() };
    rustix::process::setrlimit(Resource::Nofile, Rlimit { current, ..limit }).unwrap();
}

#[test]
fn without_a_free_descriptor_nothing_is_left_half_done() {
    let Some(base) = hosts::base() else {
        let base = Base::new();
        let name = "location::without_a_free_descriptor_nothing_is_left_half_done";
        return hosts::run(hosts::command(name, base.path()));
    };
    let mut extractor = BinaryExtractor::builder().base_directory(&base).build().unwrap();
    let path = add(&mut extractor, "tool", &script(8));
    allow_descriptors(false);
    let error = extractor.add_binary("tool", &script(9)).unwrap_err();
    allow_descriptors(true);
    assert_eq!(error.errno(), Some(24), "{error}");
    assert_eq!(names_in(extractor.temp_dir()), ["tool"]);
    assert_eq!(run(&path), 8);
    allow_descriptors(false);
    drop(extractor);
    allow_descriptors(true);
    assert!(names_in(Path::new(&base)).is_empty());
}

#[test]
fn directories_that_others_made_in_ours_go_with_it() {
    let base = Base::new();
    let extractor = base.extractor();
    fs::create_dir_all(extractor.temp_dir().join("work/deep")).unwrap();
    fs::write(extractor.temp_dir().join("work/deep/file"), "data").unwrap();
}
