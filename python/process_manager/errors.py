"""The exceptions: each derives from ProcessError and from the built-in one that fits.

``except process_manager.ProcessError`` catches all of them;
``except FileNotFoundError`` and the like work as with subprocess.
"""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from process_manager.sudo import SudoErrorKind

__all__ = [
    "AuthenticationFailed",
    "BadFormat",
    "BinaryNotFound",
    "CalledProcessError",
    "Closed",
    "ExtractionFailed",
    "Forked",
    "InterpreterNotFound",
    "InvalidArgument",
    "LimitReached",
    "NotPermitted",
    "OutputEnded",
    "ProcessError",
    "ProcessNotFound",
    "ProgramIsADirectory",
    "ProgramNotExecutable",
    "ProgramNotFound",
    "ResourceLimit",
    "RunTimedOut",
    "StartFailed",
    "StartNotPermitted",
    "StdinClosed",
    "StopFailed",
    "SystemFailure",
    "TimedOut",
    "Unsupported",
    "WorkingDirectoryError",
    "WorkingDirectoryNotFound",
]


class ProcessError(Exception):
    """Any failure of this package.

    ``errno`` is the system's error number or None. Facts that only some errors have
    (``program``, ``step``, ``subject``, ``binary``, ``argument``) are None elsewhere.
    ``stdout`` and ``stderr`` hold what run() had collected; ``lost`` counts the bytes that came
    and are not there: beyond the limit, or dropped (see CompletedProcess).
    """

    errno: int | None
    program: str | None
    step: str | None
    subject: str | None
    binary: str | None
    argument: str | None
    stdout: Any = None
    stderr: Any = None
    lost: int = 0

    def __init__(
        self,
        message: str = "",
        *,
        errno: int | None = None,
        program: str | None = None,
        step: str | None = None,
        subject: str | None = None,
        binary: str | None = None,
        argument: str | None = None,
    ) -> None:
        self.args = (message,)
        _fill_os_fields(self, message, program or binary)
        self.errno = errno
        self.program = program
        self.step = step
        self.subject = subject
        self.binary = binary
        self.argument = argument

    def __str__(self) -> str:
        return str(self.args[0]) if self.args else ""

    def __reduce__(self) -> tuple[Any, ...]:
        return _rebuild, (type(self), self.args, self.__dict__.copy(), self.errno)


def _fill_os_fields(error: Exception, message: str, filename: str | None) -> None:
    if isinstance(error, OSError):
        error.strerror = message
        error.filename = filename


def _rebuild(
    kind: type[ProcessError], args: tuple[Any, ...], facts: dict[str, Any], errno: int | None
) -> ProcessError:
    error = kind.__new__(kind, *args)
    error.args = args
    error.__dict__.update(facts)
    error.errno = errno
    return error


class BinaryNotFound(ProcessError, FileNotFoundError):
    """No binary with that name has been added to the extractor."""


class ProcessNotFound(ProcessError, ProcessLookupError):
    """The manager has no process with that id."""


class ExtractionFailed(ProcessError, OSError):
    """A binary could not be written to the extractor's directory. ``binary`` is its name."""


class StartFailed(ProcessError, OSError):
    """The process could not be started: see ``program``, ``step``, ``errno`` and ``subject``."""


class ProgramNotFound(StartFailed, FileNotFoundError):
    """There is no such program."""


class InterpreterNotFound(StartFailed, FileNotFoundError):
    """The program exists, but the interpreter that it names does not (``subject``)."""


class ProgramIsADirectory(StartFailed, IsADirectoryError):
    """The program is a directory."""


class ProgramNotExecutable(StartFailed, PermissionError):
    """The file has no execute permission, or its file system is mounted noexec."""


class BadFormat(StartFailed):
    """The file is not something that this machine can execute."""


class WorkingDirectoryError(StartFailed):
    """The working directory (``subject``) cannot be entered."""


class WorkingDirectoryNotFound(WorkingDirectoryError, FileNotFoundError):
    """The working directory (``subject``) does not exist."""


class ResourceLimit(StartFailed):
    """A limit of the system or the user was reached (processes, descriptors, memory)."""


class StartNotPermitted(StartFailed, PermissionError):
    """A step of the start was not permitted: another user, a lower nice value, a limit."""


class StopFailed(ProcessError):
    """Parts of the process tree were still alive at the deadline."""


class InvalidArgument(ProcessError, ValueError):
    """An argument (``argument``) was refused before anything was done."""


class TimedOut(ProcessError, TimeoutError):
    """The timeout passed first. The wait itself has changed nothing."""


class AuthenticationFailed(ProcessError, PermissionError):
    """Sudo did not start the command: ``kind`` says why, ``stderr`` is what sudo wrote."""

    kind: SudoErrorKind

    def __init__(
        self, message: str = "", *, kind: str = "other", stderr: str = "", errno: int | None = None
    ) -> None:
        from process_manager.sudo import SudoErrorKind

        ProcessError.__init__(self, message, errno=errno)
        self.kind = SudoErrorKind(kind)
        self.stderr = stderr


class Forked(ProcessError, RuntimeError):
    """The handle was made before fork() and belongs to the parent process."""


class Unsupported(ProcessError, NotImplementedError):
    """The kernel, the machine or the configuration does not offer what was demanded."""


class Closed(ProcessError, ValueError):
    """The handle was closed before, or the stream that it refers to is not piped."""


class OutputEnded(Closed, EOFError):
    """The output ended before what was expected came."""


class LimitReached(ProcessError):
    """A bounded resource is used up."""


class SystemFailure(ProcessError, OSError):
    """A system call failed outside the other cases."""


class StdinClosed(SystemFailure, BrokenPipeError):
    """The process has closed its standard input, or has ended."""


class NotPermitted(SystemFailure, PermissionError):
    """The system did not permit a signal or another call."""


class RunTimedOut(TimedOut, subprocess.TimeoutExpired):
    """run() took longer than its timeout; the tree has been stopped.

    ``cmd``, ``timeout``, ``stdout``, ``stderr`` as in subprocess.TimeoutExpired.
    """

    def __init__(
        self,
        cmd: Any,
        timeout: float,
        output: str | bytes | None = None,
        stderr: str | bytes | None = None,
    ) -> None:
        ProcessError.__init__(self, f"{cmd!r} did not end within {timeout:g} s")
        self.cmd = cmd
        self.timeout = timeout
        self.output = self.stdout = output
        self.stderr = stderr

    __str__ = ProcessError.__str__


class CalledProcessError(ProcessError, subprocess.CalledProcessError):
    """run(check=True): the process did not end with code 0.

    ``returncode``, ``cmd``, ``stdout``, ``stderr`` as in subprocess.CalledProcessError.
    """

    def __init__(
        self,
        message: str,
        returncode: int,
        cmd: Any,
        output: str | bytes | None = None,
        stderr: str | bytes | None = None,
    ) -> None:
        ProcessError.__init__(self, message)
        self.returncode = returncode
        self.cmd = cmd
        self.output = self.stdout = output
        self.stderr = stderr

    __str__ = ProcessError.__str__
