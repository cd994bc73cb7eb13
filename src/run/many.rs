//! A batch of runs, so many at a time.

use std::collections::VecDeque;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use super::{reading, with_timeout, Collect, RunOptions};
use crate::command::Command;
use crate::error::{ProcessError, Result};
use crate::manager::ProcessManager;
use crate::types::RunOutput;

impl ProcessManager {
    /// Runs all commands to their end on this thread, at most `parallel` at a time, and gives a
    /// result for each, in order. `options` bound each run.
    ///
    /// Errors: [`ProcessError::InvalidArgument`] for `parallel` 0, [`ProcessError::Forked`]; of
    /// each item: as [`run`](Self::run).
    pub fn run_many<C: Into<Command>>(
        &self,
        commands: Vec<C>,
        parallel: usize,
        options: RunOptions,
    ) -> Result<Vec<Result<RunOutput>>> {
        let mut batch = self.batch(commands, parallel, options)?;
        self.reactor()?.check_fork()?;
        let done = self.reactor()?.block_on(None, |cx| batch.poll_quietly(cx));
        done.map_err(|e| e.or_timed_out(|| "a batch without a deadline".into()))
    }

    /// Async twin of [`run_many`](Self::run_many). Dropping the future ends the runs under way.
    pub async fn run_many_async<C: Into<Command>>(
        &self,
        commands: Vec<C>,
        parallel: usize,
        options: RunOptions,
    ) -> Result<Vec<Result<RunOutput>>> {
        Ok(self.batch(commands, parallel, options)?.await)
    }

    fn batch<C: Into<Command>>(
        &self,
        commands: Vec<C>,
        parallel: usize,
        options: RunOptions,
    ) -> Result<Batch<'_>> {
        if parallel == 0 {
            return Err(ProcessError::invalid("parallel", "must be 1 or more"));
        }
        let waiting: VecDeque<_> = commands.into_iter().map(Into::into).enumerate().collect();
        let results = waiting.iter().map(|_| None).collect();
        Ok(Batch { manager: self, waiting, running: Vec::new(), results, parallel, options })
    }
}

/// A batch under way.
struct Batch<'a> {
    manager: &'a ProcessManager,
    waiting: VecDeque<(usize, Command)>,
    running: Vec<(usize, Collect)>,
    results: Vec<Option<Result<RunOutput>>>,
    parallel: usize,
    options: RunOptions,
}

impl Batch<'_> {
    fn poll_quietly(&mut self, cx: &mut Context<'_>) -> Poll<Vec<Result<RunOutput>>> {
        // A run that ends makes room for the next, which must be polled in the same go.
        while self.collect(cx) | self.start() {}
        if !self.running.is_empty() {
            return Poll::Pending;
        }
        Poll::Ready(std::mem::take(&mut self.results).into_iter().flatten().collect())
    }

    /// Polls those that run; true when one has ended.
    fn collect(&mut self, cx: &mut Context<'_>) -> bool {
        let before = self.running.len();
        let results = &mut self.results;
        self.running.retain_mut(|(index, run)| match run.poll_quietly(cx) {
            Poll::Pending => true,
            Poll::Ready(result) => {
                results[*index] = Some(result);
                false
            }
        });
        self.running.len() < before
    }

    /// Starts what there is room for; true when one was started.
    fn start(&mut self) -> bool {
        let before = self.running.len();
        while self.running.len() < self.parallel {
            let Some((index, command)) = self.waiting.pop_front() else { break };
            match self.manager.start(with_timeout(reading(command), self.options)) {
                Ok(runner) => self.running.push((index, Collect::new(runner, self.options))),
                Err(error) => self.results[index] = Some(Err(error)),
            }
        }
        self.running.len() > before
    }
}

impl Drop for Batch<'_> {
    /// A batch that was given up: the manager still has the runs under way.
    fn drop(&mut self) {
        for (_, run) in &self.running {
            run.abandon();
        }
    }
}

impl Future for Batch<'_> {
    type Output = Vec<Result<RunOutput>>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let polled = self.poll_quietly(cx);
        if let (Poll::Pending, Ok(reactor)) = (&polled, self.manager.reactor()) {
            reactor.serve();
        }
        polled
    }
}
