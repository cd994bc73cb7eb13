//! What may be added, from where, and that it is complete or not there at all.

use std::fs;
use std::io::{self, Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Stdio};

use process_manager::{BinaryExtractor, ProcessError};

use crate::{add, names_in, program, run, script, Base};

const EXIT_7_SHA256: &str = "4d8fe24768718d56bd8c282eb86ad8c8411b2d3d4f8cc99d84fc37f55f7d3780";

/// Yields some bytes and then fails.
struct Broken(usize);

impl Read for Broken {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.0 == 0 {
            return Err(io::Error::other("the source broke"));
        }
        self.0 -= 1;
        buffer.fill(b'x');
        Ok(buffer.len())
    }
}

fn assert_only(extractor: &BinaryExtractor, names: &[&str]) {
    assert_eq!(extractor.list_binaries(), names);
    assert_eq!(names_in(extractor.temp_dir()), names);
}

#[test]
fn empty_data_is_refused_and_leaves_nothing() {
    let base = Base::new();
    let mut extractor = base.extractor();
    let error = extractor.add_binary("empty", b"").unwrap_err();
    assert!(matches!(error, ProcessError::ExtractionFailed(_)), "{error}");
    assert!(error.to_string().contains("empty"), "{error}");
    assert!(extractor.add_reader("empty", io::empty()).is_err());
    assert_only(&extractor, &[]);
}

#[test]
fn a_source_that_breaks_leaves_what_was_there() {
    let base = Base::new();
    let mut extractor = base.extractor();
    let path = add(&mut extractor, "tool", &script(3));
    let error = extractor.add_reader("tool", Broken(5)).unwrap_err();
    assert!(error.to_string().contains("the source broke"), "{error}");
    assert!(extractor.add_reader("other", Broken(5)).is_err());
    assert_only(&extractor, &["tool"]);
    assert_eq!(run(&path), 3);
}

#[test]
fn files_and_readers_of_any_size_arrive_whole() {
    let base = Base::new();
    let mut extractor = base.extractor();
    let source = Path::new("/bin/sh");
    let copies = [
        extractor.add_file("file", source).unwrap(),
        extractor.add_reader("reader", fs::File::open(source).unwrap()).unwrap(),
        extractor.add_reader("slow", Dribble(fs::File::open(source).unwrap())).unwrap(),
    ];
    for copy in copies {
        assert_eq!(fs::read(&copy).unwrap(), fs::read(source).unwrap());
        assert!(Command::new(copy).args(["-c", "exit 0"]).status().unwrap().success());
    }
}

/// Yields short reads and interruptions.
struct Dribble(fs::File);

impl Read for Dribble {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut byte = [0; 1];
        match self.0.read(&mut byte)? {
            0 => Ok(0),
            _ if byte[0] == 0x7f => {
                buffer[0] = byte[0];
                Ok(1)
            }
            _ => {
                buffer[0] = byte[0];
                let rest = buffer.len().min(1000);
                Ok(1 + self.0.read(&mut buffer[1..rest])?)
            }
        }
    }
}

#[test]
fn what_is_not_a_readable_regular_file_is_refused_at_once() {
    let base = Base::new();
    let source = tempfile::tempdir().unwrap();
    let fifo = source.path().join("fifo");
    assert!(Command::new("mkfifo").arg(&fifo).status().unwrap().success());
    let mut extractor = base.extractor();
    let missing = source.path().join("missing");
    for path in [fifo.as_path(), source.path(), &missing, Path::new("/dev/null")] {
        match extractor.add_file("tool", path) {
            Err(ProcessError::InvalidArgument { argument, reason }) => {
                assert_eq!(argument, "path");
                assert!(reason.contains(path.to_str().unwrap()), "{reason}");
            }
            other => panic!("{path:?}: {other:?}"),
        }
    }
    assert_only(&extractor, &[]);
}

#[test]
fn a_digest_is_checked_before_the_binary_appears() {
    let base = Base::new();
    let mut extractor = base.extractor();
    let right = EXIT_7_SHA256;
    let wrong = format!("{}{}", "0".repeat(8), &right[8..]);
    let data = script(7);
    let path = extractor.add_verified("tool", &data, right).unwrap();
    assert_eq!(run(&path), 7);
    extractor.add_verified("tool", &data, &right.to_uppercase()).unwrap();
    extractor.add_file_verified("file", &path, right).unwrap();
    extractor.add_reader_verified("reader", &data[..], right).unwrap();
    let error = extractor.add_verified("other", &data, &wrong).unwrap_err().to_string();
    assert!(error.contains(right) && error.contains(&wrong), "{error}");
    assert!(extractor.add_file_verified("other", &path, &wrong).is_err());
    assert_only(&extractor, &["file", "reader", "tool"]);
}

#[test]
fn what_is_not_a_digest_is_refused_as_an_argument() {
    let base = Base::new();
    let mut extractor = base.extractor();
    for text in ["", "abc", &"g".repeat(64)] {
        match extractor.add_verified("tool", b"data", text) {
            Err(ProcessError::InvalidArgument { argument, .. }) => assert_eq!(argument, "sha256"),
            other => panic!("{text:?}: {other:?}"),
        }
    }
    assert_only(&extractor, &[]);
}

#[test]
fn replacing_a_running_binary_leaves_the_running_one_its_file() {
    let base = Base::new();
    let mut extractor = base.extractor();
    let path = extractor.add_file("tool", "/bin/cat").unwrap();
    let mut running =
        Command::new(&path).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut input = running.stdin.take().unwrap();
    let mut output = running.stdout.take().unwrap();
    let mut echo = |byte: u8| {
        input.write_all(&[byte]).unwrap();
        let mut answer = [0];
        output.read_exact(&mut answer).unwrap();
        assert_eq!(answer, [byte]);
    };
    echo(b'1');
    assert_eq!(add(&mut extractor, "tool", &program(1)), path);
    echo(b'2');
    assert_eq!(run(&path), 1);
    extractor.remove_binary("tool").unwrap();
    echo(b'3');
    drop(input);
    assert!(running.wait().unwrap().success());
}

#[test]
fn the_file_can_be_executed_and_not_be_written() {
    let base = Base::new();
    let mut extractor = base.extractor();
    let path = add(&mut extractor, "tool", &script(0));
    let mode = path.metadata().unwrap().permissions().mode();
    assert_eq!(mode & 0o7777, 0o555);
}

#[test]
fn a_file_that_cannot_run_is_accepted_and_fails_at_its_start() {
    let base = Base::new();
    let mut extractor = base.extractor();
    let no_interpreter = add(&mut extractor, "script", b"#!/no/such/interpreter\n");
    let no_format = add(&mut extractor, "data", b"\x7fELF is not enough");
    assert!(Command::new(no_interpreter).status().is_err());
    assert!(Command::new(no_format).status().is_err());
}
