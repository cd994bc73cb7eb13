//! Tables of the Python module beside the ways that Python programs use today.

use super::RAW;
use crate::plan::Limit::Times;
use crate::plan::{Plan, Program, Size};

const FLOOR: (&str, Program) = (RAW, Program::Rust("raw"));
const OURS: &str = "process_manager, Python";
const OURS_ASYNCIO: &str = "process_manager, asyncio";
const OURS_BATCHES: &str = "process_manager, batches";
const POPEN: &str = "subprocess.Popen";
const ASYNCIO: &str = "asyncio";

/// The tables of this file.
pub fn plans(size: Size) -> Vec<Plan> {
    let (bytes, text) = (lines("bytes", 0.6, size), lines("text", 0.65, size));
    vec![starts(size), bytes, text, lines_asyncio(size), latency(size), latency_asyncio(size)]
}

fn starts(size: Size) -> Plan {
    let count = size.starts / 5;
    let title = format!(
        "from Python: start a static child with stdin null and both outputs piped, read both to \
         the end, reap, check; {count} in sequence"
    );
    Plan::new("python-starts", title, "us each")
        .ask(
            &format!("starts {count} 0"),
            &[
                FLOOR,
                (OURS, Program::Python("ours")),
                (OURS_ASYNCIO, Program::Python("ours-asyncio")),
                (POPEN, Program::Python("popen")),
                ("subprocess.run", Program::Python("run")),
                (ASYNCIO, Program::Python("asyncio")),
                ("psutil", Program::Python("psutil")),
                ("trio", Program::Python("trio")),
                ("anyio", Program::Python("anyio")),
                ("sh", Program::Python("sh")),
            ],
        )
        .target(OURS, Times(0.6), POPEN)
        .target(OURS, Times(0.25), ASYNCIO)
        .target(OURS_ASYNCIO, Times(0.25), ASYNCIO)
}

fn lines(kind: &'static str, limit: f64, size: Size) -> Plan {
    let title = format!("{} lines of 80 bytes to Python as {kind}, counted", size.lines);
    let plan = Plan::new(&format!("python-{kind}"), title, "ns a line");
    plan.ask(&format!("lines {}", size.lines), &[FLOOR])
        .ask(
            &format!("{kind} {}", size.lines),
            &[
                (OURS, Program::Python("ours")),
                (OURS_BATCHES, Program::Python("ours-batches")),
                (POPEN, Program::Python("popen")),
            ],
        )
        .target(OURS, Times(limit), POPEN)
}

/// With fewer lines: the peer takes a µs each.
fn lines_asyncio(size: Size) -> Plan {
    let count = size.lines / 10;
    let title = format!("{count} lines of 80 bytes to Python as bytes under asyncio, counted");
    Plan::new("python-asyncio", title, "ns a line")
        .ask(&format!("lines {count}"), &[FLOOR])
        .ask(
            &format!("bytes {count}"),
            &[
                (OURS_ASYNCIO, Program::Python("ours-asyncio")),
                (OURS_BATCHES, Program::Python("ours-asyncio-batches")),
                (ASYNCIO, Program::Python("asyncio")),
            ],
        )
        .target(OURS_ASYNCIO, Times(0.2), ASYNCIO)
        .target(OURS_BATCHES, Times(0.08), ASYNCIO)
}

fn latency_of(name: &str, title: &str, size: Size) -> Plan {
    let title = format!("one line a ms, {} lines: from the child's clock to {title}", size.ticks);
    Plan::new(name, title, "us").parts(&[("p50", "us"), ("p99", "us")])
}

fn latency(size: Size) -> Plan {
    latency_of("python-latency", "Python, blocking", size)
        .ask(
            &format!("latency {}", size.ticks),
            &[FLOOR, (OURS, Program::Python("ours")), (POPEN, Program::Python("popen"))],
        )
        .target_of(0, OURS, Times(2.0), RAW)
        .target_of(1, OURS, Times(2.0), RAW)
}

fn latency_asyncio(size: Size) -> Plan {
    latency_of("python-latency-asyncio", "Python under asyncio", size)
        .ask(
            &format!("latency {}", size.ticks),
            &[
                FLOOR,
                (OURS_ASYNCIO, Program::Python("ours-asyncio")),
                (ASYNCIO, Program::Python("asyncio")),
            ],
        )
        .target_of(0, OURS_ASYNCIO, Times(1.0), ASYNCIO)
}
