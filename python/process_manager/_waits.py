"""Who waits for what on which event loop. No thread of the core ever calls into Python.

The core marks a token ready and makes the manager's descriptor readable. Each loop that has
something waiting watches that descriptor; whoever takes the tokens (a loop, or poll() on some
thread) wakes the futures, those of other loops through call_soon_threadsafe.
"""

from __future__ import annotations

import threading
from contextlib import suppress
from typing import TYPE_CHECKING, Any, TypeVar

from process_manager.errors import ProcessError, StopFailed

if TYPE_CHECKING:
    from asyncio import AbstractEventLoop, Future
    from collections.abc import Callable, Coroutine, Iterable

    from process_manager import _core
    from process_manager._callbacks import Subscription

Answer = TypeVar("Answer")


class Waits:
    """The waiting futures and the callbacks of one manager."""

    def __init__(self, core: _core.Manager) -> None:
        self._core = core
        self._lock = threading.Lock()
        self._futures: dict[int, list[Future[None]]] = {}
        self._loops: dict[AbstractEventLoop, int] = {}
        self._subscriptions: dict[int, list[Subscription]] = {}
        self._due: list[Subscription] = []

    # ---- waiting -----------------------------------------------------------------------------

    def block(self, operation: _core.Operation, limit: float, what: object) -> None:
        """Waits for a stop on this thread."""
        if not operation.wait(limit):
            raise StopFailed(f"parts of {what!r} have survived SIGKILL for 5 s")

    async def finish(self, operation: _core.Operation, limit: float, what: object) -> None:
        """Waits for a stop under the loop."""
        from asyncio import timeout

        try:
            async with timeout(limit):
                await self.ready(operation.token, operation.poll)
        except TimeoutError as error:
            raise StopFailed(f"parts of {what!r} have survived SIGKILL for 5 s") from error

    async def ready(self, token: int, poll: Callable[[], Answer | None]) -> Answer:
        """Asks ``poll`` now and whenever the token is ready, until it has an answer."""
        answer = poll()
        while answer is None:
            future = self._arm(token)
            try:
                # Asked again with the future in place: a token that was taken since the
                # first question would otherwise be lost.
                answer = poll()
                if answer is None:
                    await future
                    answer = poll()
            finally:
                self._disarm(token, future)
        return answer

    def _arm(self, token: int) -> Future[None]:
        from asyncio import get_running_loop

        loop = get_running_loop()
        future = loop.create_future()
        with self._lock:
            self._futures.setdefault(token, []).append(future)
        self._watch(loop)
        return future

    def _watch(self, loop: AbstractEventLoop) -> None:
        with self._lock:
            if loop in self._loops:
                return
            fd = self._loops[loop] = self._core.fileno()
        loop.add_reader(fd, self._on_readable, loop)

    def _disarm(self, token: int, future: Future[None]) -> None:
        with self._lock:
            waiting = self._futures.get(token)
            if waiting and future in waiting:
                waiting.remove(future)
                if not waiting:
                    del self._futures[token]

    def _on_readable(self, loop: AbstractEventLoop) -> None:
        try:
            tokens = self._core.poll(0)
        except ProcessError:  # closed meanwhile
            self._unwatch(loop)
            return
        errors: list[Exception] = []
        self._dispatch(tokens, loop, errors)
        for error in errors:
            message = "exception in a process_manager callback"
            loop.call_exception_handler({"message": message, "exception": error})
        with self._lock:
            again = bool(self._due)
            waiting = (future for futures in self._futures.values() for future in futures)
            idle = not self._subscriptions and not any(f.get_loop() is loop for f in waiting)
        if again:
            loop.call_soon(self._on_readable, loop)
        elif idle:
            self._unwatch(loop)

    def _unwatch(self, loop: AbstractEventLoop) -> None:
        with self._lock:
            fd = self._loops.pop(loop, None)
        if fd is not None:
            loop.remove_reader(fd)

    # ---- callbacks ---------------------------------------------------------------------------

    def subscribe(self, subscription: Subscription) -> None:
        """Has it fired from now on, by the running loop if there is one."""
        loop = _running_loop()
        with self._lock:
            self._subscriptions.setdefault(subscription.token, []).append(subscription)
            self._due.append(subscription)
        if loop is not None:
            self._watch(loop)
            loop.call_soon(self._on_readable, loop)

    def poll(self, timeout: float | None) -> int:
        """Fires what is due, waiting for something at most that long; raises its exceptions."""
        errors: list[Exception] = []
        done = self._dispatch((), None, errors)
        if not errors:
            wait = 0 if done or self._due else timeout
            done += self._dispatch(self._core.poll(wait), None, errors)
        if len(errors) > 1:
            raise ExceptionGroup("exceptions in process_manager callbacks", errors)
        if errors:
            raise errors[0]
        return done

    def _dispatch(
        self, tokens: Iterable[int], here: AbstractEventLoop | None, errors: list[Exception]
    ) -> int:
        """Wakes and fires; ``here`` is the loop of this thread. Says how many."""
        with self._lock:
            due, self._due = self._due, []
        done = 0
        for token in tokens:
            with self._lock:
                futures = self._futures.pop(token, ())
                due.extend(s for s in self._subscriptions.get(token, ()) if s not in due)
            for future in futures:
                _wake(future, here)
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

    def close(self) -> None:
        """Stops watching everywhere; whatever still waits is woken and finds the handle closed."""
        with self._lock:
            loops, waiting = list(self._loops), list(self._futures.values())
            self._futures.clear()
            self._subscriptions.clear()
            self._due.clear()
        here = _running_loop()
        for future in (future for futures in waiting for future in futures):
            _wake(future, here)
        for loop in loops:
            if loop is here:
                self._unwatch(loop)
            elif not loop.is_closed():
                _call(loop, self._unwatch)


def _running_loop() -> AbstractEventLoop | None:
    from asyncio import _get_running_loop

    return _get_running_loop()


def _wake(future: Future[None], here: AbstractEventLoop | None) -> None:
    if future.get_loop() is here:
        _finish(future)
    else:
        _call(future.get_loop(), _finish, future)


def _finish(future: Future[None]) -> None:
    if not future.done():
        future.set_result(None)


def _call(loop: AbstractEventLoop, function: Callable[..., object], *args: object) -> None:
    with suppress(RuntimeError):  # the loop was closed meanwhile
        loop.call_soon_threadsafe(function, *args)


async def shielded(work: Coroutine[Any, Any, Answer]) -> Answer:
    """Runs ``work`` to its end even if this task is cancelled, and only then passes that on."""
    from asyncio import CancelledError, ensure_future, shield

    task = ensure_future(work)
    cancelled: CancelledError | None = None
    while not task.done():
        try:
            await shield(task)
        except CancelledError as error:
            if task.cancelled():
                raise
            cancelled = error
        except BaseException:
            break
    if cancelled is not None:
        raise cancelled
    return task.result()
