//! `pm_output`: reading the output of a process without callbacks, a batch of lines a call.

use core_api::{Batch, Chunks, OutputReader, OutputSource};

use crate::convert::{self, inbound};
use crate::error::pm_error;
use crate::guard;
use crate::handle::{self, Out};
use crate::maker::Maker;
use crate::process::pm_process;
use crate::record::{pm_record, Views};
use crate::status::pm_status::{self, PM_END, PM_OK};
use crate::types::pm_source;

/// A reader of the output of one process, at its own place in it. There can be any number; each
/// begins at the oldest output that is kept. It holds output, not the process.
pub struct pm_output {
    reader: OutputReader,
    maker: Maker,
    /// Points into `taken`.
    records: Vec<pm_record>,
    taken: Taken,
}

/// What the views of the last call are views of.
enum Taken {
    Nothing,
    Batch(Batch),
    Chunks(Chunks),
}

impl pm_output {
    fn let_go(&mut self) {
        self.records.clear();
        self.taken = Taken::Nothing;
    }

    fn keep(&mut self, taken: Taken) -> (*const pm_record, usize) {
        self.taken = taken;
        match &self.taken {
            Taken::Nothing => {}
            Taken::Batch(batch) => {
                let mut views = Views::default();
                for record in batch.records() {
                    self.records.push(views.of(record));
                }
            }
            Taken::Chunks(chunks) => self.records.extend(chunks.iter().map(pm_record::from)),
        }
        (self.records.as_ptr(), self.records.len())
    }
}

// SAFETY: the pointers in `records` are to memory that `taken` keeps alive and unchanged.
unsafe impl Send for pm_output {}

/// A new reader of the process's output.
///
/// process: borrows. output: returns owned; free with pm_output_free().
/// Errors: `PM_ERROR_FORKED`. Threads: any thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pm_process_output(
    process: *const pm_process,
    output: *mut *mut pm_output,
    error: *mut *mut pm_error,
) -> pm_status {
    guard::call(error, || {
        // SAFETY: as the crate's documentation says of arguments.
        let (process, out) =
            unsafe { (handle::borrow(process, "process")?, Out::new(output, "output")?) };
        let reader = process.runner()?.output();
        out.give(pm_output {
            reader,
            maker: Maker::this(),
            records: Vec::new(),
            taken: Taken::Nothing,
        });
        Ok(PM_OK)
    })
}

/// Waits until there is output and gives all that is there, at least one record and at most about
/// 256 KiB.
///
/// output: borrows. timeout_ms: 0 does not wait, negative waits without a deadline. records: an
/// array of `count`, a view that is valid until the next call with this reader; what it keeps
/// counts as not read, so read on or free soon.
/// Returns `PM_END` when all was read and no more can come, `PM_TIMED_OUT` when the time is over.
/// Errors: `PM_ERROR_FORKED`. Threads: one at a time per object.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pm_output_next(
    output: *mut pm_output,
    timeout_ms: i64,
    records: *mut *const pm_record,
    count: *mut usize,
    error: *mut *mut pm_error,
) -> pm_status {
    guard::call(error, || {
        // SAFETY: as the crate's documentation says of arguments.
        let (output, out, out_count) = unsafe {
            let output = handle::borrow_mut(output, "output")?;
            (output, Out::new(records, "records")?, Out::new(count, "count")?)
        };
        output.let_go();
        let next = output.reader.next_batch_blocking(convert::timeout(timeout_ms))?;
        let Some(batch) = next else { return Ok(PM_END) };
        let (first, number) = output.keep(Taken::Batch(batch));
        out.put(first);
        out_count.put(number);
        Ok(PM_OK)
    })
}

/// As pm_output_next(), with the output as it was read, without regard to lines: so that a prompt
/// without a newline is seen at once. Use one of the two with a reader: what one took the other
/// does not see.
///
/// output: borrows. timeout_ms, records, count: as for pm_output_next(); of kind `PM_RECORD_BYTES`
/// or `PM_RECORD_GAP`.
/// Returns `PM_END`, `PM_TIMED_OUT` and errors as pm_output_next(). Threads: one at a time per
/// object.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pm_output_next_bytes(
    output: *mut pm_output,
    timeout_ms: i64,
    records: *mut *const pm_record,
    count: *mut usize,
    error: *mut *mut pm_error,
) -> pm_status {
    guard::call(error, || {
        // SAFETY: as the crate's documentation says of arguments.
        let (output, out, out_count) = unsafe {
            let output = handle::borrow_mut(output, "output")?;
            (output, Out::new(records, "records")?, Out::new(count, "count")?)
        };
        output.let_go();
        let next = output.reader.next_chunks_blocking(convert::timeout(timeout_ms))?;
        let Some(chunks) = next else { return Ok(PM_END) };
        let (first, number) = output.keep(Taken::Chunks(chunks));
        out.put(first);
        out_count.put(number);
        Ok(PM_OK)
    })
}

/// Passes one of the two streams over from here on.
///
/// output: borrows. source: one of pm_source, the one to keep.
/// Errors: `PM_ERROR_INVALID_ARGUMENT`. Threads: one at a time per object.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pm_output_only(
    output: *mut pm_output,
    source: u32,
    error: *mut *mut pm_error,
) -> pm_status {
    guard::call(error, || {
        // SAFETY: as the crate's documentation says of arguments.
        let output = unsafe { handle::borrow_mut(output, "output")? };
        output.maker.check()?;
        let source = match pm_source::check(source, "source")? {
            pm_source::PM_SOURCE_STDOUT => OutputSource::Stdout,
            pm_source::PM_SOURCE_STDERR => OutputSource::Stderr,
        };
        output.reader = output.reader.clone().only(source);
        Ok(PM_OK)
    })
}

inbound!(pm_source: PM_SOURCE_STDOUT, PM_SOURCE_STDERR);

/// Frees a reader, and with it the views that it gave. NULL is fine.
///
/// output: takes. Threads: one at a time per object.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pm_output_free(output: *mut pm_output) {
    // SAFETY: a handle or NULL.
    guard::quiet(|| unsafe { handle::free(output) });
}
