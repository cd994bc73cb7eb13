//! What a full log does under each policy.

use super::super::state::{FIRST_READER_GRACE, STALL_GRACE};
use super::*;

const LIMIT: usize = 4096;
const LINE: &[u8] = &[b'x'; 1023];

/// A line of 1024 bytes.
fn line() -> Vec<u8> {
    [LINE, b"\n"].concat()
}

/// Appends lines until the answer is another than `Continue`; returns it and their number.
fn fill(fixture: &Fixture) -> (Appended, usize) {
    for count in 1..=1000 {
        let appended = fixture.append(Stdout, line());
        if appended != Appended::Continue {
            return (appended, count);
        }
    }
    (Appended::Continue, 1000)
}

fn pause(appended: Appended) -> Option<Instant> {
    match appended {
        Appended::Pause { stall_at } => stall_at,
        other => panic!("{other:?}"),
    }
}

#[test]
fn block_pauses_when_full_and_resumes_when_half_is_read() {
    let fixture = Fixture::new(OutputPolicy::Block, LIMIT);
    let mut reader = fixture.reader();
    let (appended, count) = fill(&fixture);
    assert_eq!((pause(appended), count), (None, 4));
    assert_eq!(fixture.log.room(LIMIT), 0);
    let batch = batch(&mut reader);
    assert!(fixture.log.is_paused(), "a batch that is held is not read yet");
    drop(batch);
    assert_eq!((fixture.log.is_paused(), fixture.resumes()), (false, 1));
    assert_eq!(fill(&fixture).1, 4);
    assert_eq!(read_all(&mut reader).len(), 4);
    assert_eq!(fixture.resumes(), 2);
}

#[test]
fn a_shared_batch_that_is_read_up_holds_nothing_up_though_it_is_kept() {
    let fixture = Fixture::new(OutputPolicy::Block, LIMIT);
    let mut reader = fixture.reader();
    fill(&fixture);
    let shared = SharedBatch::new(batch(&mut reader));
    assert!(fixture.log.is_paused());
    assert_eq!(std::iter::from_fn(|| shared.next_data()).count(), 4);
    assert_eq!((fixture.log.is_paused(), fixture.resumes()), (false, 1));
    assert!(shared.next_record().is_none());
}

#[test]
fn block_without_a_reader_waits_for_one() {
    let mut fixture = Fixture::new(OutputPolicy::Block, LIMIT);
    assert_eq!(pause(fill(&fixture).0), None);
    fixture.pass(STALL_GRACE * 100);
    assert_eq!(fixture.log.stalled(fixture.now), Stall::Wait(None));
    assert_eq!(read_all(&mut fixture.reader()).len(), 4);
    assert_eq!(fixture.resumes(), 1);
}

#[test]
fn drop_oldest_never_pauses_and_counts_what_is_gone() {
    let fixture = Fixture::new(OutputPolicy::DropOldest, LIMIT);
    let mut reader = fixture.reader();
    assert_eq!(fill(&fixture), (Appended::Continue, 1000));
    let seen = read_all(&mut reader);
    assert_eq!(seen[0], format!("out:gap({},996)", 996 * 1024));
    assert_eq!(seen.len(), 5);
    assert_eq!(read_all(&mut reader), Vec::<String>::new());
}

#[test]
fn a_read_larger_than_the_whole_log_is_kept_at_its_end() {
    let fixture = Fixture::new(OutputPolicy::DropOldest, LIMIT);
    let mut reader = fixture.reader();
    fixture.append(Stdout, line().repeat(64));
    let seen = read_all(&mut reader);
    assert_eq!(seen[0], format!("out:gap({},60)", 60 * 1024));
    assert_eq!(seen.len(), 5);
}

#[test]
fn a_gap_cuts_the_unfinished_line() {
    let fixture = Fixture::new(OutputPolicy::DropOldest, LIMIT);
    let mut reader = fixture.reader();
    fixture.append(Stdout, "begin");
    assert_eq!(read_all(&mut reader), Vec::<String>::new());
    fixture.append(Stdout, line().repeat(8));
    let seen = read_all(&mut reader);
    assert_eq!(seen[..2], ["out:begin…".to_string(), format!("out:gap({},4)", 4 * 1024)]);
}

#[test]
fn kill_says_so_once() {
    let fixture = Fixture::new(OutputPolicy::Kill, LIMIT);
    let mut reader = fixture.reader();
    assert_eq!(fill(&fixture), (Appended::Kill, 5));
    assert_eq!(fill(&fixture), (Appended::Continue, 1000));
    assert_eq!(read_all(&mut reader).len(), 5);
}

#[test]
fn kill_spares_the_child_of_a_reader_that_keeps_up() {
    let fixture = Fixture::new(OutputPolicy::Kill, LIMIT);
    let mut reader = fixture.reader();
    for _ in 0..100 {
        assert_eq!(fixture.append(Stdout, line()), Appended::Continue);
        assert_eq!(read_all(&mut reader).len(), 1);
    }
}

#[test]
fn auto_waits_for_a_reader_that_reads() {
    let mut fixture = Fixture::new(OutputPolicy::Auto, LIMIT);
    let mut reader = fixture.reader();
    let (mut written, mut read) = (0, 0);
    for _ in 0..20 {
        let (appended, count) = fill(&fixture);
        written += count;
        let stall_at = pause(appended).unwrap();
        fixture.now = stall_at;
        // One record of a batch that it keeps is progress enough to be waited for.
        let batch = batch(&mut reader);
        assert!(batch.records().next().is_some());
        assert!(matches!(fixture.log.stalled(fixture.now), Stall::Wait(Some(_))));
        read += batch.records().count();
    }
    assert_eq!(read, written);
}

#[test]
fn auto_drops_when_the_reader_stalls() {
    let mut fixture = Fixture::new(OutputPolicy::Auto, LIMIT);
    let mut reader = fixture.reader();
    let stall_at = pause(fill(&fixture).0).unwrap();
    assert_eq!(stall_at, fixture.now + STALL_GRACE);
    assert_eq!(fixture.log.stalled(fixture.now), Stall::Wait(Some(stall_at)));
    fixture.pass(STALL_GRACE);
    assert_eq!(fixture.log.stalled(fixture.now), Stall::Dropping);
    assert_eq!(fill(&fixture), (Appended::Continue, 1000));
    let seen = read_all(&mut reader);
    assert_eq!((seen[0].as_str(), seen.len()), ("out:gap(1024000,1000)", 5));
    // It reads again, so it is waited for again.
    assert!(pause(fill(&fixture).0).is_some());
}

#[test]
fn auto_drops_also_when_the_reader_stalls_halfway() {
    let mut fixture = Fixture::new(OutputPolicy::Auto, LIMIT);
    let mut reader = fixture.reader();
    fill(&fixture);
    let mut context = Context::from_waker(Waker::noop());
    assert!(reader.poll_batch(&mut context, 1024).is_ready());
    assert!(fixture.log.is_paused(), "three quarters are still unread");
    fixture.pass(STALL_GRACE);
    assert!(matches!(fixture.log.stalled(fixture.now), Stall::Wait(Some(_))));
    fixture.pass(STALL_GRACE);
    assert_eq!(fixture.log.stalled(fixture.now), Stall::Dropping);
}

#[test]
fn auto_is_not_held_up_by_a_batch_that_is_never_dropped() {
    let mut fixture = Fixture::new(OutputPolicy::Auto, LIMIT);
    let (mut reader, mut other) = (fixture.reader(), fixture.reader());
    fill(&fixture);
    let held = batch(&mut reader);
    assert_eq!(read_all(&mut other).len(), 4);
    fixture.pass(STALL_GRACE);
    assert!(matches!(fixture.log.stalled(fixture.now), Stall::Wait(Some(_))));
    fixture.pass(STALL_GRACE);
    assert_eq!(fixture.log.stalled(fixture.now), Stall::Dropping);
    for _ in 0..100 {
        assert_eq!(fixture.append(Stdout, line()), Appended::Continue);
        assert_eq!(read_all(&mut other).len(), 1, "who reads loses nothing");
    }
    assert_eq!(held.records().count(), 4);
    drop(held);
    assert!(read_all(&mut reader)[0].starts_with("out:gap("));
}

#[test]
fn auto_without_a_reader_drops_after_a_short_grace() {
    let mut fixture = Fixture::new(OutputPolicy::Auto, LIMIT);
    let stall_at = pause(fill(&fixture).0).unwrap();
    assert_eq!(stall_at, fixture.now + FIRST_READER_GRACE);
    fixture.now = stall_at;
    assert_eq!(fixture.log.stalled(fixture.now), Stall::Dropping);
    assert_eq!(fill(&fixture), (Appended::Continue, 1000));
    let mut late = fixture.reader();
    assert_eq!(read_all(&mut late)[0], "out:gap(1024000,1000)");
}

#[test]
fn auto_says_once_that_unread_output_is_dropped() {
    let mut fixture = Fixture::new(OutputPolicy::Auto, LIMIT);
    fixture.pass(FIRST_READER_GRACE);
    assert_eq!(fill(&fixture), (Appended::Dropping, 5));
    assert_eq!(fill(&fixture), (Appended::Continue, 1000));
}

#[test]
fn dropping_the_reader_that_holds_the_child_up_resumes_it() {
    for policy in [OutputPolicy::Auto, OutputPolicy::Block] {
        let fixture = Fixture::new(policy, LIMIT);
        let (mut quick, slow) = (fixture.reader(), fixture.reader());
        fill(&fixture);
        assert_eq!(read_all(&mut quick).len(), 4);
        assert!(fixture.log.is_paused());
        drop(slow);
        assert_eq!((fixture.log.is_paused(), fixture.resumes()), (false, 1));
    }
}

#[test]
fn a_late_reader_is_not_told_of_what_others_have_had() {
    let fixture = Fixture::new(OutputPolicy::Auto, LIMIT);
    let mut early = fixture.reader();
    for _ in 0..10 {
        fixture.append(Stdout, line());
        assert_eq!(read_all(&mut early).len(), 1);
    }
    let mut late = fixture.reader();
    let batch = batch(&mut late);
    assert_eq!(batch.records().count(), 4);
    assert_eq!(batch.records().next().unwrap().sequence, 7 * 1024);
}

#[test]
fn pinned_segments_count_against_the_bound() {
    let fixture = Fixture::new(OutputPolicy::DropOldest, LIMIT);
    let mut reader = fixture.reader();
    fill(&fixture);
    let held = batch(&mut reader);
    fill(&fixture);
    assert_eq!(held.lines().count(), 4);
    // The held half and the retained half.
    assert_eq!(read_all(&mut reader).len(), 1 + 2);
    drop(held);
    fill(&fixture);
    assert_eq!(read_all(&mut reader).len(), 1 + 4);
}

#[test]
fn a_reader_of_one_stream_is_not_held_up_by_the_other() {
    let fixture = Fixture::new(OutputPolicy::Block, LIMIT);
    let mut errors = fixture.reader().only(Stderr);
    assert!(poll(&mut errors).is_pending());
    assert_eq!(fill(&fixture), (Appended::Continue, 1000));
    fixture.append(Stderr, "oops\n");
    assert_eq!(read_all(&mut errors), ["err:oops"]);
}
