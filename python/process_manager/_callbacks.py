"""Callbacks for output and exit. They run inside manager.poll() or on the running event loop."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from process_manager import _core
from process_manager.types import ExitStatus, Gap, Line

if TYPE_CHECKING:
    from process_manager.process import Process

OutputCallback = Callable[["Process", "Line[str] | Gap"], object]
ExitCallback = Callable[["Process", ExitStatus], object]


class Subscription:
    """Something to be fired when its token is ready."""

    token: int
    busy = False
    """A thread is firing it."""
    dirty = False
    """The token became ready meanwhile."""

    def fire(self) -> bool | None:
        """Delivers what there is. True: there may be more. False: not now. None: it is over."""
        raise NotImplementedError


class OutputSubscription(Subscription):
    """Hands each record of a process's output to a callback, a batch a time."""

    def __init__(self, process: Process, callback: OutputCallback) -> None:
        self._process = process
        self._callback = callback
        self._reader = process._core.reader()
        self._shape = _core.Shape(False, "replace", (Line, Gap))
        self.token = self._reader.token
        process._unfinished += 1

    def fire(self) -> bool | None:
        answer = self._reader.poll()
        if answer is None:
            return False
        if answer is False:
            self._process._unfinished -= 1
            return None
        for record in self._reader.portion(self._shape):
            self._callback(self._process, record)
        return True


class ExitSubscription(Subscription):
    """Calls back once, when the process has ended and its output was delivered."""

    def __init__(self, process: Process, callback: ExitCallback) -> None:
        self._process = process
        self._callback = callback
        self._called = False
        self.token = process._core.closed_token

    def fire(self) -> bool | None:
        if self._called:
            return None
        if self._process._core.poll_closed() is None:
            return False
        if self._process._unfinished:
            return True
        self._called = True
        self._callback(self._process, self._process.exit_status or ExitStatus(None, None))
        return None


def on_output(process: Process, callback: OutputCallback) -> None:
    """Subscribes."""
    process._waits.subscribe(OutputSubscription(process, callback))


def on_exit(process: Process, callback: ExitCallback) -> None:
    """Subscribes."""
    process._waits.subscribe(ExitSubscription(process, callback))
