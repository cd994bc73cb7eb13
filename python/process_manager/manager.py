"""The manager: one extractor, and the processes started from it."""

from __future__ import annotations

import atexit
import os
import weakref
from typing import TYPE_CHECKING

from process_manager import _core, _logging
from process_manager._runs import Runs
from process_manager.errors import TimedOut
from process_manager.events import Events
from process_manager.process import Process
from process_manager.types import ProcessInfo
from process_manager.watch import Watch

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import TracebackType
    from typing import Self
    from uuid import UUID

__all__ = ["BinaryExtractor", "ProcessManager"]

BinaryExtractor = _core.BinaryExtractor


class ProcessManager(Runs):
    """Starts processes, keeps account of them, and ends them.

    In ``with`` or ``async with``, leaving the block stops every process and everything they
    started, waits for that, and removes the temporary directory. Without an ``extractor`` the
    manager has its own, which makes its directory when the first binary is added.

    Methods may be called from any thread.
    """

    def __init__(self, extractor: BinaryExtractor | None = None) -> None:
        super().__init__(_core.Manager(extractor))
        self._owns_extractor = extractor is None
        #: Where binaries are added.
        self.extractor: BinaryExtractor = extractor or self._core.extractor()
        _alive.add(self)

    # ---- looking up --------------------------------------------------------------------------

    def get(self, id: UUID) -> Process:
        """The process with this id. Raises ProcessNotFound."""
        return self._wrap(self._core.process(id))

    def processes(self) -> list[ProcessInfo]:
        """The facts about every process, ended ones too, in the order of their starts."""
        return [ProcessInfo._of(info) for info in self._core.infos(False)]

    def running(self) -> list[ProcessInfo]:
        """The facts about the processes that run."""
        return [ProcessInfo._of(info) for info in self._core.infos(True)]

    def remove(self, process: Process | UUID) -> ProcessInfo:
        """Forgets an ended process, and its output with it."""
        return ProcessInfo._of(self._core.remove(_id(process)))

    def set_retention(self, entries: int) -> None:
        """How many ended processes are kept for looking up; the oldest go first. Default 1024."""
        self._core.set_retention(entries)

    def available_binaries(self) -> list[str]:
        """The names of the extractor's binaries."""
        return self._core.available_binaries()

    def __len__(self) -> int:
        return self._core.count(False)

    def __iter__(self) -> Iterator[Process]:
        return iter([self.get(info.id) for info in self.processes()])

    # ---- ending ------------------------------------------------------------------------------

    def stop_all(self, timeout: float | None = None) -> None:
        """Stops every process, all at once, and waits until all are gone.

        Raises StopFailed if something survived, TimedOut (the stops go on) after ``timeout``.
        """
        operation, limit = self._core.stop_all()
        if timeout is None or timeout > limit:
            self._waits.block(operation, limit, self)
        elif not operation.wait(timeout):
            raise TimedOut(f"not everything was gone within {timeout:g} s")

    async def stop_all_async(self) -> None:
        """Like stop_all, for asyncio. Cancelling waits until the stops are done."""
        operation, limit = self._core.stop_all()
        await self._waits.finish(operation, limit, self)

    def close(self) -> None:
        """Stops everything, waits, and removes the temporary directory. May be repeated."""
        if self._core.closed:
            return
        try:
            if self._is_ours():
                self.stop_all()
        finally:
            self._release()

    async def close_async(self) -> None:
        """Like close, for asyncio."""
        if self._core.closed:
            return
        try:
            if self._is_ours():
                await self.stop_all_async()
        finally:
            self._release()

    def _release(self) -> None:
        _alive.discard(self)
        self._waits.close()
        self._core.close()
        if self._owns_extractor:
            self.extractor.close()
        _logging.drain()

    @property
    def closed(self) -> bool:
        """Whether close() was called."""
        return self._core.closed

    # ---- events and event loops --------------------------------------------------------------

    def events(self) -> Events:
        """What happens to all processes from now on."""
        return Events(self._core.events(), self._waits)

    def watch(self) -> Watch:
        """All events from now on and all output, as one stream.

        Processes that run already take part with the output that is kept.
        """
        return Watch(self._core.watch(), self._waits)

    def fileno(self) -> int:
        """A descriptor that is readable whenever poll() has something to do."""
        return self._core.fileno()

    def poll(self, timeout: float | None = 0) -> int:
        """Waits at most ``timeout`` seconds (None: for ever) for something to do, and does it.

        Calls the callbacks of on_output and on_exit, on this thread, and raises what they
        raise; wakes what waits on event loops. Call it when fileno() is readable, in loops that
        this package does not know. Returns how much was done.
        """
        done = self._waits.poll(timeout)
        _logging.drain()
        return done

    # ---- the rest ----------------------------------------------------------------------------

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.close_async()

    def __repr__(self) -> str:
        if self._core.closed:
            return "<ProcessManager closed>"
        return f"<ProcessManager {self._core.count(True)} running, {len(self)} in all>"


def _id(process: Process | UUID) -> UUID:
    return process.id if isinstance(process, Process) else process


_alive: weakref.WeakSet[ProcessManager] = weakref.WeakSet()


def _at_exit() -> None:
    """Ends what still runs, silently and within bounds: by the drop policy, not by a stop."""
    for manager in list(_alive):
        if manager._is_ours():
            manager._core.end()
            manager._release()


atexit.register(_at_exit)
# The core's thread is not there while the host forks: CPython warns of threads it sees then.
os.register_at_fork(before=_core.begin_fork, after_in_parent=_core.end_fork)
