"""Who waits for what on which event loop. No thread of the core ever calls into Python.

The core marks a token ready and makes the manager's descriptor readable. Each loop that has
something waiting watches that descriptor; whoever takes the tokens (a loop, or poll() on some
thread) wakes the futures, those of other loops through call_soon_threadsafe.
"""

from __future__ import annotations

import threading
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from process_manager._loops import Loop, Waiter, current, current_or_none, limited
from process_manager.errors import ProcessError, StopFailed, TimedOut

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from process_manager import _core
    from process_manager._callbacks import Subscription

Answer = TypeVar("Answer")


class Waits:
    """The waiting futures and the callbacks of one manager."""

    def __init__(self, core: _core.Manager) -> None:
        self._core = core
        self._lock = threading.Lock()
        self._waiters: dict[int, list[tuple[Loop, Waiter]]] = {}
        self._loops: dict[object, tuple[Loop, int]] = {}
        self._subscriptions: dict[int, list[Subscription]] = {}
        self._due: list[Subscription] = []

    # ---- waiting -----------------------------------------------------------------------------

    def block(self, operation: _core.Operation, limit: float, what: object) -> None:
        """Waits for a stop on this thread."""
        if not operation.wait(limit):
            raise StopFailed(f"parts of {what!r} have survived SIGKILL for 5 s")

    async def finish(self, operation: _core.Operation, limit: float, what: object) -> None:
        """Waits for a stop under the loop."""
        try:
            await limited(limit, self.ready(operation.token, operation.poll), "stop")
        except TimedOut:
            raise StopFailed(f"parts of {what!r} have survived SIGKILL for 5 s") from None

    async def ready(self, token: int, poll: Callable[[], Answer | None]) -> Answer:
        """Asks ``poll`` now and whenever the token is ready, until it has an answer."""
        answer = poll()
        while answer is None:
            entry = self._arm(token)
            try:
                # Asked again with the waiter in place: a token that was taken since the
                # first question would otherwise be lost.
                answer = poll()
                if answer is None:
                    await entry[1].sleep()
                    answer = poll()
            finally:
                self._disarm(token, entry)
        return answer

    def _arm(self, token: int) -> tuple[Loop, Waiter]:
        loop = current()
        entry = (loop, loop.waiter())
        with self._lock:
            self._waiters.setdefault(token, []).append(entry)
        self._watch(loop)
        return entry

    def _disarm(self, token: int, entry: tuple[Loop, Waiter]) -> None:
        with self._lock:
            entries = self._waiters.get(token)
            if entries and entry in entries:
                entries.remove(entry)
                if not entries:
                    del self._waiters[token]

    # ---- loops -------------------------------------------------------------------------------

    def _watch(self, loop: Loop) -> None:
        with self._lock:
            if loop.key in self._loops:
                return
            fd = self._core.fileno()
            self._loops[loop.key] = (loop, fd)
        loop.watch(fd, lambda: self._on_readable(loop))

    def _unwatch(self, loop: Loop) -> None:
        with self._lock:
            watched = self._loops.pop(loop.key, None)
        if watched is not None:
            watched[0].unwatch(watched[1])

    def _on_readable(self, loop: Loop) -> None:
        try:
            tokens = self._core.poll(0)
        except ProcessError:  # closed meanwhile
            self._unwatch(loop)
            return
        errors: list[Exception] = []
        self._dispatch(tokens, errors)
        for error in errors:
            loop.report(error)
        with self._lock:
            again = bool(self._due)
            entries = (entry for entries in self._waiters.values() for entry in entries)
            idle = not self._subscriptions and not any(e[0].key is loop.key for e in entries)
        if again:
            loop.soon(lambda: self._on_readable(loop))
        elif idle:
            self._unwatch(loop)

    # ---- callbacks ---------------------------------------------------------------------------

    def subscribe(self, subscription: Subscription) -> None:
        """Has it fired from now on, by the running loop if there is one."""
        loop = current_or_none()
        with self._lock:
            self._subscriptions.setdefault(subscription.token, []).append(subscription)
            self._due.append(subscription)
        if loop is not None:
            self._watch(loop)
            loop.soon(lambda: self._on_readable(loop))

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
        with self._lock:
            due, self._due = self._due, []
        done = 0
        for token in tokens:
            with self._lock:
                entries = self._waiters.pop(token, ())
                due.extend(s for s in self._subscriptions.get(token, ()) if s not in due)
            for _, waiter in entries:
                waiter.wake()
                done += 1
        return done + sum(self._fire(subscription, errors) for subscription in due)

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
            loops = [loop for loop, _ in self._loops.values()]
            entries = [entry for entries in self._waiters.values() for entry in entries]
            self._waiters.clear()
            self._subscriptions.clear()
            self._due.clear()
        for _, waiter in entries:
            waiter.wake()
        here = current_or_none() if loops else None
        for loop in loops:
            if here is not None and loop.key is here.key:
                self._unwatch(loop)
            else:
                loop.soon(partial(self._unwatch, loop))
