"""run(): start, feed, collect, wait; as subprocess.run, with nothing left behind."""

from __future__ import annotations

import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any, AnyStr, Generic

from process_manager._drive import seconds
from process_manager._loops import limited
from process_manager.errors import (
    CalledProcessError,
    InvalidArgument,
    LimitReached,
    ProcessError,
    RunTimedOut,
    TimedOut,
)
from process_manager.options import CommandOptions, as_run

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import timedelta

    from process_manager._starts import Starts
    from process_manager.options import Argument, BytesLike, Startable
    from process_manager.process import Process
    from process_manager.sudo import SudoOptions
    from process_manager.types import ExitStatus

__all__ = ["CompletedProcess", "RunOptions"]

#: Bytes of each stream that run() collects unless told otherwise.
OUTPUT_LIMIT = 64 * 1024 * 1024


class CompletedProcess(subprocess.CompletedProcess[AnyStr], Generic[AnyStr]):
    """What run() gives: ``args``, ``returncode``, ``stdout``, ``stderr``, ``status``, ``lost``.

    ``returncode`` is negative for a signal, as in subprocess; ``status`` keeps them apart.
    """

    status: ExitStatus
    lost: int
    """Bytes that came and are not here: dropped because the collecting thread or event loop was
    held up (only if the output policy drops; a run's own does not)."""

    def check_returncode(self) -> None:
        """Raises CalledProcessError unless it ended with code 0."""
        if not self.status.success:
            error = CalledProcessError(
                f"{self.args!r}: {self.status}{_tail(self.stderr or self.stdout)}",
                self.returncode,
                self.args,
                self.stdout,
                self.stderr,
            )
            error.lost = self.lost
            raise error


class RunOptions(CommandOptions, total=False):
    """The keyword options of run(): those of a command, and these."""

    input: str | BytesLike | None
    """Fed to standard input, which then ends."""
    timeout: float | timedelta | None
    """Seconds until the tree is stopped and RunTimedOut raised."""
    check: bool
    """Raise CalledProcessError unless it ends with code 0."""
    errors: str
    """How text is decoded (UTF-8), as in bytes.decode. Default: replace."""
    capture_limit: int
    """Bytes of each stream; more raises LimitReached. Default 64 MiB."""
    sudo: SudoOptions | None
    """Whom to run as, through sudo."""
    tee: bool
    """Also pass the output on to sys.stdout and sys.stderr, as it comes."""


class Run:
    """One run under way."""

    def __init__(
        self,
        manager: Starts,
        target: Startable,
        args: Iterable[Argument],
        text: bool,
        options: RunOptions,
    ) -> None:
        data = options.pop("input", None)
        if data is not None:
            if options.get("stdin") is not None:
                raise ValueError("stdin and input cannot both be given")
            options["stdin"] = data.encode() if isinstance(data, str) else data
        self._manager = manager
        self._text = text
        self._timeout = options.pop("timeout", None)
        self._check = options.pop("check", False)
        self._errors = options.pop("errors", "replace")
        self._limit = _limit(options.pop("capture_limit", OUTPUT_LIMIT))
        self._tee = options.pop("tee", False)
        self._sudo = options.pop("sudo", None)
        self._command = as_run(target, args, options)

    def _begin(self, process: Process) -> None:
        self.process = process
        self._output = process._core.collector(self._limit, self._tee)

    # ---- the procedure -----------------------------------------------------------------------

    def _look(self, is_more: bool | None) -> bool | None:
        """After each answer of the collector: passes on, and keeps to the limit."""
        if self._tee:
            for source, data in self._output.fresh():
                _pass_on(source, data)
        if is_more and self._output.is_over:
            raise LimitReached(f"{self.args!r} wrote more than {self._limit} bytes")
        return is_more

    def _to_the_end_blocking(self, timeout: float | None) -> ExitStatus:
        """The output may end long before the process, or not be captured: one deadline for both."""
        deadline = None if timeout is None else time.monotonic() + timeout
        left = timeout
        while self._look(self._output.fill(left)) is not False:
            left = _left(deadline)
            if left == 0:
                raise TimedOut(f"run: not within {timeout:g} s")
        return self.process.wait(_left(deadline))

    async def _to_the_end(self) -> ExitStatus:
        output = self._output
        while self._look(await self._manager._waits.ready(output.token, output.poll)):
            pass
        return await self.process.wait_async()

    # ---- blocking, asyncio -------------------------------------------------------------------

    def block(self) -> CompletedProcess[Any]:
        """Runs to the end. Whatever goes wrong, the tree is stopped first."""
        self._begin(self._manager.start(self._command, sudo=self._sudo))
        try:
            status = self._to_the_end_blocking(seconds(self._timeout))
        except TimedOut:
            self.process.stop()
            raise self._timed_out() from None
        except BaseException as error:
            self.process.stop()
            self._attach_output(error)
            raise
        finally:
            self._forget()
        return self._completed(status)

    async def under_loop(self) -> CompletedProcess[Any]:
        """Runs to the end. Cancelled, it stops the tree, waits for that, and passes it on."""
        self._begin(await self._manager.start_async(self._command, sudo=self._sudo))
        try:
            status = await limited(seconds(self._timeout), self._to_the_end(), "run")
        except TimedOut:
            await self.process.stop_async()
            raise self._timed_out() from None
        except BaseException as error:
            await self.process.stop_async()
            self._attach_output(error)
            raise
        finally:
            self._forget()
        return self._completed(status)

    # ---- answers -----------------------------------------------------------------------------

    @property
    def args(self) -> list[Argument]:
        """The command line."""
        return [self._command.program, *self._command.args]

    def _forget(self) -> None:
        self._manager._core.forget(self.process._core)

    def _collected(self) -> tuple[Any, Any, int]:
        """Standard output, standard error, and how many bytes are missing from them."""
        stdout, stderr, lost = self._output.output()
        if not self._text:
            return stdout, stderr, lost
        return stdout.decode("utf-8", self._errors), stderr.decode("utf-8", self._errors), lost

    def _completed(self, status: ExitStatus) -> CompletedProcess[Any]:
        done = completed(self.args, status, *self._collected())
        if self._check:
            done.check_returncode()
        return done

    def _timed_out(self) -> RunTimedOut:
        return timed_out(self.args, seconds(self._timeout) or 0.0, *self._collected())

    def _attach_output(self, error: BaseException) -> None:
        if isinstance(error, ProcessError):
            error.stdout, error.stderr, error.lost = self._collected()


def _left(deadline: float | None) -> float | None:
    return None if deadline is None else max(0.0, deadline - time.monotonic())


def _limit(limit: int) -> int:
    if not isinstance(limit, int):
        raise TypeError(f"capture_limit must be int, not {type(limit).__name__}")
    if limit < 0:
        raise InvalidArgument(f"capture_limit: {limit} is negative", argument="capture_limit")
    return min(limit, sys.maxsize)


def completed(
    args: Any, status: ExitStatus, stdout: Any, stderr: Any, lost: int
) -> CompletedProcess[Any]:
    """What a run that has ended gives."""
    # None for an unknown status, where subprocess would guess 0.
    code: Any = status.returncode
    done = CompletedProcess[Any](args, code, stdout, stderr)
    done.status = status
    done.lost = lost
    return done


def timed_out(args: Any, limit: float, stdout: Any, stderr: Any, lost: int) -> RunTimedOut:
    """The error for a run that took longer than its limit."""
    error = RunTimedOut(args, limit, stdout, stderr)
    error.lost = lost
    return error


def _tail(text: str | bytes | None) -> str:
    if isinstance(text, bytes):
        text = text.decode("utf-8", "replace")
    return "".join(f"\n    {line}" for line in (text or "").splitlines()[-5:])


def _pass_on(source: str, data: bytes) -> None:
    stream = sys.stdout if source == "stdout" else sys.stderr
    raw = getattr(stream, "buffer", None)
    if raw is None:
        stream.write(data.decode("utf-8", "replace"))
    else:
        raw.write(data)
    stream.flush()
