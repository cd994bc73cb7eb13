//! Many readers on their own threads.

use super::*;

#[test]
fn eight_reader_threads_each_get_everything() {
    let fixture = Fixture::new(OutputPolicy::Block, 16 * 1024);
    let readers: Vec<_> = (0..8).map(|_| fixture.reader()).collect();
    let threads: Vec<_> =
        readers.into_iter().map(|reader| std::thread::spawn(|| count(reader))).collect();
    for number in 0..20_000 {
        let source = if number % 3 == 0 { Stderr } else { Stdout };
        if let Appended::Pause { .. } = fixture.append(source, format!("{number}\n")) {
            while fixture.log.is_paused() {
                std::thread::yield_now();
            }
        }
    }
    fixture.close();
    for thread in threads {
        assert_eq!(thread.join().unwrap(), 20_000);
    }
}

/// Reads to the end and checks the order within each stream.
fn count(mut reader: OutputReader) -> usize {
    let (mut total, mut last) = (0, [None; 2]);
    while let Some(batch) = reader.next_batch_blocking(None).unwrap() {
        for record in batch.records() {
            let RecordData::Line { bytes, partial: false } = record.data else { panic!() };
            let number: Option<u32> = std::str::from_utf8(bytes).unwrap().parse().ok();
            assert!(number > last[record.source.index()]);
            last[record.source.index()] = number;
            total += 1;
        }
    }
    total
}
