"""The manager: one extractor, and the processes started from it."""

from __future__ import annotations

import atexit
import os
import weakref
from typing import TYPE_CHECKING, Literal, overload

from process_manager import _core, _logging
from process_manager._waits import Waits
from process_manager.batch import BatchOptions, RunMany
from process_manager.errors import ProcessError, TimedOut
from process_manager.events import Events
from process_manager.options import CommandOptions, as_command
from process_manager.pipeline import Pipeline
from process_manager.process import Process
from process_manager.run import CompletedProcess, Run, RunOptions
from process_manager.sudo import SudoOptions, start_blocking, start_under_loop
from process_manager.types import ProcessInfo
from process_manager.watch import Watch

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from types import TracebackType
    from typing import Self, Unpack
    from uuid import UUID

    from process_manager.options import Argument, Startable

__all__ = ["BinaryExtractor", "ProcessManager"]

BinaryExtractor = _core.BinaryExtractor


class ProcessManager:
    """Starts processes, keeps account of them, and ends them.

    In ``with`` or ``async with``, leaving the block stops every process and everything they
    started, waits for that, and removes the temporary directory. Without an ``extractor`` the
    manager has its own, which makes its directory when the first binary is added.

    Methods may be called from any thread.
    """

    def __init__(self, extractor: BinaryExtractor | None = None) -> None:
        self._core = _core.Manager(extractor)
        self._pid = os.getpid()
        self._waits = Waits(self._core)
        self._owns_extractor = extractor is None
        #: Where binaries are added.
        self.extractor: BinaryExtractor = extractor or self._core.extractor()
        _alive.add(self)

    # ---- starting ----------------------------------------------------------------------------

    def start(
        self,
        program: Startable,
        args: Iterable[Argument] = (),
        /,
        *,
        sudo: SudoOptions | None = None,
        **options: Unpack[CommandOptions],
    ) -> Process:
        """Starts a process; when this returns, the program itself is running.

        ``program`` is the name of a binary that was added to the extractor, or a path object,
        or a whole command line as a list (then a name is looked up in PATH), or a Command. For
        the options see CommandOptions; with ``sudo`` it runs as root or another user. Errors
        name the program, the step and the reason, and derive from FileNotFoundError,
        PermissionError and so on.
        """
        command = as_command(program, args, options)._core
        if sudo is None:
            process = self._wrap(self._core.start(command))
        else:
            talk = self._core.start_sudo(command, sudo._for_core())
            process = self._wrap(start_blocking(talk, sudo))
        _logging.drain()
        return process

    async def start_async(
        self,
        program: Startable,
        args: Iterable[Argument] = (),
        /,
        *,
        sudo: SudoOptions | None = None,
        **options: Unpack[CommandOptions],
    ) -> Process:
        """Like start, for asyncio: the loop runs on while sudo asks for a password.

        Cancelled, it ends what was being started. Without ``sudo`` it is the same as start.
        """
        if sudo is None:
            return self.start(program, args, **options)
        command = as_command(program, args, options)._core
        talk = self._core.start_sudo(command, sudo._for_core())
        return self._wrap(await start_under_loop(talk, sudo, self._waits))

    def start_pipeline(self, commands: Iterable[Startable]) -> Pipeline:
        """Starts commands of which each reads what the one before it writes, all or none.

        The first one's input, the last one's output and every standard error are as the
        commands say. Raises as start, for the first that fails.
        """
        cores = [as_command(command, (), {})._core for command in commands]
        return Pipeline([self._wrap(core) for core in self._core.start_pipeline(cores)])

    def start_many(self, commands: Iterable[Startable]) -> list[Process | ProcessError]:
        """Starts all of them; in the place of each that failed stands its error."""
        return [self._try_start(command) for command in commands]

    def start_all_or_none(self, commands: Iterable[Startable]) -> list[Process]:
        """Starts all of them, or raises the first error and ends those already started."""
        cores = [as_command(command, (), {})._core for command in commands]
        return [self._wrap(core) for core in self._core.start_all_or_none(cores)]

    def _try_start(self, command: Startable) -> Process | ProcessError:
        try:
            return self.start(command)
        except ProcessError as error:
            return error

    def _wrap(self, core: _core.Process) -> Process:
        return Process(core, self, self._waits)

    # ---- running to the end ------------------------------------------------------------------

    @overload
    def run(
        self,
        program: Startable,
        args: Iterable[Argument] = (),
        /,
        *,
        text: Literal[True] = True,
        **options: Unpack[RunOptions],
    ) -> CompletedProcess[str]: ...
    @overload
    def run(
        self,
        program: Startable,
        args: Iterable[Argument] = (),
        /,
        *,
        text: Literal[False],
        **options: Unpack[RunOptions],
    ) -> CompletedProcess[bytes]: ...
    def run(
        self,
        program: Startable,
        args: Iterable[Argument] = (),
        /,
        *,
        text: bool = True,
        **options: Unpack[RunOptions],
    ) -> CompletedProcess[str] | CompletedProcess[bytes]:
        """Starts a process, collects its output, waits for its end: as subprocess.run.

        Unlike there, output is captured by default, as text, and the whole tree is stopped
        when it takes too long (``timeout``) or writes too much (``capture_limit``). For the
        options see RunOptions.
        """
        return Run(self, program, args, text, options).block()

    @overload
    async def run_async(
        self,
        program: Startable,
        args: Iterable[Argument] = (),
        /,
        *,
        text: Literal[True] = True,
        **options: Unpack[RunOptions],
    ) -> CompletedProcess[str]: ...
    @overload
    async def run_async(
        self,
        program: Startable,
        args: Iterable[Argument] = (),
        /,
        *,
        text: Literal[False],
        **options: Unpack[RunOptions],
    ) -> CompletedProcess[bytes]: ...
    async def run_async(
        self,
        program: Startable,
        args: Iterable[Argument] = (),
        /,
        *,
        text: bool = True,
        **options: Unpack[RunOptions],
    ) -> CompletedProcess[str] | CompletedProcess[bytes]:
        """Like run, for asyncio. Cancelled, it stops the tree and waits for that."""
        return await Run(self, program, args, text, options).under_loop()

    @overload
    def run_many(
        self,
        commands: Iterable[Startable],
        parallel: int | None = None,
        *,
        text: Literal[True] = True,
        **options: Unpack[BatchOptions],
    ) -> list[CompletedProcess[str] | ProcessError]: ...
    @overload
    def run_many(
        self,
        commands: Iterable[Startable],
        parallel: int | None = None,
        *,
        text: Literal[False],
        **options: Unpack[BatchOptions],
    ) -> list[CompletedProcess[bytes] | ProcessError]: ...
    def run_many(
        self,
        commands: Iterable[Startable],
        parallel: int | None = None,
        *,
        text: bool = True,
        **options: Unpack[BatchOptions],
    ) -> list[CompletedProcess[str] | ProcessError] | list[CompletedProcess[bytes] | ProcessError]:
        """Runs all of them to their ends, ``parallel`` at a time (default: one a CPU).

        Gives for each, in order, what run gives, or the error that it would raise. Ctrl-C ends
        those under way.
        """
        return RunMany(self, commands, parallel, text, options).block()

    @overload
    async def run_many_async(
        self,
        commands: Iterable[Startable],
        parallel: int | None = None,
        *,
        text: Literal[True] = True,
        **options: Unpack[BatchOptions],
    ) -> list[CompletedProcess[str] | ProcessError]: ...
    @overload
    async def run_many_async(
        self,
        commands: Iterable[Startable],
        parallel: int | None = None,
        *,
        text: Literal[False],
        **options: Unpack[BatchOptions],
    ) -> list[CompletedProcess[bytes] | ProcessError]: ...
    async def run_many_async(
        self,
        commands: Iterable[Startable],
        parallel: int | None = None,
        *,
        text: bool = True,
        **options: Unpack[BatchOptions],
    ) -> list[CompletedProcess[str] | ProcessError] | list[CompletedProcess[bytes] | ProcessError]:
        """Like run_many, for asyncio. Cancelled, it ends those under way."""
        return await RunMany(self, commands, parallel, text, options).under_loop()

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

    def _is_ours(self) -> bool:
        """False in a forked copy of the host, which owns nothing."""
        return self._pid == os.getpid()

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
