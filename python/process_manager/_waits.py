"""Who waits for what on which event loop. No thread of the core ever calls into Python.

The core marks a token ready and makes the manager's descriptor readable. Each loop that has
something waiting watches that descriptor; whoever takes the tokens (a loop, or poll() on some
thread) wakes the futures, those of other loops through call_soon_threadsafe.
"""

from __future__ import annotations

import threading
import weakref
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from process_manager._loops import (
    Loop,
    Waiter,
    current,
    current_or_none,
    limited,
    running,
    running_or_none,
    shielded,
)
from process_manager.errors import ProcessError, StopFailed, TimedOut

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from process_manager import _core
    from process_manager._callbacks import Subscription

Answer = TypeVar("Answer")


class Watched:
    """A loop that watches the manager's descriptor, and how many wait on it."""

    __slots__ = ("fd", "loop", "waiting")

    def __init__(self, loop: Loop, fd: int) -> None:
        self.loop = loop
        self.fd = fd
        self.waiting = 0


class Waits:
    """The waiting futures and the callbacks of one manager."""

    def __init__(self, core: _core.Manager) -> None:
        self._core = core
        self._lock = threading.Lock()
        self._waiters: dict[int, list[Waiter]] = {}
        self._taken = 0  # grows whenever tokens have been taken
        self._loops: dict[object, Watched] = {}
        self._subscriptions: dict[int, list[Subscription]] = {}
        self._due: list[Subscription] = []

    # ---- waiting -----------------------------------------------------------------------------

    def block(self, operation: _core.Operation, limit: float, what: object) -> None:
        """Waits for a stop on this thread."""
        if not operation.wait(limit):
            raise StopFailed(f"parts of {what!r} have survived SIGKILL for 5 s")

    async def finish(self, operation: _core.Operation, limit: float, what: object) -> None:
        """Begins a stop and waits for it under the loop, shielded from cancellation."""
        # The first question begins it, and raises where there is nothing to wait for.
        if operation.poll() is None:
            await shielded(self._finish(operation, limit, what))

    async def _finish(self, operation: _core.Operation, limit: float, what: object) -> None:
        try:
            await limited(limit, self.ready(operation.token, operation.poll), "stop")
        except TimedOut:
            raise StopFailed(f"parts of {what!r} have survived SIGKILL for 5 s") from None

    async def ready(self, token: int, poll: Callable[[], Answer | None]) -> Answer:
        """Asks ``poll`` now and whenever the token is ready, until it has an answer."""
        taken = self._taken
        answer = poll()
        while answer is None:
            watched, waiter = self._arm(token)
            try:
                # Tokens were taken since the question, and nobody stood there for this one.
                if taken != self._taken:
                    answer = poll()
                if answer is None:
                    await waiter.sleep()
                    taken = self._taken
                    answer = poll()
            finally:
                self._disarm(token, watched, waiter)
        return answer

    def _arm(self, token: int) -> tuple[Watched, Waiter]:
        watched = self._loops.get(running()) or self._watch(current())
        waiter = watched.loop.waiter()
        with self._lock:
            watched.waiting += 1
            self._waiters.setdefault(token, []).append(waiter)
        return watched, waiter

    def _disarm(self, token: int, watched: Watched, waiter: Waiter) -> None:
        with self._lock:
            watched.waiting -= 1
            waiters = self._waiters.get(token)
            if waiters and waiter in waiters:
                waiters.remove(waiter)
                if not waiters:
                    del self._waiters[token]

    # ---- loops -------------------------------------------------------------------------------

    def _watch(self, loop: Loop) -> Watched:
        with self._lock:
            self._loops = {k: w for k, w in self._loops.items() if not w.loop.is_over()}
            watched = self._loops.get(loop.key)
            if watched is not None:
                return watched
            watched = self._loops[loop.key] = Watched(loop, self._core.fileno())
        # The loop must not keep a manager that nobody else has.
        loop.watch(watched.fd, partial(_on_readable, weakref.ref(self), watched))
        return watched

    def _unwatch(self, watched: Watched) -> None:
        with self._lock:
            is_watched = self._loops.pop(watched.loop.key, None) is not None
        if is_watched:
            watched.loop.unwatch(watched.fd)

    def on_readable(self, watched: Watched) -> None:
        """Takes what is ready. A loop on which nobody waits any more leaves that to others."""
        if not watched.waiting and not self._subscriptions:
            self._unwatch(watched)
            return
        try:
            tokens = self._core.poll(0)
        except ProcessError:  # closed meanwhile
            self._unwatch(watched)
            return
        errors: list[Exception] = []
        self._dispatch(tokens, errors)
        for error in errors:
            watched.loop.report(error)
        if self._due:
            watched.loop.soon(partial(_on_readable, weakref.ref(self), watched))

    # ---- callbacks ---------------------------------------------------------------------------

    def subscribe(self, subscription: Subscription) -> None:
        """Has it fired from now on, by the running loop if there is one."""
        loop = current_or_none()
        with self._lock:
            self._subscriptions.setdefault(subscription.token, []).append(subscription)
            self._due.append(subscription)
        if loop is not None:
            watched = self._watch(loop)
            loop.soon(partial(_on_readable, weakref.ref(self), watched))

    def poll(self, timeout: float | None) -> int:
        """Fires what is due, waiting for something at most that long; raises its exceptions."""
        errors: list[Exception] = []
        done = self._dispatch((), errors)
        if not errors:
            wait = 0 if done or self._due else timeout
            done += self._dispatch(self._core.poll(wait), errors)
        if len(errors) > 1:
            raise ExceptionGroup("exceptions in process_manager callbacks", errors)
        if errors:
            raise errors[0]
        return done

    def _dispatch(self, tokens: Iterable[int], errors: list[Exception]) -> int:
        """Wakes and fires. Says how many."""
        waiters: list[Waiter] = []
        due: list[Subscription] = []
        with self._lock:
            self._taken += 1
            if self._due:
                due, self._due = self._due, due
            for token in tokens:
                waiters += self._waiters.pop(token, ())
                if self._subscriptions:
                    due.extend(s for s in self._subscriptions.get(token, ()) if s not in due)
        for waiter in waiters:
            waiter.wake()
        done = len(waiters)
        for subscription in due:
            done += self._fire(subscription, errors)
        return done

    def _fire(self, subscription: Subscription, errors: list[Exception]) -> bool:
        with self._lock:
            if subscription.busy:
                subscription.dirty = True
                return False
            subscription.busy, subscription.dirty = True, False
        answer: bool | None = True
        try:
            answer = subscription.fire()
        except Exception as error:
            errors.append(error)
        finally:
            with self._lock:
                subscription.busy = False
                if answer is None:
                    self._forget(subscription)
                elif answer or subscription.dirty:
                    self._due.append(subscription)
        return answer is not False

    def _forget(self, subscription: Subscription) -> None:
        waiting = self._subscriptions.get(subscription.token, [])
        if subscription in waiting:
            waiting.remove(subscription)
        if not waiting:
            self._subscriptions.pop(subscription.token, None)

    # ---- the end -----------------------------------------------------------------------------

    def close(self) -> None:
        """Stops watching everywhere; whatever still waits is woken and finds the handle closed."""
        with self._lock:
            loops = list(self._loops.values())
            waiters = [waiter for waiters in self._waiters.values() for waiter in waiters]
            self._waiters.clear()
            self._subscriptions.clear()
            self._due.clear()
        for waiter in waiters:
            waiter.wake()
        here = running_or_none() if loops else None
        for watched in loops:
            if watched.loop.key is here:
                self._unwatch(watched)
            else:
                watched.loop.soon(partial(self._unwatch, watched))

    def __del__(self) -> None:
        # The descriptor stays open until the loops have let go of it.
        for watched in self._loops.values():
            watched.loop.soon(partial(_let_go, watched, self._core))


def _on_readable(waits: weakref.ref[Waits], watched: Watched) -> None:
    if (alive := waits()) is not None:
        alive.on_readable(watched)


def _let_go(watched: Watched, _core: _core.Manager) -> None:
    watched.loop.unwatch(watched.fd)
