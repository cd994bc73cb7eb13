"""Events and output of all processes of a manager as one stream."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from process_manager import _core
from process_manager.errors import TimedOut
from process_manager.events import Event, event_of
from process_manager.types import Gap, Line

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from uuid import UUID

    from process_manager._waits import Waits

__all__ = ["Watch", "WatchedOutput"]


class WatchedOutput(NamedTuple):
    """What one process wrote."""

    id: UUID
    """Whose output it is."""
    record: Line[str] | Gap


class Watch:
    """All events and all output, for ``for`` and ``async for``; ends with the manager.

    A process's output comes before its CLOSED event, and processes that have output take turns.
    """

    def __init__(self, core: _core.Watch, waits: Waits) -> None:
        """Use ProcessManager.watch()."""
        self._core = core
        self._waits = waits
        self._shape = _core.Shape(False, "replace", (Line, Gap))

    def next(self, timeout: float | None = None) -> Event | WatchedOutput | None:
        """The next item, or None when the manager is gone. Raises TimedOut."""
        found = self._core.wait(self._shape, timeout)
        if found is None:
            raise TimedOut(f"nothing happened within {timeout:g} s")
        return _item(found)

    async def next_async(self) -> Event | WatchedOutput | None:
        """The next item, or None when the manager is gone."""
        return _item(await self._waits.ready(self._core.token, self._poll))

    def _poll(self) -> list[_core._WatchItem] | None:
        return self._core.poll(self._shape)

    def __iter__(self) -> Iterator[Event | WatchedOutput]:
        while (item := self.next()) is not None:
            yield item

    async def __aiter__(self) -> AsyncIterator[Event | WatchedOutput]:
        while (item := await self.next_async()) is not None:
            yield item


def _item(found: list[_core._WatchItem]) -> Event | WatchedOutput | None:
    if not found:
        return None
    item = found[0]
    return WatchedOutput(*item) if len(item) == 2 else event_of(item)
