"""The output of a process, read while it runs or afterwards."""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING, Generic, Literal, TypeVar, overload

from process_manager import _core
from process_manager.errors import TimedOut
from process_manager.types import Gap, Line

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from process_manager._waits import Waits

__all__ = ["Items", "Output"]

Item = TypeVar("Item")


class Items(Generic[Item]):
    """Lines or records of an Output, one by one or in batches, in ``for`` or ``async for``.

    It shares its Output's place: what one iterator has taken, the next one does not see again.
    The iteration ends when the output is complete.
    """

    __slots__ = ("_reader", "_shape", "_waits")

    def __init__(self, reader: _core.Reader, waits: Waits, shape: _core.Shape) -> None:
        self._reader = reader
        self._waits = waits
        self._shape = shape

    def __iter__(self) -> Iterator[Item]:
        return chain.from_iterable(self._reader.portions(self._shape))

    async def __aiter__(self) -> AsyncIterator[Item]:
        while await self._waits.ready(self._reader.token, self._reader.poll):
            for item in self._rest():
                yield item

    def next(self, timeout: float | None = None) -> Item | None:
        """The next item, or None at the end. Raises TimedOut."""
        while self._fetch(timeout):
            for item in self._rest():
                return item
        return None

    async def next_async(self) -> Item | None:
        """The next item, or None at the end."""
        while await self._waits.ready(self._reader.token, self._reader.poll):
            for item in self._rest():
                return item
        return None

    def batch(self, timeout: float | None = None) -> list[Item]:
        """What is at hand, waiting for at least one item; empty at the end. Raises TimedOut."""
        while self._fetch(timeout):
            if batch := self._reader.drain(self._shape):
                return batch
        return []

    async def batch_async(self) -> list[Item]:
        """What is at hand, waiting for at least one item; empty at the end."""
        while await self._waits.ready(self._reader.token, self._reader.poll):
            if batch := self._reader.drain(self._shape):
                return batch
        return []

    def batches(self) -> Iterator[list[Item]]:
        """Lists of items, as they come: cheaper than single ones."""
        while batch := self.batch():
            yield batch

    async def batches_async(self) -> AsyncIterator[list[Item]]:
        """Lists of items, as they come: cheaper than single ones."""
        while batch := await self.batch_async():
            yield batch

    def _rest(self) -> Iterator[Item]:
        return self._reader.portion(self._shape)

    def _fetch(self, timeout: float | None) -> bool:
        answer = self._reader.fetch(timeout)
        if answer is None:
            raise TimedOut(f"no output within {timeout:g} s")
        return answer


class Output(Items[str]):
    """A reader of a process's output; iterating gives its lines as text, without newlines.

    A new Output begins at the oldest output that is still kept, so any number of them can be
    used side by side, also after the end of the process. Bytes that are not UTF-8 become U+FFFD;
    see ``lines`` for other ways.
    """

    __slots__ = ()

    def __init__(self, reader: _core.Reader, waits: Waits) -> None:
        super().__init__(reader, waits, _core.Shape(False, "replace"))

    @overload
    def lines(self, *, raw: Literal[False] = False, errors: str = "replace") -> Items[str]: ...
    @overload
    def lines(self, *, raw: Literal[True]) -> Items[bytes]: ...
    def lines(self, *, raw: bool = False, errors: str = "replace") -> Items[str] | Items[bytes]:
        """The lines as text (``errors`` as in bytes.decode), or with ``raw`` as bytes."""
        return Items(self._reader, self._waits, _core.Shape(raw, errors))

    @overload
    def records(
        self, *, raw: Literal[False] = False, errors: str = "replace"
    ) -> Items[Line[str] | Gap]: ...
    @overload
    def records(self, *, raw: Literal[True]) -> Items[Line[bytes] | Gap]: ...
    def records(
        self, *, raw: bool = False, errors: str = "replace"
    ) -> Items[Line[str] | Gap] | Items[Line[bytes] | Gap]:
        """The lines with source, order and time, and a Gap where output was dropped."""
        return Items(self._reader, self._waits, _core.Shape(raw, errors, (Line, Gap)))

    @property
    def lost(self) -> tuple[int, int]:
        """Bytes and lines that were dropped before this reader got to them."""
        return self._reader.lost
