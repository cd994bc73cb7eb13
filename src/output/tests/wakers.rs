//! Who is woken, how often, and who is forgotten.

use super::*;

fn poll_with(reader: &mut OutputReader, waker: &Waker) -> bool {
    reader.poll_batch(&mut Context::from_waker(waker), usize::MAX).is_ready()
}

#[test]
fn a_reader_has_one_waker_the_last() {
    let fixture = Fixture::new(OutputPolicy::Auto, 4096);
    let mut reader = fixture.reader();
    let (first, second) = (Arc::<Count>::default(), Arc::<Count>::default());
    for _ in 0..3 {
        assert!(!poll_with(&mut reader, &first.clone().into()));
        assert!(!poll_with(&mut reader, &second.clone().into()));
    }
    assert_eq!((Arc::strong_count(&first), Arc::strong_count(&second)), (1, 2));
    fixture.append(Stdout, "a\n");
    fixture.append(Stdout, "b\n");
    assert_eq!((first.get(), second.get()), (0, 1));
}

#[test]
fn a_dropped_reader_leaves_no_waker() {
    let fixture = Fixture::new(OutputPolicy::Auto, 4096);
    let count = Arc::<Count>::default();
    let mut reader = fixture.reader();
    assert!(!poll_with(&mut reader, &count.clone().into()));
    drop(reader);
    assert_eq!(Arc::strong_count(&count), 1);
}

#[test]
fn the_end_wakes_every_reader() {
    let fixture = Fixture::new(OutputPolicy::Auto, 4096);
    let count = Arc::<Count>::default();
    let mut readers = [fixture.reader(), fixture.reader().only(Stderr), fixture.reader()];
    for reader in &mut readers {
        assert!(!poll_with(reader, &count.clone().into()));
    }
    fixture.log.close(Stderr, &mut Waker::wake);
    assert_eq!(count.get(), 3);
    fixture.log.close(Stdout, &mut Waker::wake);
    for reader in &mut readers {
        assert!(matches!(poll(reader), Poll::Ready(None)));
    }
}

#[test]
fn output_of_the_other_stream_wakes_nobody() {
    let fixture = Fixture::new(OutputPolicy::Auto, 4096);
    let count = Arc::<Count>::default();
    let mut reader = fixture.reader().only(Stderr);
    assert!(!poll_with(&mut reader, &count.clone().into()));
    fixture.append(Stdout, "no\n");
    assert_eq!(count.get(), 0);
    fixture.append(Stderr, "yes\n");
    assert_eq!(count.get(), 1);
}

/// A waker whose clone and drop use the log, as an executor's task may that owns a reader.
struct Reentrant(Arc<OutputLog>);

impl Wake for Reentrant {
    fn wake(self: Arc<Self>) {}
}

impl Drop for Reentrant {
    fn drop(&mut self) {
        self.0.room(1);
    }
}

#[test]
fn a_waker_is_dropped_without_the_lock() {
    let fixture = Fixture::new(OutputPolicy::Auto, 4096);
    let mut reader = fixture.reader();
    for _ in 0..2 {
        let waker = Arc::new(Reentrant(fixture.log.clone())).into();
        assert!(!poll_with(&mut reader, &waker));
    }
    drop(reader);
}
