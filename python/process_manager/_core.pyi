"""The extension module under the package. Private: use the names of process_manager."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from os import PathLike
from pathlib import Path
from types import TracebackType
from typing import Any, Self, final
from uuid import UUID

from _typeshed import SupportsRead

from process_manager.errors import ProcessError

__all__ = [
    "BinaryExtractor",
    "Collector",
    "Command",
    "Events",
    "Manager",
    "Operation",
    "Outcomes",
    "Portion",
    "Portions",
    "Process",
    "Reader",
    "Shape",
    "SudoStart",
    "Watch",
    "begin_fork",
    "end_fork",
    "take_logs",
]

_Path = str | bytes | PathLike[str] | PathLike[bytes]
_Bytes = bytes | bytearray | memoryview
_Seconds = float | timedelta
_StopPlan = float | timedelta | Sequence[tuple[int, float]]

_Exit = tuple[int | None, int | None, bool]
_Info = tuple[
    tuple[UUID, str, str, int | None],
    tuple[str, _Exit | None, bool, bool, str, tuple[float, float, int] | None],
    tuple[datetime | None, datetime | None],
]

@final
class BinaryExtractor:
    """A private temporary directory and the executables in it.

    The directory goes when the extractor is closed (leaving a ``with`` block closes it) or no
    longer referred to, by a manager either.
    """

    def __new__(
        cls,
        base_directory: _Path | None = None,
        *,
        prefix: str | None = None,
        fallback_directories: Iterable[_Path] | None = None,
    ) -> Self:
        """``base_directory``: where the private directory is made. Default: TMPDIR or /tmp.

        ``prefix`` begins its name. ``fallback_directories`` are tried in this order where the
        base directory does not allow execution; after them, memory is.
        """

    def add_binary(self, name: str, data: _Bytes, *, sha256: str | None = None) -> Path:
        """Writes an executable file and returns its path; it can be started at once.

        An earlier binary of that name is replaced. With ``sha256``, other data is refused.
        """

    def add_file(self, path: _Path, name: str | None = None, *, sha256: str | None = None) -> Path:
        """Extracts a copy of a file, under its own name by default."""

    def add_multiple_binaries(
        self, binaries: Mapping[str, _Bytes] | Iterable[tuple[str, _Bytes]]
    ) -> list[Path]:
        """Writes several, all or none; the paths in their order."""

    def add_reader(
        self, name: str, reader: SupportsRead[bytes], *, sha256: str | None = None
    ) -> Path:
        """Extracts what a file object gives up to its end."""

    @property
    def location(self) -> tuple[str, str | None] | None:
        """Where the executables are ("base", "fallback" or "memory"), and why not in the base
        directory; None before the private directory is made."""

    def remove_binary(self, name: str) -> None:
        """Removes a binary; processes that run it keep it. Raises BinaryNotFound."""

    def get_binary_path(self, name: str) -> Path | None:
        """The path of a binary, or None."""

    def list_binaries(self) -> list[str]:
        """The names of all binaries, sorted."""

    @property
    def temp_dir(self) -> Path:
        """The private directory; it is made now if there is none yet."""

    def close(self) -> None:
        """Lets go of the directory: it is removed as soon as no manager uses it."""

    def __enter__(self) -> Self: ...
    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _traceback: TracebackType | None,
    ) -> None: ...
    def __contains__(self, key: str, /) -> bool: ...
    def __len__(self) -> int: ...

@final
class Command:
    """A command that is ready to start."""

    def __new__(
        cls, program: _Path, args: Iterable[_Path], extracted: bool, options: dict[str, Any]
    ) -> Self: ...
    def for_run(self) -> Self:
        """The same for what collects everything: nothing is dropped unless that was chosen."""

@final
class Operation:
    """A call that takes its time: waited for, or polled by an event loop."""

    @property
    def token(self) -> int: ...
    def wait(self, seconds: _Seconds | None = None) -> bool:
        """False if the timeout passed first."""

    def poll(self) -> bool | None:
        """None while it goes on; the token is ready when it is worth asking again."""

@final
class Shape:
    """How lines are handed out."""

    def __new__(
        cls,
        raw: bool,
        errors: str,
        make: tuple[Callable[..., object], Callable[..., object]] | None = None,
    ) -> Self:
        """``make`` are the callables that make a line and a gap of their facts."""

@final
class Portion:
    """An iterator over one batch of a reader; others over the same batch share its place."""

    def __iter__(self) -> Self: ...
    def __next__(self) -> Any: ...

@final
class Portions:
    """An iterator over the batches of a reader."""

    def __iter__(self) -> Self: ...
    def __next__(self) -> Portion: ...

@final
class Reader:
    """A cursor over a process's output. Iterators made from it share it."""

    @property
    def token(self) -> int: ...
    @property
    def lost(self) -> tuple[int, int]: ...
    def fetch(self, seconds: _Seconds | None = None) -> bool | None:
        """Makes sure that a batch is at hand: None timed out, False the output has ended."""

    def poll(self) -> bool | None:
        """The same for an event loop: None means that the token will say when to ask again."""

    def chunks(self, seconds: _Seconds | None = None) -> list[tuple[str, bytes]] | None:
        """Waits for raw output: None timed out, an empty list is the end."""

    def poll_chunks(self) -> list[tuple[str, bytes]] | None:
        """The same for an event loop: None means that the token will say when to ask again."""

    def drain(self, shape: Shape) -> list[Any]:
        """What is left of the batch at hand."""

    def portion(self, shape: Shape) -> Portion:
        """What is left of the batch at hand, one by one."""

    def portions(self, shape: Shape) -> Portions:
        """Waits for each portion; ends with the output."""

@final
class Collector:
    """What a run collects: the output of one process, both streams to their ends."""

    @property
    def token(self) -> int: ...
    @property
    def is_over(self) -> bool:
        """Whether one of the streams is longer than the limit."""

    def fill(self, seconds: _Seconds | None = None) -> bool | None:
        """Waits for the end: None timed out, False at the end, True: to be looked at first."""

    def poll(self) -> bool | None:
        """The same for an event loop: None means that the token will say when to ask again."""

    def output(self) -> tuple[bytes, bytes, int]:
        """Standard output and standard error so far, up to the limit; how much is missing."""

    def fresh(self) -> list[tuple[str, bytes]]:
        """The pieces that came since the last time, as (source, bytes): with a tee only."""

_Event = tuple[UUID, str, datetime, _Exit | None, int]

@final
class Events:
    """The events since the subscription."""

    @property
    def token(self) -> int: ...
    def wait(self, seconds: _Seconds | None = None) -> list[_Event] | None:
        """The next event in a list; an empty list at the end, None when the timeout passed."""

    def poll(self) -> list[_Event] | None:
        """The same for an event loop: None means that the token will say when to ask again."""

def begin_fork() -> None:
    """Ends the core's thread until end_fork: for the hooks of os.register_at_fork."""

def end_fork() -> None:
    """Has the core's thread back, in the parent."""

def take_logs(level: int) -> list[tuple[int, str]]:
    """Takes what has been logged since the last time, and sets the level from here on."""

_WatchItem = _Event | tuple[UUID, Any]

@final
class Watch:
    """Events and output of all processes."""

    @property
    def token(self) -> int: ...
    def wait(self, shape: Shape, seconds: _Seconds | None = None) -> list[_WatchItem] | None:
        """The next item in a list; an empty list at the end, None when the timeout passed."""

    def poll(self, shape: Shape) -> list[_WatchItem] | None:
        """The same for an event loop: None means that the token will say when to ask again."""

@final
class SudoStart:
    """A start through sudo that is under way."""

    @property
    def token(self) -> int: ...
    def wait(self, seconds: _Seconds | None = None) -> str | None:
        """ "asked", "done", or None when the time has passed."""

    def poll(self) -> str | None:
        """The same for an event loop: None means that the token will say when to ask again."""

    def answer(self, password: _Bytes | None) -> None:
        """Answers "asked"; None cancels the start."""

    def take(self) -> Process:
        """What was started, once it is "done"; raises why it was not."""

    def give_up(self) -> None:
        """Ends what comes of it, unless it was taken."""

@final
class Outcomes:
    """What a batch of runs leaves."""

    def take(self) -> list[tuple[_Info, bytes, bytes, int, str | None] | ProcessError]:
        """The results, once; empty before the end."""

@final
class Process:
    """A process of a manager."""

    @property
    def id(self) -> UUID: ...
    @property
    def pid(self) -> int: ...
    @property
    def is_running(self) -> bool: ...
    @property
    def exit_token(self) -> int: ...
    @property
    def closed_token(self) -> int: ...
    def info(self) -> _Info: ...
    def wait(self, seconds: _Seconds | None = None) -> _Exit | None: ...
    def poll_exit(self) -> _Exit | None: ...
    def poll_closed(self) -> bool | None: ...
    def stop(self, steps: _StopPlan | None = None) -> tuple[Operation, float]:
        """The call, and the seconds after which something has survived it."""

    def kill(self) -> tuple[Operation, float]:
        """The same for a kill."""

    def begin_stop(self, steps: _StopPlan | None = None) -> None: ...
    def wait_closed(self, seconds: _Seconds | None = None) -> bool: ...
    def suspend(self) -> None: ...
    def resume(self) -> None: ...
    def signal(self, signal: int) -> None: ...
    def write(self, data: _Bytes) -> Operation: ...
    def close_stdin(self) -> None: ...
    def reader(self, source: str | None = None) -> Reader:
        """A new reader; of one stream only where ``source`` names it."""

    def collector(self, limit: int, tee: bool) -> Collector:
        """What a run of it collects: at most ``limit`` bytes of each stream before a look."""

@final
class Manager:
    """A registry of processes over one extractor."""

    def __new__(cls, extractor: BinaryExtractor | None = None) -> Self: ...
    def extractor(self) -> BinaryExtractor: ...
    def start(self, command: Command) -> Process: ...
    def start_all_or_none(self, commands: Sequence[Command]) -> list[Process]: ...
    def start_sudo(self, command: Command, sudo: dict[str, Any]) -> SudoStart: ...
    def start_pipeline(self, commands: Sequence[Command]) -> list[Process]: ...
    def run_many(
        self,
        commands: Sequence[Command],
        parallel: int,
        seconds: _Seconds | None,
        max_output: int,
    ) -> tuple[Operation, Outcomes]: ...
    def set_retention(self, entries: int) -> None: ...
    def process(self, id: UUID) -> Process: ...
    def infos(self, running_only: bool) -> list[_Info]: ...
    def count(self, running_only: bool) -> int: ...
    def remove(self, id: UUID) -> _Info: ...
    def forget(self, process: Process) -> None:
        """Removes the entry of an ended process; does nothing for another one."""

    def available_binaries(self) -> list[str]: ...
    def stop_all(self) -> tuple[Operation, float]: ...
    def events(self) -> Events: ...
    def watch(self) -> Watch: ...
    def fileno(self) -> int: ...
    def poll(self, seconds: _Seconds | None = None) -> list[int]: ...
    def close(self) -> None:
        """Ends what is left by its drop policy and lets go of everything."""

    def end(self) -> None:
        """The same at the end of the interpreter, whatever handles there are; bounded."""

    @property
    def closed(self) -> bool: ...
