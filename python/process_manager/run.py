"""run(): start, feed, collect, wait; as subprocess.run, with nothing left behind."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING, Any, AnyStr, Generic

from process_manager._drive import blocking, seconds, under_loop
from process_manager._loops import limited
from process_manager.errors import (
    CalledProcessError,
    LimitReached,
    ProcessError,
    RunTimedOut,
    TimedOut,
)
from process_manager.options import Command, CommandOptions, as_command

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable
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
    """What run() gives: ``args``, ``returncode``, ``stdout``, ``stderr``, and ``status``.

    ``returncode`` is negative for a signal, as in subprocess; ``status`` keeps them apart.
    """

    status: ExitStatus

    def check_returncode(self) -> None:
        """Raises CalledProcessError unless it ended with code 0."""
        if not self.status.success:
            raise CalledProcessError(
                f"{self.args!r}: {self.status}{_tail(self.stderr or self.stdout)}",
                self.returncode,
                self.args,
                self.stdout,
                self.stderr,
            )


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
        # Whoever collects everything wants nothing dropped.
        if not isinstance(target, Command):
            options.setdefault("output_policy", "block")
        self._manager = manager
        self._text = text
        self._timeout = options.pop("timeout", None)
        self._check = options.pop("check", False)
        self._errors = options.pop("errors", "replace")
        self._limit = options.pop("capture_limit", OUTPUT_LIMIT)
        self._tee = options.pop("tee", False)
        self._pieces: dict[str, list[bytes]] = {"stdout": [], "stderr": []}
        self._sizes = {"stdout": 0, "stderr": 0}
        self._sudo = options.pop("sudo", None)
        self._command = as_command(target, args, options)

    def _begin(self, process: Process) -> None:
        self.process = process
        self._reader = process._core.reader()

    # ---- the procedure -----------------------------------------------------------------------

    def _steps(self) -> Generator[None, bool, None]:
        while (yield):
            if max(self._sizes.values()) > self._limit:
                raise LimitReached(f"{self.args!r} wrote more than {self._limit} bytes")

    def _feed(self, pieces: list[tuple[str, bytes]]) -> bool:
        for source, data in pieces:
            self._pieces[source].append(data)
            self._sizes[source] += len(data)
            if self._tee:
                _pass_on(source, data)
        return bool(pieces)

    def _more(self, left: float | None) -> bool | None:
        pieces = self._reader.chunks(left)
        return None if pieces is None else self._feed(pieces)

    async def _more_async(self) -> bool:
        ready = self._manager._waits.ready
        return self._feed(await ready(self._reader.token, self._reader.poll_chunks))

    # ---- blocking, asyncio -------------------------------------------------------------------

    def block(self) -> CompletedProcess[Any]:
        """Runs to the end. Whatever goes wrong, the tree is stopped first."""
        self._begin(self._manager.start(self._command, sudo=self._sudo))
        try:
            blocking(self._steps(), self._more, self._timeout, "run")
            status = self.process.wait()
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

    async def _to_the_end(self) -> ExitStatus:
        await under_loop(self._steps(), self._more_async)
        return await self.process.wait_async()

    # ---- answers -----------------------------------------------------------------------------

    @property
    def args(self) -> list[Argument]:
        """The command line."""
        return [self._command.program, *self._command.args]

    def _forget(self) -> None:
        self._manager._core.forget(self.process._core)

    def _collected(self, source: str) -> Any:
        data = b"".join(self._pieces[source])
        return data.decode("utf-8", self._errors) if self._text else data

    def _completed(self, status: ExitStatus) -> CompletedProcess[Any]:
        done = completed(self.args, status, self._collected("stdout"), self._collected("stderr"))
        if self._check:
            done.check_returncode()
        return done

    def _timed_out(self) -> RunTimedOut:
        limit = seconds(self._timeout) or 0.0
        return RunTimedOut(self.args, limit, self._collected("stdout"), self._collected("stderr"))

    def _attach_output(self, error: BaseException) -> None:
        if isinstance(error, ProcessError):
            error.stdout, error.stderr = self._collected("stdout"), self._collected("stderr")


def completed(args: Any, status: ExitStatus, stdout: Any, stderr: Any) -> CompletedProcess[Any]:
    """What a run that has ended gives."""
    # None for an unknown status, where subprocess would guess 0.
    code: Any = status.returncode
    done = CompletedProcess[Any](args, code, stdout, stderr)
    done.status = status
    return done


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
