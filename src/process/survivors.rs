//! Who is left of a tree when a stop has not ended it in time.

use std::sync::Arc;
use std::task::Poll;
use std::time::{Duration, Instant};

use super::core::Process;

/// How long a guard is given to name its children.
const ASK: Duration = Duration::from_millis(500);

impl Process {
    /// The survivors as "pid 12 (name, uid 0)", for messages.
    pub(super) fn survivors(self: &Arc<Self>) -> String {
        let known: Vec<String> = self.survivor_ids().into_iter().map(describe).collect();
        match known.is_empty() {
            true => "who is left is not known at this containment level".into(),
            false => format!("left: {}", known.join(", ")),
        }
    }

    fn survivor_ids(self: &Arc<Self>) -> Vec<i32> {
        let mut inner = self.lock();
        let Some(guard) = inner.tree.guard() else { return inner.tree.member_ids() };
        if guard.survey().is_err() {
            return Vec::new();
        }
        inner.alive = None;
        drop(inner);
        let mut place = None;
        let told = self.reactor().block_on(Instant::now().checked_add(ASK), |cx| {
            let waker = cx.waker().clone();
            let mut inner = self.lock();
            if inner.alive.is_none() && !inner.state.is_tree_gone() {
                let old = inner.waiters.register(&mut place, waker);
                drop(inner);
                drop(old);
                return Poll::Pending;
            }
            Poll::Ready(inner.alive.take())
        });
        let waker = self.lock().waiters.forget(&mut place);
        drop(waker);
        told.ok().flatten().unwrap_or_default()
    }
}

fn describe(pid: i32) -> String {
    let read = |file| std::fs::read_to_string(format!("/proc/{pid}/{file}")).unwrap_or_default();
    let status = read("status");
    let uid = status.lines().find_map(|line| line.strip_prefix("Uid:"));
    let uid = uid.and_then(|ids| ids.split_whitespace().nth(1)).unwrap_or("?");
    format!("pid {pid} ({}, uid {uid})", read("comm").trim())
}
