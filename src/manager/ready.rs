//! What is ready, as tokens behind one descriptor: the base of polled callbacks and event loops.
//!
//! A binding gives every reader and waiter a token and polls it with `waker(token)`. When the
//! thing behind a token may have changed, the token appears here and the descriptor turns
//! readable; the binding takes the tokens and polls again, on its own thread.

use std::os::fd::BorrowedFd;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Instant;

use super::lock;
use crate::error::Result;
use crate::reactor::{Hold, Reactor, Unfinished};

/// Tokens whose waker has fired, in ascending order, each once until it is taken.
#[derive(Clone)]
pub struct ReadyList {
    inner: Arc<Inner>,
    /// Of the list, not of its tokens, which the engine holds. Goes last.
    _hold: Hold,
}

struct Inner {
    reactor: Arc<Reactor>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    tokens: Vec<u64>,
    /// Who waits, each under a number of its own. All are told of a token: the first takes it, the
    /// others wait again.
    waiters: Vec<(u64, Waker)>,
    /// How many have waited.
    waits: u64,
}

impl State {
    /// A token that comes again is mostly the last one; others are sorted out when the list is full,
    /// which then has room for as many again: so that it stays short, and is sorted rarely.
    fn add(&mut self, token: u64) {
        if self.tokens.last() == Some(&token) {
            return;
        }
        if self.tokens.len() == self.tokens.capacity() {
            self.merge();
            self.tokens.reserve(self.tokens.len() + 1);
        }
        self.tokens.push(token);
    }

    fn merge(&mut self) {
        self.tokens.sort_unstable();
        self.tokens.dedup();
    }

    fn take(&mut self) -> Vec<u64> {
        self.merge();
        std::mem::take(&mut self.tokens)
    }
}

struct Token {
    list: Arc<Inner>,
    token: u64,
}

impl Wake for Token {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        let mut state = lock(&self.list.state);
        state.add(self.token);
        let waiters = std::mem::take(&mut state.waiters);
        // Who waits will take the token itself, and raises when it leaves without.
        if waiters.is_empty() {
            // Under the lock: a take that follows must find the descriptor raised, or it would
            // lower it first and leave it readable for nothing.
            self.list.reactor.raise();
        }
        drop(state);
        waiters.into_iter().for_each(|(_, waker)| waker.wake());
    }
}

impl ReadyList {
    pub(super) fn new(reactor: Arc<Reactor>) -> Self {
        let _hold = Hold::new(&reactor);
        Self { inner: Arc::new(Inner { reactor, state: Mutex::default() }), _hold }
    }

    /// A waker that marks this token. Wakers of one token are not merged: keep one a token.
    pub fn waker(&self, token: u64) -> Waker {
        Waker::from(Arc::new(Token { list: self.inner.clone(), token }))
    }

    /// Takes the tokens that are ready; the descriptor is not readable for them any more.
    pub fn take(&self) -> Vec<u64> {
        let mut state = lock(&self.inner.state);
        self.inner.reactor.lower();
        state.take()
    }

    /// The descriptor: readable (level-triggered) when a poll would find something to do. Valid
    /// while the list lives; only for epoll, poll and select, never to be read or closed.
    ///
    /// Errors: [`ProcessError::Io`](crate::ProcessError::Io).
    pub fn fd(&self) -> Result<BorrowedFd<'_>> {
        self.inner.reactor.fd()
    }

    pub(super) fn wait(&self, deadline: Option<Instant>) -> Result<Vec<u64>> {
        let reactor = &self.inner.reactor;
        reactor.check_fork()?;
        let number = self.next_wait();
        let found = reactor.block_on(deadline, |cx| self.poll_take(number, cx));
        self.stop_waiting(number);
        reactor.expect_return();
        match found {
            Ok(tokens) => Ok(tokens),
            Err(Unfinished::Refused(error)) => Err(error),
            Err(Unfinished::Elapsed) => Ok(Vec::new()),
        }
    }

    fn next_wait(&self) -> u64 {
        let mut state = lock(&self.inner.state);
        state.waits += 1;
        state.waits
    }

    /// Tokens that came since are for the others who wait, or for the next call.
    fn stop_waiting(&self, number: u64) {
        let mut state = lock(&self.inner.state);
        state.waiters.retain(|(other, _)| *other != number);
        if state.tokens.is_empty() {
            return;
        }
        let waiters = std::mem::take(&mut state.waiters);
        if waiters.is_empty() {
            self.inner.reactor.raise();
        }
        drop(state);
        waiters.into_iter().for_each(|(_, waker)| waker.wake());
    }

    fn poll_take(&self, number: u64, cx: &mut Context<'_>) -> Poll<Vec<u64>> {
        let tokens = self.take();
        if !tokens.is_empty() {
            return Poll::Ready(tokens);
        }
        let mut state = lock(&self.inner.state);
        if state.tokens.is_empty() {
            state.waiters.retain(|(other, _)| *other != number);
            state.waiters.push((number, cx.waker().clone()));
            return Poll::Pending;
        }
        drop(state);
        Poll::Ready(self.take())
    }
}

#[cfg(test)]
mod tests {
    use super::State;

    #[test]
    fn tokens_come_in_order_and_once() {
        let mut state = State::default();
        [5, 5, 1, 5, 3, 1].into_iter().for_each(|token| state.add(token));
        assert_eq!(state.take(), [1, 3, 5]);
        assert_eq!(state.take(), []);
    }

    #[test]
    fn a_list_that_nobody_takes_stays_short() {
        let mut state = State::default();
        (0..100_000).for_each(|count| state.add(count % 100));
        assert!(state.tokens.capacity() <= 1000, "{}", state.tokens.capacity());
        assert_eq!(state.take(), (0..100).collect::<Vec<_>>());
    }
}
