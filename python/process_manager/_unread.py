"""Output that came and was not read yet."""

from __future__ import annotations

from typing import AnyStr, Generic

__all__ = ["Unread"]


class Unread(Generic[AnyStr]):
    """Pieces in their order. Adding one copies nothing, and reading copies what it takes: so
    large output costs the same a byte as small.
    """

    __slots__ = ("_at", "_before", "_empty", "_first", "_later", "_searched", "size")

    def __init__(self, empty: AnyStr) -> None:
        self._empty: AnyStr = empty
        self._first: AnyStr = empty
        self._at = 0  # so much of the first piece has been read
        self._later: list[AnyStr] = []
        self._searched = 0  # so many pieces have been searched in vain,
        self._before = 0  # which are so long
        self.size = 0

    def add(self, piece: AnyStr) -> None:
        """What came last."""
        self._later.append(piece)
        self.size += len(piece)

    def whole(self) -> AnyStr:
        """All of it, in one piece from now on."""
        if self._at or self._later:
            self._later.insert(0, self._first[self._at :])
            self._first = self._empty.join(self._later)
            self._later.clear()
            self._at = self._searched = 0
        return self._first

    def take(self, size: int) -> AnyStr:
        """Its beginning, which has been read then."""
        if self._at + size > len(self._first):
            self.whole()
        begin, self._at = self._at, min(self._at + size, len(self._first))
        self._searched = 0
        self.size -= self._at - begin
        taken = self._first[begin : self._at]
        if self._at == len(self._first):
            self._first, self._at = self._empty, 0
        return taken

    def find(self, newline: AnyStr) -> int:
        """Where the first one is, or -1. What was searched in vain is not searched again."""
        if self._searched == 0:
            if (at := self._first.find(newline, self._at)) >= 0:
                return at - self._at
            self._searched, self._before = 1, len(self._first) - self._at
        for piece in self._later[self._searched - 1 :]:
            if (at := piece.find(newline)) >= 0:
                return self._before + at
            self._searched += 1
            self._before += len(piece)
        return -1
