"""What to start and how."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal, Protocol, TypedDict

from process_manager import _core

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import timedelta
    from typing import Self, Unpack

__all__ = ["Command", "CommandOptions"]

#: What can be passed to the system: text is encoded as os.fsencode does, bytes stay bytes.
Argument = str | bytes | os.PathLike[str] | os.PathLike[bytes]
#: Data for a process.
BytesLike = bytes | bytearray | memoryview


class _File(Protocol):
    """Something with a descriptor: a file, a socket, a pipe."""

    def fileno(self) -> int: ...


class CommandOptions(TypedDict, total=False):
    """The keyword options of everything that starts a process. None means the default."""

    name: str | None
    """A name for people. Default: the program's file name."""
    arg0: Argument | None
    """What the process sees as its own name. Default: the program as given."""
    env: Mapping[str, str | None] | Mapping[bytes, bytes | None] | None
    """Variables added to the environment; a value of None removes one."""
    clear_env: bool
    """Start from an empty environment."""
    cwd: Argument | None
    """The working directory."""
    stdin: str | int | BytesLike | os.PathLike[str] | _File | None
    """"null" (default), "pipe", "inherit", data, a path object, a descriptor, a file, or a
    subprocess constant. The process gets a duplicate of a descriptor or file."""
    stdout: str | int | os.PathLike[str] | _File | None
    """"capture" (default), "null", "inherit", a path object (truncated; to append, open the file
    yourself), a descriptor, a file, or a subprocess constant."""
    stderr: str | int | os.PathLike[str] | _File | None
    """As stdout; also "merge": into stdout, in true order of writing."""
    pass_fds: Iterable[int | _File] | Mapping[int, int | _File] | None
    """More descriptors for the process: under their own numbers, or {number there: descriptor}.
    Numbers are 3 or more; the process gets duplicates."""
    time_limit: float | timedelta | None
    """Stops the process when it has run this long; it then counts as failed."""
    stop: float | timedelta | Sequence[tuple[int, float]] | None
    """Seconds between SIGTERM and SIGKILL (default 5), or a list of (signal, seconds)."""
    rlimits: Mapping[int, tuple[int, int]] | None
    """Resource limits: resource.RLIMIT_... to (soft, hard)."""
    nice: int | None
    """The nice value, -20 (favoured) to 19."""
    umask: int | None
    """The file mode creation mask."""
    cpus: Iterable[int] | None
    """The CPUs that the process may use."""
    user: int | None
    """User id. Needs privileges."""
    group: int | None
    """Group id. Needs privileges."""
    groups: Iterable[int] | None
    """Supplementary groups. None when ``user`` is set and this is not."""
    process_group: Literal["own", "session", "host"] | None
    """An own process group (default), an own session, or the host's group."""
    output_limit: int | None
    """Bytes of captured output kept for readers. Default 1 MiB."""
    output_policy: Literal["auto", "block", "drop_oldest", "kill"] | None
    """What happens when they are full. Default: block for a reader that reads, else drop; in
    run() and run_many() block."""
    max_line: int | None
    """Longest line in bytes; longer ones are split. Default 1 MiB."""
    drain: float | timedelta | None
    """How long a silent pipe that a stranger still holds is waited for. Default 1 s."""
    on_drop: Literal["kill", "detach"] | None
    """What happens to the running process when its manager goes away. Default: kill."""
    descendants: Literal["end", "leave"] | None
    """What happens to descendants that outlive the process itself. Default: end."""
    containment: Literal["process", "group", "guard", "cgroup", "pidns"] | None
    """Demands a level; starting fails where it cannot be had."""


class Command:
    """A program, its arguments and its options, to be started once or many times.

    ``Command("ls", ["-l"])`` names a program of this machine: a path, or a name that is looked
    up in PATH. ``Command.binary("tool")`` names a binary of the manager's extractor. Descriptors
    among the options are duplicated now and held as long as the Command is.
    """

    __slots__ = ("_core", "args", "extracted", "program")

    def __init__(
        self,
        program: Argument,
        args: Iterable[Argument] = (),
        /,
        **options: Unpack[CommandOptions],
    ) -> None:
        self._fill(program, args, options, extracted=False)

    @classmethod
    def binary(
        cls, name: str, args: Iterable[Argument] = (), /, **options: Unpack[CommandOptions]
    ) -> Self:
        """A command for a binary of the manager's extractor."""
        command = cls.__new__(cls)
        command._fill(name, args, options, extracted=True)
        return command

    def _fill(
        self,
        program: Argument,
        args: Iterable[Argument],
        options: CommandOptions,
        *,
        extracted: bool,
    ) -> None:
        self.program = program
        self.args = args if isinstance(args, str | bytes) else tuple(args)
        self.extracted = extracted
        self._core = _core.Command(program, self.args, extracted, dict(options))

    def _for_run(self) -> Command:
        """The same for what collects everything: nothing is dropped unless that was chosen."""
        command = Command.__new__(Command)
        command.program, command.args, command.extracted = self.program, self.args, self.extracted
        command._core = self._core.for_run()
        return command

    def __repr__(self) -> str:
        kind = "Command.binary" if self.extracted else "Command"
        return f"{kind}({self.program!r}, {list(self.args)!r})"


#: What start() takes: the name of an extracted binary, a program path, a whole command line
#: (as subprocess takes it), or a Command.
Startable = str | os.PathLike[str] | Sequence[Argument] | Command


def as_command(target: Startable, args: Iterable[Argument], options: CommandOptions) -> Command:
    """Turns what start() was given into a Command."""
    if isinstance(target, Command):
        if args or options:
            raise TypeError("a Command brings its own arguments and options")
        return target
    if isinstance(target, str):
        return Command.binary(target, args, **options)
    if isinstance(target, list | tuple):
        if args:
            raise TypeError("a command line brings its own arguments")
        if not target:
            raise ValueError("the command line is empty")
        return Command(target[0], target[1:], **options)
    if isinstance(target, os.PathLike):
        return Command(target, args, **options)
    raise TypeError(
        "the program must be the name of an added binary, a path object, a list "
        f"[program, *args] or a Command, not {type(target).__name__}"
    )


def as_run(target: Startable, args: Iterable[Argument], options: CommandOptions) -> Command:
    """The same for a run, of which nothing is dropped unless that was chosen."""
    if isinstance(target, Command):
        return as_command(target, args, options)._for_run()
    if options.get("output_policy") is None:
        options["output_policy"] = "block"
    return as_command(target, args, options)
