//! A binary can be executed as soon as it was added, whoever forks meanwhile.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::PathBuf;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::{names_in, program, run, Base};

const BINARIES: usize = 200;
const FORKING_THREADS: usize = 4;

/// Starts children by fork and exec (setting a user keeps std from using posix_spawn), each of
/// which holds copies of every descriptor for a while.
fn fork_until(stop: &AtomicBool) {
    let user = rustix::process::geteuid().as_raw();
    while !stop.load(Ordering::Relaxed) {
        let status = std::os::unix::process::CommandExt::uid(&mut Command::new("/bin/true"), user)
            .status()
            .unwrap();
        assert!(status.success());
    }
}

#[test]
fn two_hundred_binaries_start_at_once_while_other_threads_fork() {
    let base = Base::new();
    let mut extractor = base.extractor();
    let data = program(1);
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        for _ in 0..FORKING_THREADS {
            scope.spawn(|| fork_until(&stop));
        }
        let failed: Vec<_> = (0..BINARIES)
            .map(|number| extractor.add_binary(&format!("tool-{}", number % 10), &data).unwrap())
            .filter_map(|path| Command::new(path).status().err())
            .collect();
        stop.store(true, Ordering::Relaxed);
        assert!(failed.is_empty(), "{failed:?}");
    });
    assert_eq!(names_in(extractor.temp_dir()).len(), 10);
}

/// Opens every file in the extractor's directory for writing when its end is reached, and keeps
/// it open, as a forked worker would.
struct Holder {
    data: io::Cursor<Vec<u8>>,
    directory: PathBuf,
    held: Vec<File>,
}

impl Read for Holder {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.data.read(buffer)?;
        if count == 0 && self.held.is_empty() {
            for entry in fs::read_dir(&self.directory)? {
                self.held.push(File::options().write(true).open(entry?.path())?);
            }
        }
        Ok(count)
    }
}

#[test]
fn a_writer_that_never_closes_does_not_keep_the_binary_busy() {
    let base = Base::new();
    let mut extractor = base.extractor();
    let data = io::Cursor::new(program(1));
    let directory = extractor.temp_dir().to_path_buf();
    let mut holder = Holder { data, directory, held: Vec::new() };
    let path = extractor.add_reader("tool", &mut holder).unwrap();
    assert_eq!(holder.held.len(), 1);
    assert_eq!(run(&path), 1);
    assert_eq!(names_in(extractor.temp_dir()), ["tool"]);
    assert_eq!(fs::read(path).unwrap(), program(1));
}
