//! The raw view and the byte streams.

use std::io::Read;

use futures::{AsyncReadExt, StreamExt};

use super::*;

#[test]
fn a_prompt_without_a_newline_is_there_at_once() {
    let fixture = Fixture::new(OutputPolicy::Auto, 4096);
    let mut reader = fixture.reader();
    fixture.append(Stdout, "password: ");
    let mut context = Context::from_waker(Waker::noop());
    let Poll::Ready(Some(chunks)) = reader.poll_chunks(&mut context, 100) else { panic!() };
    let OutputChunk::Data(bytes) = chunks.get(0).unwrap() else { panic!() };
    assert_eq!((bytes.source(), &bytes[..]), (Stdout, &b"password: "[..]));
}

#[test]
fn read_gives_the_bytes_of_one_stream_or_of_both() {
    let fixture = Fixture::new(OutputPolicy::Auto, 4096);
    let (mut one, mut both) = (fixture.reader().only(Stderr).bytes(), fixture.reader().bytes());
    fixture.append(Stdout, "out\n");
    fixture.append(Stderr, "err");
    fixture.close();
    let mut text = String::new();
    Read::read_to_string(&mut one, &mut text).unwrap();
    assert_eq!(text, "err");
    text.clear();
    futures::executor::block_on(AsyncReadExt::read_to_string(&mut both, &mut text)).unwrap();
    assert_eq!(text, "out\nerr");
}

#[test]
fn read_reports_a_gap_once_and_goes_on() {
    let fixture = Fixture::new(OutputPolicy::DropOldest, 4096);
    let mut read = fixture.reader().bytes();
    fixture.append(Stdout, [b'x'; 8192]);
    fixture.close();
    let mut buffer = [0; 9000];
    let error = Read::read(&mut read, &mut buffer).unwrap_err();
    assert!(error.to_string().contains("4096 bytes"), "{error}");
    let mut rest = Vec::new();
    Read::read_to_end(&mut read, &mut rest).unwrap();
    assert_eq!(rest.len(), 4096);
}

#[test]
fn read_times_out_with_its_own_kind() {
    let fixture = Fixture::new(OutputPolicy::Auto, 4096);
    let mut read = fixture.reader().bytes();
    read.set_timeout(Some(Duration::ZERO));
    let error = Read::read(&mut read, &mut [0; 1]).unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::TimedOut);
}

#[test]
fn a_large_full_buffer_is_moved_in_and_a_used_one_comes_back() {
    let fixture = Fixture::new(OutputPolicy::DropOldest, 256 * 1024);
    let mut buffer = Vec::with_capacity(64 * 1024);
    let mut places = std::collections::HashSet::new();
    for _ in 0..100 {
        buffer.resize(64 * 1024, b'x');
        places.insert(buffer.as_ptr() as usize);
        fixture.log.append(Stdout, &mut buffer, fixture.now, &mut Waker::wake);
        assert!(buffer.is_empty() && buffer.capacity() >= 64 * 1024);
    }
    assert_eq!(places.len(), 5, "four retained and the one being filled");
}

#[test]
fn streams_are_send_unpin_and_end() {
    fn check(_: &(impl futures_core::Stream + Send + Unpin)) {}
    let fixture = Fixture::new(OutputPolicy::Auto, 4096);
    fixture.append(Stdout, "a\nb");
    fixture.close();
    let (text, records) = (fixture.reader().stream(), fixture.reader().records());
    let (lines, chunks) = (fixture.reader().stream().bytes(), fixture.reader().chunks());
    check(&text);
    check(&records);
    check(&lines);
    check(&chunks);
    futures::executor::block_on(async {
        assert_eq!(text.collect::<Vec<_>>().await, ["a", "b"]);
        assert_eq!(lines.collect::<Vec<_>>().await, [b"a", b"b"]);
        assert_eq!(records.count().await, 2);
        assert_eq!(chunks.count().await, 1);
    });
    assert_eq!(fixture.reader().stream().lines().collect::<Vec<_>>(), ["a", "b"]);
}
