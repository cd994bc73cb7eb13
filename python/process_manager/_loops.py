"""What this package needs of an event loop, from asyncio (or uvloop) and from trio.

anyio runs on either. Nothing is imported that the program has not imported itself.
"""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from process_manager.errors import TimedOut

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine

Answer = TypeVar("Answer")


class Waiter(Protocol):
    """A place to sleep, on one loop."""

    def wake(self) -> None:
        """From any thread."""

    def sleep(self) -> Awaitable[object]:
        """Until woken."""


class Loop(Protocol):
    """A running event loop."""

    key: object
    """Equal for the same loop."""

    def waiter(self) -> Waiter:
        """A new place to sleep."""

    def watch(self, fd: int, readable: Callable[[], object]) -> None:
        """Calls ``readable`` on the loop whenever ``fd`` is."""

    def unwatch(self, fd: int) -> None:
        """Ends that; on the loop's own thread."""

    def is_over(self) -> bool:
        """Whether it will not run any more; from any thread."""

    def soon(self, function: Callable[[], object]) -> None:
        """Calls ``function`` on the loop; from any thread."""

    def report(self, error: Exception) -> None:
        """Tells of an exception that nobody waits for."""


class AsyncioLoop:
    """asyncio, or a loop with its interface."""

    __slots__ = ("_loop", "_running", "key")

    def __init__(self) -> None:
        from asyncio import _get_running_loop, get_running_loop

        self._loop = get_running_loop()
        self._running = _get_running_loop
        self.key: object = self._loop

    def waiter(self) -> Waiter:
        return AsyncioWaiter(self._loop, self._running)

    def watch(self, fd: int, readable: Callable[[], object]) -> None:
        self._loop.add_reader(fd, readable)

    def unwatch(self, fd: int) -> None:
        if not self._loop.is_closed():
            self._loop.remove_reader(fd)

    def is_over(self) -> bool:
        return self._loop.is_closed()

    def soon(self, function: Callable[[], object]) -> None:
        with suppress(RuntimeError):  # the loop has been closed
            self._loop.call_soon_threadsafe(function)

    def report(self, error: Exception) -> None:
        message = "exception in a process_manager callback"
        self._loop.call_exception_handler({"message": message, "exception": error})


class AsyncioWaiter:
    """A future of asyncio."""

    __slots__ = ("_future", "_loop", "_running")

    def __init__(self, loop: Any, running: Callable[[], object]) -> None:
        self._loop = loop
        self._running = running
        self._future = loop.create_future()

    def wake(self) -> None:
        if self._running() is self._loop:
            if not self._future.done():
                self._future.set_result(None)
        else:
            with suppress(RuntimeError):  # the loop has been closed
                self._loop.call_soon_threadsafe(self.wake)

    def sleep(self) -> Awaitable[object]:
        future: Awaitable[object] = self._future
        return future


class TrioLoop:
    """A trio run. A system task watches the descriptor."""

    def __init__(self, trio: Any) -> None:
        self._trio = trio
        self._token = trio.lowlevel.current_trio_token()
        self.key: object = self._token
        self._scope: Any = None
        self._is_over = False

    def waiter(self) -> Waiter:
        return TrioWaiter(self._trio.Event(), self)

    def watch(self, fd: int, readable: Callable[[], object]) -> None:
        self._scope, self._is_over = self._trio.CancelScope(), False
        # A number of its own: trio lets only one task wait for each.
        self._trio.lowlevel.spawn_system_task(self._serve, os.dup(fd), readable, self._scope)

    async def _serve(self, fd: int, readable: Callable[[], object], scope: Any) -> None:
        try:
            with scope:
                while True:
                    await self._trio.lowlevel.wait_readable(fd)
                    readable()
        finally:
            self._is_over = True
            os.close(fd)

    def unwatch(self, fd: int) -> None:
        self._scope.cancel()

    def is_over(self) -> bool:
        return self._is_over

    def soon(self, function: Callable[[], object]) -> None:
        with suppress(self._trio.RunFinishedError):
            self._token.run_sync_soon(function)

    def report(self, error: Exception) -> None:
        sys.excepthook(type(error), error, error.__traceback__)


class TrioWaiter:
    """An event of trio."""

    def __init__(self, event: Any, loop: TrioLoop) -> None:
        self._event = event
        self._loop = loop

    def wake(self) -> None:
        self._loop.soon(self._event.set)

    def sleep(self) -> Awaitable[object]:
        waiting: Awaitable[object] = self._event.wait()
        return waiting


def _trio() -> Any:
    """trio, if this is one of its tasks."""
    trio = sys.modules.get("trio")
    return trio if trio is not None and trio.lowlevel.in_trio_run() else None


def running_or_none() -> object:
    """The key of the loop that runs here, if any."""
    trio = _trio()
    if trio is not None:
        return trio.lowlevel.current_trio_token()
    asyncio = sys.modules.get("asyncio")
    return None if asyncio is None else asyncio._get_running_loop()


def running() -> object:
    """The key of the loop that runs here. Raises RuntimeError where none does."""
    key = running_or_none()
    if key is None:
        raise RuntimeError("no running event loop")
    return key


def current() -> Loop:
    """The loop that runs here. Raises RuntimeError where none does."""
    trio = _trio()
    return AsyncioLoop() if trio is None else TrioLoop(trio)


def current_or_none() -> Loop | None:
    """The loop that runs here, if any."""
    try:
        return current()
    except RuntimeError:
        return None


async def limited(limit: float | None, work: Coroutine[Any, Any, Answer], what: str) -> Answer:
    """Does ``work`` within ``limit`` seconds, or raises TimedOut."""
    if limit is None:
        return await work
    trio = _trio()
    if trio is not None:
        with trio.move_on_after(limit):
            return await work
        raise TimedOut(f"{what}: not within {limit:g} s")
    from asyncio import timeout

    try:
        async with timeout(limit) as clock:
            return await work
    except TimeoutError:
        if clock.expired():
            raise TimedOut(f"{what}: not within {limit:g} s") from None
        raise


async def shielded(work: Coroutine[Any, Any, Answer]) -> Answer:
    """Does ``work`` to its end even if this task is cancelled, and only then passes that on."""
    trio = _trio()
    if trio is not None:
        with trio.CancelScope(shield=True):
            answer = await work
        await trio.lowlevel.checkpoint_if_cancelled()
        return answer
    from asyncio import CancelledError, ensure_future, shield

    task = ensure_future(work)
    cancelled: CancelledError | None = None
    while not task.done():
        try:
            await shield(task)
        except CancelledError as error:
            cancelled = error
        except BaseException:
            break
    if cancelled is not None and not task.cancelled():
        task.exception()  # looked at: the cancellation comes first
        raise cancelled
    return task.result()
