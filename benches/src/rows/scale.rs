//! Tables of many children at a time: silent ones, and ones that write.

use super::{GROUP, OURS, RAW, TOKIO};
use crate::plan::Limit::{Above, Most, Times};
use crate::plan::{Plan, Program, Size};

const IN_ALL: &[(&str, Program)] = &[(RAW, Program::Rust("raw")), (OURS, Program::Rust("ours"))];
const GROUP_LEVEL: &[(&str, Program)] = &[(GROUP, Program::Rust("group"))];

const PEER: &[(&str, Program)] = &[(TOKIO, Program::Rust("tokio"))];

/// The tables of this file; the short run has fewer children.
pub fn plans(size: Size) -> Vec<Plan> {
    let with_peer = |count| {
        let request = request(count, false, 0);
        idle(count, false, size).ask(&request, GROUP_LEVEL).ask(&request, PEER)
    };
    if size.is_quick {
        return vec![with_peer(300), chatty(300)];
    }
    vec![with_peer(1000), idle(6000, false, size), idle(9900, true, size), chatty(1000)]
}

fn request(count: usize, is_merged: bool, seconds: u32) -> String {
    format!("idle {count} {} {seconds}", u8::from(is_merged))
}

/// The long wait for wake-ups happens in the first round only.
fn idle(count: usize, is_merged: bool, size: Size) -> Plan {
    let merged = if is_merged { ", stderr merged into stdout" } else { "" };
    let title = format!(
        "{count} silent children at a time{merged}: start of all, memory, descriptors and threads \
         of the host, wake-ups of its other threads in {} s (first round only), end of all",
        size.idle
    );
    let mut plan = Plan::new(&format!("idle-{count}"), title, "").parts(&[
        ("start", "us each"),
        ("stop", "us each"),
        ("memory", "KiB a child"),
        ("descriptors", "a child"),
        ("threads", "of the host"),
        ("wake-ups", "in all"),
    ]);
    (plan.is_fresh, plan.first_request) = (true, Some(request(count, is_merged, size.idle)));
    let plan = plan.ask(&request(count, is_merged, 0), IN_ALL);
    // What the host holds once for all is told a child too: a tenth is allowed for it.
    plan.target_of(0, OURS, Times(1.3), RAW)
        .target_of(1, OURS, Times(1.3), RAW)
        .target_of(2, OURS, Above(4.0), RAW)
        .target_of(3, OURS, Most(3.1), RAW)
        .target_of(4, OURS, Above(3.0), RAW)
        .target_of(5, OURS, Most(0.0), RAW)
}

fn chatty(count: usize) -> Plan {
    let title = format!(
        "{count} children that write a line of 5 bytes every 10 ms, 100 each: CPU of the host from \
         the last start to the last line; every line is checked"
    );
    let mut plan =
        Plan::new("chatty", title, "").parts(&[("CPU", "us a line"), ("threads", "of the host")]);
    plan.is_fresh = true;
    let request = format!("chatty {count}");
    let plan = plan.ask(&request, IN_ALL).ask(&request, PEER);
    plan.target_of(0, OURS, Times(1.2), RAW).target_of(1, OURS, Above(3.0), RAW)
}
