"""Who waits for what on which event loop. No thread of the core ever calls into Python.

The core marks a token ready and makes the manager's descriptor readable. Each loop that has
something waiting watches that descriptor; whoever takes the tokens (a loop, or poll() on some
thread) wakes the futures, those of other loops through call_soon_threadsafe.
"""

from __future__ import annotations

import threading
from contextlib import suppress
from typing import TYPE_CHECKING, Any, TypeVar

from process_manager.errors import ProcessError

if TYPE_CHECKING:
    from asyncio import AbstractEventLoop, Future
    from collections.abc import Callable, Coroutine, Iterable

    from process_manager import _core

Answer = TypeVar("Answer")


class Waits:
    """The waiting futures of one manager."""

    def __init__(self, core: _core.Manager) -> None:
        self._core = core
        self._lock = threading.Lock()
        self._futures: dict[int, list[Future[None]]] = {}
        self._loops: dict[AbstractEventLoop, int] = {}

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
            watched = loop in self._loops
            if not watched:
                self._loops[loop] = self._core.fileno()
        if not watched:
            loop.add_reader(self._loops[loop], self._on_readable, loop)
        return future

    def _disarm(self, token: int, future: Future[None]) -> None:
        with self._lock:
            waiting = self._futures.get(token)
            if waiting and future in waiting:
                waiting.remove(future)
                if not waiting:
                    del self._futures[token]

    def _on_readable(self, loop: AbstractEventLoop) -> None:
        try:
            self.dispatch(self._core.poll(0), loop)
        except ProcessError:  # closed meanwhile
            self._unwatch(loop)
            return
        with self._lock:
            idle = not any(
                future.get_loop() is loop
                for waiting in self._futures.values()
                for future in waiting
            )
        if idle:
            self._unwatch(loop)

    def _unwatch(self, loop: AbstractEventLoop) -> None:
        with self._lock:
            fd = self._loops.pop(loop, None)
        if fd is not None:
            loop.remove_reader(fd)

    def dispatch(self, tokens: Iterable[int], here: AbstractEventLoop | None = None) -> int:
        """Wakes whoever waits for these tokens. ``here`` is the loop of this thread."""
        woken = 0
        for token in tokens:
            with self._lock:
                waiting = self._futures.pop(token, ())
            for future in waiting:
                _wake(future, here)
                woken += 1
        return woken

    def close(self) -> None:
        """Stops watching everywhere; whatever still waits is woken and finds the handle closed."""
        with self._lock:
            loops, tokens = list(self._loops), list(self._futures)
        here = _running_loop()
        self.dispatch(tokens, here)
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
