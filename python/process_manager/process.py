"""The handle of one process."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Literal, overload

from process_manager._callbacks import ExitCallback, OutputCallback, on_exit, on_output
from process_manager.errors import TimedOut
from process_manager.output import Output
from process_manager.stream import Stream, bytes_stream, text_stream
from process_manager.types import ExitStatus, ProcessInfo, ProcessStatus

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence
    from datetime import timedelta
    from types import TracebackType
    from typing import Self
    from uuid import UUID

    from process_manager import _core
    from process_manager._starts import Starts
    from process_manager._waits import Waits
    from process_manager.types import Source

__all__ = ["Process"]


class Process:
    """A process that was started by a manager.

    In ``with`` or ``async with``, leaving the block stops the process and everything that it
    started, and waits for that. The handle itself keeps nothing alive: the manager does.

    Methods may be called from any thread. Blocking ones release the GIL and answer Ctrl-C
    within 100 ms; each has a twin for asyncio with the suffix ``_async``.
    """

    def __init__(self, core: _core.Process, manager: Starts, waits: Waits) -> None:
        """Use ProcessManager.start()."""
        self._core = core
        self._manager = manager
        self._waits = waits
        self._unfinished = 0  # output callbacks that have not had everything yet

    # ---- facts -------------------------------------------------------------------------------

    @property
    def id(self) -> UUID:
        """The id under which the manager keeps it."""
        return self._core.id

    @property
    def pid(self) -> int:
        """The process id; stays after the end, when the number may belong to somebody else."""
        return self._core.pid

    @property
    def name(self) -> str:
        """The name for people."""
        return self.info.name

    @property
    def info(self) -> ProcessInfo:
        """All facts, as of now."""
        return ProcessInfo._of(self._core.info())

    @property
    def status(self) -> ProcessStatus:
        """Where it stands."""
        return self.info.status

    @property
    def exit_status(self) -> ExitStatus | None:
        """How it ended; None while it runs."""
        return self.info.exit

    @property
    def returncode(self) -> int | None:
        """As in subprocess.Popen: None while it runs (or if unknown), -N for signal N."""
        status = self.exit_status
        return None if status is None else status.returncode

    @property
    def is_running(self) -> bool:
        """Whether its end has not been seen."""
        return self._core.is_running

    # ---- output and input --------------------------------------------------------------------

    def output(self, source: Source | None = None) -> Output:
        """A new reader of its output, from the oldest that is kept; both streams by default."""
        return Output(self._core.reader(source), self._waits)

    @cached_property
    def stdout(self) -> Stream[str]:
        """Its standard output as text, for dialogues: read, readline, expect."""
        return text_stream(self._core.reader("stdout"), self._waits, "replace")

    @cached_property
    def stderr(self) -> Stream[str]:
        """Its standard error as text."""
        return text_stream(self._core.reader("stderr"), self._waits, "replace")

    @overload
    def stream(
        self,
        source: Source | None = "stdout",
        *,
        raw: Literal[False] = False,
        errors: str = "replace",
    ) -> Stream[str]: ...
    @overload
    def stream(self, source: Source | None = "stdout", *, raw: Literal[True]) -> Stream[bytes]: ...
    def stream(
        self, source: Source | None = "stdout", *, raw: bool = False, errors: str = "replace"
    ) -> Stream[str] | Stream[bytes]:
        """A new Stream of one of its streams, or of both with None."""
        reader = self._core.reader(source)
        return (
            bytes_stream(reader, self._waits) if raw else text_stream(reader, self._waits, errors)
        )

    def write(
        self, data: str | bytes | bytearray | memoryview, timeout: float | None = None
    ) -> None:
        """Writes all of ``data`` to its standard input (start it with ``stdin="pipe"``).

        Raises StdinClosed if it has closed its end, TimedOut if it did not read in time (part
        of the data may then have been written).
        """
        if not self._core.write(_encode(data)).wait(timeout):
            raise TimedOut(f"{self!r} did not read its input within {timeout:g} s")

    async def write_async(self, data: str | bytes | bytearray | memoryview) -> None:
        """Like write, for asyncio."""
        operation = self._core.write(_encode(data))
        await self._waits.ready(operation.token, operation.poll)

    def close_stdin(self) -> None:
        """Ends its standard input."""
        self._core.close_stdin()

    # ---- waiting -----------------------------------------------------------------------------

    def wait(self, timeout: float | timedelta | None = None) -> ExitStatus:
        """Waits for its end. Raises TimedOut; the process is left alone then."""
        status = self._core.wait(timeout)
        if status is None:
            raise TimedOut(f"{self!r} did not end within {timeout} s")
        return ExitStatus(*status)

    async def wait_async(self) -> ExitStatus:
        """Like wait, for asyncio (use asyncio.timeout for a timeout)."""
        return ExitStatus(*await self._waits.ready(self._core.exit_token, self._core.poll_exit))

    def wait_closed(self, timeout: float | timedelta | None = None) -> None:
        """Waits until it, its descendants and its output have ended. Raises TimedOut."""
        if not self._core.wait_closed(timeout):
            raise TimedOut(f"{self!r} was not all gone within {timeout} s")

    async def wait_closed_async(self) -> None:
        """Like wait_closed, for asyncio."""
        await self._waits.ready(self._core.closed_token, self._core.poll_closed)

    def __await__(self) -> Generator[object, None, ExitStatus]:
        return self.wait_async().__await__()

    # ---- callbacks ---------------------------------------------------------------------------

    def on_output(self, callback: OutputCallback) -> None:
        """Has ``callback(process, record)`` called for each Line and Gap of its output.

        Called by the running event loop, if there is one now, else inside manager.poll().
        What it raises comes out of poll(), or goes to the loop's exception handler.
        """
        on_output(self, callback)

    def on_exit(self, callback: ExitCallback) -> None:
        """Has ``callback(process, exit_status)`` called once, when it has ended and all its
        output was received. As on_output.
        """
        on_exit(self, callback)

    # ---- stopping ----------------------------------------------------------------------------

    def stop(
        self, grace: float | timedelta | Sequence[tuple[int, float]] | None = None
    ) -> ExitStatus | None:
        """Stops it with everything that it started, and waits until all is gone.

        SIGTERM, then SIGKILL after ``grace`` seconds, or steps of (signal, seconds); the plan
        it was started with (``stop=``) by default. Raises StopFailed if something survived.
        Stopping what has ended does nothing.
        """
        operation, limit = self._core.stop(grace)
        self._waits.block(operation, limit, self)
        return self.exit_status

    async def stop_async(
        self, grace: float | timedelta | Sequence[tuple[int, float]] | None = None
    ) -> ExitStatus | None:
        """Like stop, for asyncio. Cancelling waits until the stop is done."""
        operation, limit = self._core.stop(grace)
        await self._waits.finish(operation, limit, self)
        return self.exit_status

    def begin_stop(
        self, grace: float | timedelta | Sequence[tuple[int, float]] | None = None
    ) -> None:
        """Begins what stop does, and returns at once: stop() or wait_closed() wait for it."""
        self._core.begin_stop(grace)

    def kill(self) -> None:
        """Kills it with everything that it started, and waits until all is gone.

        Raises StopFailed if something survived for 5 seconds.
        """
        operation, limit = self._core.kill()
        self._waits.block(operation, limit, self)

    async def kill_async(self) -> None:
        """Like kill, for asyncio. Cancelling waits until all is gone."""
        operation, limit = self._core.kill()
        await self._waits.finish(operation, limit, self)

    def terminate(self) -> None:
        """Sends SIGTERM to it and everything that it started; does not wait, and does not
        escalate as stop does.
        """
        self.send_signal(15)

    def send_signal(self, signal: int) -> None:
        """Sends a signal, 1 to 64, to it and everything that it started.

        SIGTERM, SIGHUP, SIGINT and SIGQUIT are followed by SIGCONT, so that what is suspended
        sees them. Raises Closed when it has ended.
        """
        self._core.signal(signal)

    def suspend(self) -> None:
        """Stops the whole tree from running until resume()."""
        self._core.suspend()

    def resume(self) -> None:
        """Lets a suspended tree run on."""
        self._core.resume()

    # ---- the rest ----------------------------------------------------------------------------

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._manager._is_ours():
            self.stop()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._manager._is_ours():
            await self.stop_async()

    def __repr__(self) -> str:
        info = self.info
        state = str(info.exit) if info.exit else str(info.status)
        return f"<Process {info.name!r} pid {info.pid} {state}>"


def _encode(data: str | bytes | bytearray | memoryview) -> bytes | bytearray | memoryview:
    return data.encode() if isinstance(data, str) else data
