//! `pm_output`: reading the output of a process without callbacks, a batch of lines a call.

use core_api::{Batch, OutputReader};

use crate::convert;
use crate::error::pm_error;
use crate::guard;
use crate::handle::{self, Out};
use crate::process::pm_process;
use crate::record::pm_record;
use crate::status::pm_status::{self, PM_END, PM_OK};

/// A reader of the output of one process, at its own place in it. There can be any number; each
/// begins at the oldest output that is kept. It holds output, not the process.
pub struct pm_output {
    reader: OutputReader,
    /// Points into `batch`.
    records: Vec<pm_record>,
    batch: Option<Batch>,
}

// SAFETY: the pointers in `records` are to memory that `batch` keeps alive and unchanged.
unsafe impl Send for pm_output {}

/// A new reader of the process's output.
///
/// process: borrows. output: returns owned; free with pm_output_free().
/// Errors: none but NULL arguments. Threads: any thread.
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
        out.give(pm_output { reader: process.runner().output(), records: Vec::new(), batch: None });
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
        output.records.clear();
        output.batch = None;
        let next = output.reader.next_batch_blocking(convert::timeout(timeout_ms))?;
        let Some(batch) = next else { return Ok(PM_END) };
        let batch = output.batch.insert(batch);
        output.records.extend(batch.records().map(pm_record::from));
        out.put(output.records.as_ptr());
        out_count.put(output.records.len());
        Ok(PM_OK)
    })
}

/// Frees a reader, and with it the views that it gave. NULL is fine.
///
/// output: takes. Threads: one at a time per object.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pm_output_free(output: *mut pm_output) {
    // SAFETY: a handle or NULL.
    guard::quiet(|| unsafe { handle::free(output) });
}
