//! Tables of one child's output: bytes, lines, and how soon a line is seen.

use super::{GROUP, MAIN, OURS, RAW, TOKIO};
use crate::plan::Limit::Times;
use crate::plan::{Plan, Program, Size};

const C_PULL: &str = "process_manager, C pull";
const C_POLL: &str = "process_manager, C poll";
const CS: &[(&str, Program)] =
    &[(C_PULL, Program::C("capi", &["pull"])), (C_POLL, Program::C("capi", &["poll"]))];
/// What tokio costs without a String a line; the targets name its `lines`.
const TOKIO_BYTES: &[(&str, Program)] = &[("tokio::process, bytes", Program::Rust("tokio-bytes"))];

/// The tables of this file. Streaming depends on whether child and host share a CPU.
pub fn plans(size: Size) -> Vec<Plan> {
    let pinned = [bytes(size).pinned(), lines(size).pinned()];
    [bytes(size), lines(size), latency(size)].into_iter().chain(pinned).collect()
}

fn bytes(size: Size) -> Plan {
    let title = format!("{} MiB through one child's stdout, counted", size.bytes >> 20);
    Plan::new("bytes", title, "ms a GiB")
        .ask(&format!("bytes {}", size.bytes), MAIN)
        .target(OURS, Times(1.15), RAW)
        .target(GROUP, Times(1.15), RAW)
}

fn lines(size: Size) -> Plan {
    let title =
        format!("{} lines of 80 bytes through one child's stdout, order checked", size.lines);
    let request = format!("lines {}", size.lines);
    let plan =
        Plan::new("lines", title, "ns a line").ask(&request, MAIN).ask(&request, TOKIO_BYTES);
    let plan = plan.ask(&request, CS);
    [OURS, C_POLL, C_PULL]
        .into_iter()
        .fold(plan, |plan, ours| plan.target(ours, Times(1.3), RAW).target(ours, Times(0.6), TOKIO))
}

fn latency(size: Size) -> Plan {
    let title =
        format!("one line a ms, {} lines: from the child's clock to the caller", size.ticks);
    let request = format!("latency {}", size.ticks);
    let plan = Plan::new("latency", title, "us").parts(&[("p50", "us"), ("p99", "us")]);
    let plan = plan.ask(&request, MAIN).ask(&request, CS);
    [OURS, C_POLL].into_iter().fold(plan, |plan, ours| {
        plan.target(ours, Times(2.0), RAW).target_of(1, ours, Times(2.0), RAW)
    })
}
