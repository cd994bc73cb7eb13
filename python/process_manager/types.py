"""The plain values: facts about processes, and records of their output."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Generic, Literal, NamedTuple, TypeVar

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    from process_manager import _core

__all__ = [
    "Containment",
    "ExitStatus",
    "Gap",
    "Line",
    "ProcessInfo",
    "ProcessStatus",
    "ResourceUsage",
    "Source",
]

#: The stream that a record came from.
Source = Literal["stdout", "stderr"]

Data = TypeVar("Data", str, bytes)


class ProcessStatus(StrEnum):
    """Where a process stands."""

    PENDING = "pending"
    """Accepted and not yet running."""
    RUNNING = "running"
    """Started, and its end has not been seen."""
    STOPPED = "stopped"
    """Ended by itself with code 0, or because this library was asked to end it."""
    FAILED = "failed"
    """Ended in any other way."""


class Containment(StrEnum):
    """How surely the descendants of a process are held, weakest first.

    ``PIDNS`` is a PID namespace of its own: never chosen unless demanded, since the command has
    process ids of its own there but the host's ``/proc``; needs CAP_SYS_ADMIN.
    """

    PROCESS = "process"
    GROUP = "group"
    GUARD = "guard"
    CGROUP = "cgroup"
    PIDNS = "pidns"


class ExitStatus(NamedTuple):
    """How a process ended: ``code`` or ``signal``, or neither where nobody could know.

    The status is unknown where the host itself reaped the child (``os.wait()``), or ignores
    SIGCHLD, on kernels before 6.15.
    """

    code: int | None
    signal: int | None
    core_dumped: bool = False

    @property
    def success(self) -> bool:
        """True for exit code 0."""
        return self.code == 0

    @property
    def returncode(self) -> int | None:
        """The code, or the signal's number negated, as in subprocess; None if unknown."""
        return self.code if self.signal is None else -self.signal

    def __str__(self) -> str:
        if self.signal is not None:
            return f"signal {self.signal}" + (" (core dumped)" if self.core_dumped else "")
        return "ended, status unknown" if self.code is None else f"exit code {self.code}"


class ResourceUsage(NamedTuple):
    """What an ended process used: CPU seconds and peak resident memory in bytes."""

    user_time: float
    system_time: float
    max_rss: int


class ProcessInfo(NamedTuple):
    """The facts about one process at one moment."""

    id: UUID
    """The id this library gave it: a UUID v7, so ids sort by start."""
    name: str
    program: str
    pid: int | None
    """Stays after the end, when the number may belong to somebody else."""
    status: ProcessStatus
    exit: ExitStatus | None
    """How it ended, once it has."""
    stop_requested: bool
    """Whether this library was asked to end it."""
    timed_out: bool
    """Whether its own time limit ended it."""
    containment: Containment
    usage: ResourceUsage | None
    started_at: datetime | None
    stopped_at: datetime | None

    @classmethod
    def _of(cls, facts: _core._Info) -> ProcessInfo:
        what, (status, exited, stop, timed_out, containment, usage), when = facts
        return cls(
            *what,
            ProcessStatus(status),
            exited and ExitStatus(*exited),
            stop,
            timed_out,
            Containment(containment),
            usage and ResourceUsage(*usage),
            *when,
        )


class Line(NamedTuple, Generic[Data]):
    """One line of output, with the facts about it."""

    source: Source
    sequence: int
    """Orders the records of both streams. It never decreases."""
    timestamp: float
    """When it was read, in seconds since 1970."""
    data: Data
    """The line without its newline."""
    partial: bool
    """True if no newline followed: the line was too long, cut by a gap, or the last one."""

    @property
    def time(self) -> datetime:
        """When it was read."""
        return _utc(self.timestamp)


class Gap(NamedTuple):
    """Output that was dropped, because the log was full and this reader did not read."""

    source: Source
    sequence: int
    timestamp: float
    bytes: int
    lines: int

    @property
    def time(self) -> datetime:
        """When it was found to be missing."""
        return _utc(self.timestamp)


def _utc(timestamp: float) -> datetime:
    from datetime import UTC, datetime

    return datetime.fromtimestamp(timestamp, UTC)
