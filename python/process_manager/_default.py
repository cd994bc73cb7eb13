"""run() without a manager: over one that is made when it is first needed."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Literal, overload

from process_manager.manager import ProcessManager
from process_manager.run import CompletedProcess, Run, RunOptions

if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Unpack

    from process_manager.options import Argument, Startable

_lock = threading.Lock()
_manager: ProcessManager | None = None


def _shared() -> ProcessManager:
    global _manager
    with _lock:
        if _manager is None or _manager.closed or not _manager._is_ours():
            _manager = ProcessManager()
        return _manager


@overload
def run(
    program: Startable,
    args: Iterable[Argument] = (),
    /,
    *,
    text: Literal[True] = True,
    **options: Unpack[RunOptions],
) -> CompletedProcess[str]: ...
@overload
def run(
    program: Startable,
    args: Iterable[Argument] = (),
    /,
    *,
    text: Literal[False],
    **options: Unpack[RunOptions],
) -> CompletedProcess[bytes]: ...
def run(
    program: Startable,
    args: Iterable[Argument] = (),
    /,
    *,
    text: bool = True,
    **options: Unpack[RunOptions],
) -> CompletedProcess[str] | CompletedProcess[bytes]:
    """Runs a program of this machine to its end: ``run(["ls", "-l"], check=True).stdout``.

    See ProcessManager.run, and RunOptions for the options.
    """
    return Run(_shared(), program, args, text, options).block()


@overload
async def run_async(
    program: Startable,
    args: Iterable[Argument] = (),
    /,
    *,
    text: Literal[True] = True,
    **options: Unpack[RunOptions],
) -> CompletedProcess[str]: ...
@overload
async def run_async(
    program: Startable,
    args: Iterable[Argument] = (),
    /,
    *,
    text: Literal[False],
    **options: Unpack[RunOptions],
) -> CompletedProcess[bytes]: ...
async def run_async(
    program: Startable,
    args: Iterable[Argument] = (),
    /,
    *,
    text: bool = True,
    **options: Unpack[RunOptions],
) -> CompletedProcess[str] | CompletedProcess[bytes]:
    """Like run, for asyncio. Cancelled, it stops the tree and waits for that."""
    return await Run(_shared(), program, args, text, options).under_loop()
