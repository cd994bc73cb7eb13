"""What happens to the processes of a manager, as one stream."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

from process_manager.errors import TimedOut
from process_manager.types import ExitStatus

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from datetime import datetime
    from uuid import UUID

    from process_manager import _core
    from process_manager._waits import Waits

__all__ = ["Event", "EventKind", "Events"]


class EventKind(StrEnum):
    """What happened."""

    STARTED = "started"
    STOP_REQUESTED = "stop_requested"
    STALLED = "stalled"
    """Its reader did not consume in time; its oldest output is being dropped."""
    EXITED = "exited"
    """The process itself ended."""
    CONTAINMENT_LOST = "containment_lost"
    """Its guard was killed; what could be found of its tree was killed too."""
    OUTPUT_HELD = "output_held"
    """A silent output pipe was given up after the end: somebody else still holds it."""
    CLOSED = "closed"
    """Process, descendants and output have ended: nothing more will come."""
    MISSED = "missed"
    """Events were dropped because this subscriber did not read."""
    OTHER = "other"


class Event(NamedTuple):
    """One event."""

    id: UUID
    kind: EventKind
    time: datetime
    exit: ExitStatus | None
    """With EXITED: how it ended."""
    missed: int
    """With MISSED: how many events."""


class Events:
    """The events since the subscription, for ``for`` and ``async for``; ends with the manager."""

    def __init__(self, core: _core.Events, waits: Waits) -> None:
        """Use ProcessManager.events()."""
        self._core = core
        self._waits = waits

    def next(self, timeout: float | None = None) -> Event | None:
        """The next event, or None when the manager is gone. Raises TimedOut."""
        found = self._core.wait(timeout)
        if found is None:
            raise TimedOut(f"no event within {timeout:g} s")
        return _first(found)

    async def next_async(self) -> Event | None:
        """The next event, or None when the manager is gone."""
        return _first(await self._waits.ready(self._core.token, self._core.poll))

    def __iter__(self) -> Iterator[Event]:
        while (event := self.next()) is not None:
            yield event

    async def __aiter__(self) -> AsyncIterator[Event]:
        while (event := await self.next_async()) is not None:
            yield event


def _first(found: list[_core._Event]) -> Event | None:
    return event_of(found[0]) if found else None


def event_of(facts: _core._Event) -> Event:
    """The event with these facts."""
    id, kind, time, exited, missed = facts
    return Event(id, EventKind(kind), time, exited and ExitStatus(*exited), missed)
