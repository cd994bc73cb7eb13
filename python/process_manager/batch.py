"""run_many(): runs to their ends, so many at a time."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, TypedDict

from process_manager._drive import seconds
from process_manager.errors import LimitReached, ProcessError
from process_manager.options import as_run
from process_manager.run import OUTPUT_LIMIT, completed, timed_out
from process_manager.types import ExitStatus, ProcessInfo

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import timedelta

    from process_manager import _core
    from process_manager._starts import Starts
    from process_manager.options import Startable
    from process_manager.run import CompletedProcess

__all__ = ["BatchOptions"]


class BatchOptions(TypedDict, total=False):
    """The keyword options of run_many(); each run is bounded by them."""

    timeout: float | timedelta | None
    """Seconds until a tree is stopped and counts as RunTimedOut."""
    capture_limit: int
    """Bytes of each stream; more counts as LimitReached. Default 64 MiB."""
    errors: str
    """How text is decoded (UTF-8), as in bytes.decode. Default: replace."""


class RunMany:
    """A batch under way."""

    def __init__(
        self,
        manager: Starts,
        commands: Iterable[Startable],
        parallel: int | None,
        text: bool,
        options: BatchOptions,
    ) -> None:
        if unknown := options.keys() - BatchOptions.__annotations__.keys():
            raise TypeError(f"unknown option {min(unknown)!r}")
        self._commands = [as_run(command, (), {}) for command in commands]
        self._waits = manager._waits
        self._timeout = options.get("timeout")
        self._text = text
        self._errors = options.get("errors", "replace")
        self._limit = options.get("capture_limit", OUTPUT_LIMIT)
        cores = [command._core for command in self._commands]
        parallel = len(os.sched_getaffinity(0)) if parallel is None else parallel
        self._operation, self._outcomes = manager._core.run_many(
            cores, parallel, self._timeout, self._limit
        )

    def block(self) -> list[Any]:
        """Runs to the end. Given up, the operation ends what runs."""
        self._operation.wait()
        return self._results()

    async def under_loop(self) -> list[Any]:
        """Runs to the end under the running loop. The same."""
        await self._waits.ready(self._operation.token, self._operation.poll)
        return self._results()

    def _results(self) -> list[Any]:
        outcomes = zip(self._commands, self._outcomes.take(), strict=True)
        return [self._result([c.program, *c.args], outcome) for c, outcome in outcomes]

    def _result(
        self,
        args: list[Any],
        outcome: tuple[_core._Info, bytes, bytes, int, str | None] | ProcessError,
    ) -> CompletedProcess[Any] | ProcessError:
        if isinstance(outcome, ProcessError):
            return outcome
        facts, out, err, lost, cut = outcome
        stdout, stderr = self._decoded(out), self._decoded(err)
        # A command that ends by its own time limit has ended, as under run().
        if cut is None or (cut == "timed_out" and self._timeout is None):
            status = ProcessInfo._of(facts).exit or ExitStatus(None, None)
            return completed(args, status, stdout, stderr, lost)
        if cut == "timed_out":
            return timed_out(args, seconds(self._timeout) or 0.0, stdout, stderr, lost)
        error = LimitReached(f"{args!r} wrote more than {self._limit} bytes")
        error.stdout, error.stderr, error.lost = stdout, stderr, lost
        return error

    def _decoded(self, data: bytes) -> str | bytes:
        return data.decode("utf-8", self._errors) if self._text else data
