"""Running processes to their ends: the part of a manager that is like subprocess.run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, overload

from process_manager._starts import Starts
from process_manager.batch import BatchOptions, RunMany
from process_manager.run import CompletedProcess, Run, RunOptions

if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Unpack

    from process_manager.errors import ProcessError
    from process_manager.options import Argument, Startable


class Runs(Starts):
    """What a ProcessManager runs to the end."""

    @overload
    def run(
        self,
        program: Startable,
        args: Iterable[Argument] = (),
        /,
        *,
        text: Literal[True] = True,
        **options: Unpack[RunOptions],
    ) -> CompletedProcess[str]: ...
    @overload
    def run(
        self,
        program: Startable,
        args: Iterable[Argument] = (),
        /,
        *,
        text: Literal[False],
        **options: Unpack[RunOptions],
    ) -> CompletedProcess[bytes]: ...
    def run(
        self,
        program: Startable,
        args: Iterable[Argument] = (),
        /,
        *,
        text: bool = True,
        **options: Unpack[RunOptions],
    ) -> CompletedProcess[str] | CompletedProcess[bytes]:
        """Starts a process, collects its output, waits for its end: as subprocess.run.

        Unlike there, output is captured by default, as text, and the whole tree is stopped
        when it takes too long (``timeout``) or writes too much (``capture_limit``). For the
        options see RunOptions.
        """
        return Run(self, program, args, text, options).block()

    @overload
    async def run_async(
        self,
        program: Startable,
        args: Iterable[Argument] = (),
        /,
        *,
        text: Literal[True] = True,
        **options: Unpack[RunOptions],
    ) -> CompletedProcess[str]: ...
    @overload
    async def run_async(
        self,
        program: Startable,
        args: Iterable[Argument] = (),
        /,
        *,
        text: Literal[False],
        **options: Unpack[RunOptions],
    ) -> CompletedProcess[bytes]: ...
    async def run_async(
        self,
        program: Startable,
        args: Iterable[Argument] = (),
        /,
        *,
        text: bool = True,
        **options: Unpack[RunOptions],
    ) -> CompletedProcess[str] | CompletedProcess[bytes]:
        """Like run, for asyncio. Cancelled, it stops the tree and waits for that."""
        return await Run(self, program, args, text, options).under_loop()

    @overload
    def run_many(
        self,
        commands: Iterable[Startable],
        parallel: int | None = None,
        *,
        text: Literal[True] = True,
        **options: Unpack[BatchOptions],
    ) -> list[CompletedProcess[str] | ProcessError]: ...
    @overload
    def run_many(
        self,
        commands: Iterable[Startable],
        parallel: int | None = None,
        *,
        text: Literal[False],
        **options: Unpack[BatchOptions],
    ) -> list[CompletedProcess[bytes] | ProcessError]: ...
    def run_many(
        self,
        commands: Iterable[Startable],
        parallel: int | None = None,
        *,
        text: bool = True,
        **options: Unpack[BatchOptions],
    ) -> list[CompletedProcess[str] | ProcessError] | list[CompletedProcess[bytes] | ProcessError]:
        """Runs all of them to their ends, ``parallel`` at a time (default: one a CPU).

        Gives for each, in order, what run gives, or the error that it would raise. Ctrl-C ends
        those under way.
        """
        return RunMany(self, commands, parallel, text, options).block()

    @overload
    async def run_many_async(
        self,
        commands: Iterable[Startable],
        parallel: int | None = None,
        *,
        text: Literal[True] = True,
        **options: Unpack[BatchOptions],
    ) -> list[CompletedProcess[str] | ProcessError]: ...
    @overload
    async def run_many_async(
        self,
        commands: Iterable[Startable],
        parallel: int | None = None,
        *,
        text: Literal[False],
        **options: Unpack[BatchOptions],
    ) -> list[CompletedProcess[bytes] | ProcessError]: ...
    async def run_many_async(
        self,
        commands: Iterable[Startable],
        parallel: int | None = None,
        *,
        text: bool = True,
        **options: Unpack[BatchOptions],
    ) -> list[CompletedProcess[str] | ProcessError] | list[CompletedProcess[bytes] | ProcessError]:
        """Like run_many, for asyncio. Cancelled, it ends those under way."""
        return await RunMany(self, commands, parallel, text, options).under_loop()
