//! Facts about processes as plain tuples; the package names their fields (`types.py`).

use chrono::{DateTime, Utc};
use process_manager::{ExitStatus, ProcessInfo};
use uuid::Uuid;

/// code, signal, core dumped: all unset where the status is unknown.
pub type Exit = (Option<i32>, Option<i32>, bool);
/// user seconds, system seconds, peak resident bytes.
type Usage = (f64, f64, u64);
/// What, when, how: in the order of `types.ProcessInfo`, in three parts.
pub type Info = (What, How, When);
type What = (Uuid, String, String, Option<u32>);
type How = (String, Option<Exit>, bool, bool, String, Option<Usage>);
type When = (Option<DateTime<Utc>>, Option<DateTime<Utc>>);

pub fn exit(status: ExitStatus) -> Exit {
    let core_dumped = matches!(status, ExitStatus::Signal { core_dumped: true, .. });
    (status.code(), status.signal(), core_dumped)
}

pub fn info(info: &ProcessInfo) -> Info {
    let usage = info.usage.map(|usage| {
        (usage.user_time.as_secs_f64(), usage.system_time.as_secs_f64(), usage.max_rss)
    });
    let what = (info.id, info.name.clone(), info.program.clone(), info.pid);
    let how = (
        info.status.to_string(),
        info.exit.map(exit),
        info.stop_requested,
        info.timed_out,
        info.containment.to_string(),
        usage,
    );
    (what, how, (info.started_at, info.stopped_at))
}
