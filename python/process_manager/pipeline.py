"""Several processes, each reading what the one before it writes."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from process_manager._drive import seconds

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import timedelta
    from types import TracebackType
    from typing import Self

    from process_manager.output import Output
    from process_manager.process import Process
    from process_manager.types import ExitStatus

__all__ = ["Pipeline"]


class Pipeline:
    """A pipeline that was started. In ``with`` or ``async with``, leaving the block stops it."""

    def __init__(self, processes: list[Process]) -> None:
        """Use ProcessManager.start_pipeline()."""
        #: The processes, first to last.
        self.processes: list[Process] = processes

    def output(self) -> Output:
        """A new reader of the last process's output."""
        return self.processes[-1].output()

    def wait(self, timeout: float | timedelta | None = None) -> list[ExitStatus]:
        """Waits until all have ended; how, first to last. Raises TimedOut."""
        limit = seconds(timeout)
        end = None if limit is None else time.monotonic() + limit
        return [
            process.wait(None if end is None else max(0.0, end - time.monotonic()))
            for process in self.processes
        ]

    async def wait_async(self) -> list[ExitStatus]:
        """Like wait, for asyncio."""
        return [await process.wait_async() for process in self.processes]

    def stop(
        self, grace: float | timedelta | Sequence[tuple[int, float]] | None = None
    ) -> list[ExitStatus | None]:
        """Stops all of them at once, and waits until all are gone. As Process.stop."""
        for process in self.processes:
            process.begin_stop(grace)
        return [process.stop() for process in self.processes]

    async def stop_async(
        self, grace: float | timedelta | Sequence[tuple[int, float]] | None = None
    ) -> list[ExitStatus | None]:
        """Like stop, for asyncio."""
        for process in self.processes:
            process.begin_stop(grace)
        return [await process.stop_async() for process in self.processes]

    def __iter__(self) -> Iterator[Process]:
        return iter(self.processes)

    def __len__(self) -> int:
        return len(self.processes)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self.processes[0]._manager._is_ours():
            self.stop()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self.processes[0]._manager._is_ours():
            await self.stop_async()

    def __repr__(self) -> str:
        return f"<Pipeline {' | '.join(process.name for process in self.processes)}>"
