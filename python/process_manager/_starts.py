"""Starting processes: the part of a manager that everything else stands on."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from process_manager import _logging
from process_manager._waits import Waits
from process_manager.errors import ProcessError
from process_manager.options import CommandOptions, as_command
from process_manager.pipeline import Pipeline
from process_manager.process import Process
from process_manager.sudo import SudoOptions, start_blocking, start_under_loop

if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Unpack

    from process_manager import _core
    from process_manager.options import Argument, Startable


class Starts:
    """What a ProcessManager starts."""

    def __init__(self, core: _core.Manager) -> None:
        self._core = core
        self._pid = os.getpid()
        self._waits = Waits(core)

    def start(
        self,
        program: Startable,
        args: Iterable[Argument] = (),
        /,
        *,
        sudo: SudoOptions | None = None,
        **options: Unpack[CommandOptions],
    ) -> Process:
        """Starts a process; when this returns, the program itself is running.

        ``program`` is the name of a binary that was added to the extractor, or a path object,
        or a whole command line as a list (then a name is looked up in PATH), or a Command. For
        the options see CommandOptions; with ``sudo`` it runs as root or another user. Errors
        name the program, the step and the reason, and derive from FileNotFoundError,
        PermissionError and so on.
        """
        command = as_command(program, args, options)._core
        if sudo is None:
            process = self._wrap(self._core.start(command))
        else:
            talk = self._core.start_sudo(command, sudo._for_core())
            process = self._wrap(start_blocking(talk, sudo))
        _logging.drain()
        return process

    async def start_async(
        self,
        program: Startable,
        args: Iterable[Argument] = (),
        /,
        *,
        sudo: SudoOptions | None = None,
        **options: Unpack[CommandOptions],
    ) -> Process:
        """Like start, for asyncio: the loop runs on while sudo asks for a password.

        Cancelled, it ends what was being started. Without ``sudo`` it is the same as start.
        """
        if sudo is None:
            return self.start(program, args, **options)
        command = as_command(program, args, options)._core
        talk = self._core.start_sudo(command, sudo._for_core())
        return self._wrap(await start_under_loop(talk, sudo, self._waits))

    def start_pipeline(self, commands: Iterable[Startable]) -> Pipeline:
        """Starts commands of which each reads what the one before it writes, all or none.

        The first one's input, the last one's output and every standard error are as the
        commands say. Raises as start, for the first that fails.
        """
        cores = [as_command(command, (), {})._core for command in commands]
        return Pipeline([self._wrap(core) for core in self._core.start_pipeline(cores)])

    def start_many(self, commands: Iterable[Startable]) -> list[Process | ProcessError]:
        """Starts all of them; in the place of each that failed stands its error."""
        return [self._try_start(command) for command in commands]

    def start_all_or_none(self, commands: Iterable[Startable]) -> list[Process]:
        """Starts all of them, or raises the first error and ends those already started."""
        cores = [as_command(command, (), {})._core for command in commands]
        return [self._wrap(core) for core in self._core.start_all_or_none(cores)]

    def _try_start(self, command: Startable) -> Process | ProcessError:
        try:
            return self.start(command)
        except ProcessError as error:
            return error

    def _wrap(self, core: _core.Process) -> Process:
        return Process(core, self, self._waits)

    def _is_ours(self) -> bool:
        """False in a forked copy of the host, which owns nothing."""
        return self._pid == os.getpid()
