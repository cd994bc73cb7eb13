//! Tables of starting: a small static child is started, its output captured, and it is reaped.

use super::{C, GROUP, GUARD, MAIN, OURS, RAW, STD, TOKIO};
use crate::plan::Limit::Times;
use crate::plan::{Plan, Program, Size};
use crate::usage;
use crate::work::Outcome;

const START: &str = "start a static child with stdin null and both outputs piped, read both to \
                     the end, reap, check";
const LATE: &str = "process_manager, late";
const UNIT: &str = "us each";

/// What any library with the same promises comes to at least.
const PROMISES: &[(&str, Program)] = &[
    ("floor with the promises", Program::C("promises", &["cgroup"])),
    ("floor with a guard", Program::C("promises", &["guard"])),
];

const GUARD_AND_C: &[(&str, Program)] =
    &[(GUARD, Program::Rust("guard")), (C, Program::C("capi", &["pull"]))];
const PEERS: &[(&str, Program)] = &[
    ("async-process", Program::Rust("async-process")),
    ("duct", Program::Rust("duct")),
    ("libuv", Program::C("uv", &[])),
];

/// The tables of this file.
pub fn plans(size: Size) -> Outcome<Vec<Plan>> {
    let mut plans = vec![tight(size), one_cpu(size), spaced(size), busy(size)];
    plans.extend([crowded(size)?, heavy(size), flight(size)]);
    Ok(plans)
}

fn against_floor_and_tokio(plan: Plan) -> Plan {
    let plan = plan.target(GUARD, Times(2.2), RAW);
    [OURS, GROUP, C].into_iter().fold(plan, |plan, ours| {
        plan.target(ours, Times(1.25), RAW).target(ours, Times(0.9), TOKIO)
    })
}

fn tight(size: Size) -> Plan {
    let plan = Plan::new("starts", format!("{START}; {} in sequence", size.starts), UNIT);
    let request = format!("starts {} 0", size.starts);
    let plan = plan.ask(&request, MAIN).ask(&request, GUARD_AND_C).ask(&request, PROMISES);
    against_floor_and_tokio(plan.ask(&request, PEERS))
}

/// Where the scheduler has no choice, so that the figures vary least: for comparing, not a target.
fn one_cpu(size: Size) -> Plan {
    let request = format!("starts {} 0", size.starts / 2);
    let plan = Plan::new("starts", format!("{START}; {} in sequence", size.starts / 2), UNIT);
    plan.ask(&request, MAIN).ask(&request, GUARD_AND_C).ask(&request, PROMISES).pinned()
}

/// With a pause before each: caches cold, the CPU asleep.
fn spaced(size: Size) -> Plan {
    let title = format!("{START}; 50 ms of sleep before each, which is not counted");
    let request = format!("starts {} 50", if size.is_quick { 4 } else { 12 });
    let plan = Plan::new("starts-spaced", title, UNIT);
    let plan = plan.ask(&request, MAIN).ask(&request, GUARD_AND_C);
    against_floor_and_tokio(plan.ask(&request, PROMISES))
}

/// On a machine that has other work: who gives its turn away waits a slice of the scheduler's.
fn busy(size: Size) -> Plan {
    let title = format!("{START}; on every CPU runs a program that never waits");
    let request = format!("starts {} 0", if size.is_quick { 10 } else { 50 });
    let mut plan = Plan::new("starts-busy", title, UNIT);
    plan.is_busy = true;
    plan.ask(&request, MAIN).ask(&request, GUARD_AND_C)
}

/// In a host with many open descriptors, beside a floor in a host that has none. Whether the host's
/// first start came before them makes a difference to us, so both are shown.
fn crowded(size: Size) -> Outcome<Plan> {
    let count = usage::descriptor_limit()?.min(20_000).saturating_sub(2000);
    let title = format!(
        "{START}; the host has {count} open descriptors, opened after a first start (in the row \
         \"{LATE}\" before it), the floor's host none"
    );
    let request = format!("crowded {count} {}", size.starts / 5);
    let late = format!("crowded-late {count} {}", size.starts / 5);
    let mut plan = Plan::new("crowded", title, UNIT)
        .entry(RAW, Program::Rust("raw"), &format!("crowded 0 {}", size.starts / 5))
        .ask(&request, MAIN.get(1..).unwrap_or_default())
        .ask(&request, GUARD_AND_C)
        .entry(LATE, Program::Rust("ours"), &late);
    plan.is_fresh = true;
    Ok(plan.target(OURS, Times(1.25), RAW).target(GROUP, Times(1.25), RAW).target(
        C,
        Times(1.25),
        RAW,
    ))
}

/// In a host with much resident memory. Those only of whom something is wanted, and their floor:
/// each makes it resident each round, which takes 6 s where memory is slow.
fn heavy(size: Size) -> Plan {
    let title = format!("{START}; the host has {} MiB resident", size.resident);
    let request = format!("heavy {} {}", size.resident, size.starts / 5);
    Plan::new("heavy", title, UNIT)
        .ask(
            &request,
            &[
                (RAW, Program::Rust("raw")),
                (OURS, Program::Rust("ours")),
                (C, Program::C("capi", &["pull"])),
            ],
        )
        .target(OURS, Times(1.25), RAW)
        .target(C, Times(1.25), RAW)
}

fn flight(size: Size) -> Plan {
    let title = format!("{START}; 64 are running at any time, {} in all", size.starts);
    let entries: Vec<_> = MAIN.iter().copied().filter(|(name, _)| *name != STD).collect();
    Plan::new("flight", title, UNIT)
        .ask(&format!("flight {} 64", size.starts), &entries)
        .target(OURS, Times(1.15), RAW)
        .target(GROUP, Times(1.15), RAW)
}
