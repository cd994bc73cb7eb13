"""The handle of one process."""

from __future__ import annotations

from typing import TYPE_CHECKING

from process_manager._waits import shielded
from process_manager.errors import TimedOut
from process_manager.output import Output
from process_manager.types import ExitStatus, ProcessInfo, ProcessStatus

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence
    from datetime import timedelta
    from types import TracebackType
    from typing import Self
    from uuid import UUID

    from process_manager import _core
    from process_manager._waits import Waits
    from process_manager.manager import ProcessManager

__all__ = ["Process"]


class Process:
    """A process that was started by a manager.

    In ``with`` or ``async with``, leaving the block stops the process and everything that it
    started, and waits for that. The handle itself keeps nothing alive: the manager does.

    Methods may be called from any thread. Blocking ones release the GIL and answer Ctrl-C
    within 100 ms; each has a twin for asyncio with the suffix ``_async``.
    """

    __slots__ = ("__weakref__", "_core", "_manager", "_waits")

    def __init__(self, core: _core.Process, manager: ProcessManager, waits: Waits) -> None:
        """Use ProcessManager.start()."""
        self._core = core
        self._manager = manager
        self._waits = waits

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

    def output(self) -> Output:
        """A new reader of its output, from the oldest that is kept."""
        return Output(self._core.reader(), self._waits)

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

    def __await__(self) -> Generator[object, None, ExitStatus]:
        return self.wait_async().__await__()

    # ---- stopping ----------------------------------------------------------------------------

    def stop(
        self, grace: float | timedelta | Sequence[tuple[int, float]] | None = None
    ) -> ExitStatus | None:
        """Stops it with everything that it started, and waits until all is gone.

        SIGTERM, then SIGKILL after ``grace`` seconds, or steps of (signal, seconds); the plan
        it was started with (``stop=``) by default. Raises StopFailed if something survived.
        Stopping what has ended does nothing.
        """
        self._core.stop(grace).wait()
        return self.exit_status

    async def stop_async(
        self, grace: float | timedelta | Sequence[tuple[int, float]] | None = None
    ) -> ExitStatus | None:
        """Like stop, for asyncio. Cancelling waits until the stop is done."""
        operation = self._core.stop(grace)
        await shielded(self._waits.ready(operation.token, operation.poll))
        return self.exit_status

    def kill(self) -> None:
        """Kills it with everything that it started, at once."""
        self._core.kill()

    def terminate(self) -> None:
        """Sends SIGTERM to the process itself; does not wait."""
        self.send_signal(15)

    def send_signal(self, signal: int) -> None:
        """Sends a signal to the process itself."""
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
        self.stop()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.stop_async()

    def __repr__(self) -> str:
        info = self.info
        state = str(info.exit) if info.exit else str(info.status)
        return f"<Process {info.name!r} pid {info.pid} {state}>"


def _encode(data: str | bytes | bytearray | memoryview) -> bytes | bytearray | memoryview:
    return data.encode() if isinstance(data, str) else data
