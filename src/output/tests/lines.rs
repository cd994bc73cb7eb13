//! Lines: where they are cut, what stays in them, when they come.

use super::*;

fn cut(max_line: usize, reads: &[(OutputSource, &str)]) -> Vec<String> {
    let options = OutputOptions { max_line, ..OutputOptions::default() };
    let fixture = Fixture::with(options);
    let mut reader = fixture.reader();
    let mut seen = Vec::new();
    for (source, bytes) in reads {
        fixture.append(*source, bytes);
        seen.extend(read_all(&mut reader));
    }
    fixture.close();
    seen.extend(read_all(&mut reader));
    assert!(matches!(poll(&mut reader), Poll::Ready(None)));
    seen
}

#[test]
fn a_line_ends_at_its_newline_and_is_otherwise_untouched() {
    let seen = cut(99, &[(Stdout, "a\r\n\nb\0c\rd\n")]);
    assert_eq!(seen, ["out:a\r", "out:", "out:b\0c\rd"]);
}

#[test]
fn the_last_line_needs_no_newline() {
    assert_eq!(cut(99, &[(Stdout, "a\nb"), (Stderr, "c")]), ["out:a", "out:b…", "err:c…"]);
}

#[test]
fn each_stream_keeps_its_own_unfinished_line() {
    let reads = [(Stdout, "he"), (Stderr, "oo"), (Stdout, "llo\n"), (Stderr, "ps\n")];
    assert_eq!(cut(99, &reads), ["out:hello", "err:oops"]);
}

#[test]
fn a_line_beyond_the_limit_is_split_and_flagged() {
    assert_eq!(
        cut(3, &[(Stdout, "abcdefgh\nxyz\n")]),
        ["out:abc…", "out:def…", "out:gh", "out:xyz"]
    );
    assert_eq!(cut(3, &[(Stdout, "abcdef"), (Stdout, "\n")]), ["out:abc…", "out:def"]);
}

#[test]
fn a_split_does_not_depend_on_the_reads() {
    let whole = cut(4, &[(Stdout, "0123456789\nabcd\n")]);
    let text: Vec<String> = "0123456789\nabcd\n".chars().map(String::from).collect();
    let single: Vec<_> = text.iter().map(|byte| (Stdout, byte.as_str())).collect();
    assert_eq!(cut(4, &single), whole);
}

#[test]
fn a_stream_that_ends_delivers_its_last_line_while_the_other_goes_on() {
    let fixture = Fixture::new(OutputPolicy::Auto, 4096);
    let mut reader = fixture.reader();
    fixture.append(Stdout, "last");
    fixture.log.close(Stdout, &mut Waker::wake);
    assert_eq!(read_all(&mut reader), ["out:last…"]);
    fixture.append(Stderr, "more\n");
    assert_eq!(read_all(&mut reader), ["err:more"]);
}

#[test]
fn sequence_numbers_count_the_bytes_of_both_streams() {
    let fixture = Fixture::new(OutputPolicy::Auto, 4096);
    let mut reader = fixture.reader();
    fixture.append(Stdout, "ab\ncd");
    fixture.append(Stderr, "x\n");
    fixture.append(Stdout, "e\n");
    let batch = batch(&mut reader);
    let numbers: Vec<u64> = batch.records().map(|record| record.sequence).collect();
    assert_eq!(numbers, [3, 7, 9]);
}

#[test]
fn bytes_that_are_not_utf8_are_replaced_in_text_only() {
    let fixture = Fixture::new(OutputPolicy::Auto, 4096);
    fixture.append(Stdout, b"\xff\xc3");
    fixture.append(Stdout, b"\xa9\n");
    fixture.close();
    let mut text = fixture.reader().stream();
    assert_eq!(text.next_blocking(None).unwrap().unwrap(), "\u{fffd}é");
    let mut bytes = fixture.reader().stream().bytes();
    assert_eq!(bytes.next_blocking(None).unwrap().unwrap(), b"\xff\xc3\xa9");
}

#[test]
fn small_reads_share_a_segment_that_nobody_holds() {
    let fixture = Fixture::new(OutputPolicy::Auto, 1 << 20);
    for _ in 0..100 {
        fixture.append(Stdout, "line\n");
    }
    let mut chunks = fixture.reader().chunks();
    let OutputChunk::Data(first) = chunks.next_blocking(None).unwrap().unwrap() else { panic!() };
    assert_eq!(first.len(), 500);
    // Held by `first`: what comes now must not change it.
    fixture.append(Stdout, "more\n");
    assert_eq!(first.len(), 500);
}

#[test]
fn a_timeout_leaves_the_reader_usable() {
    let fixture = Fixture::new(OutputPolicy::Auto, 4096);
    let mut reader = fixture.reader();
    let result = reader.next_batch_blocking(Some(Duration::ZERO));
    assert!(matches!(result, Err(crate::ProcessError::TimedOut(_))));
    fixture.append(Stdout, "now\n");
    assert_eq!(read_all(&mut reader), ["out:now"]);
}
