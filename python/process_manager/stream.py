"""One stream of a process as it comes, without regard to lines: for dialogues."""

from __future__ import annotations

import codecs
import re
from typing import TYPE_CHECKING, AnyStr, Generic, TypeVar

from process_manager._drive import blocking, under_loop
from process_manager._unread import Unread
from process_manager.errors import OutputEnded

if TYPE_CHECKING:
    from collections.abc import Callable, Generator
    from datetime import timedelta

    from process_manager import _core
    from process_manager._waits import Waits

    _Timeout = float | timedelta | None

__all__ = ["Stream"]

AnyResult = TypeVar("AnyResult")


class Stream(Generic[AnyStr]):
    """A stream's output as text or bytes: read, readline, expect.

    What a program has written is seen at once, also prompts without a newline. It has its own
    place in the output: what it reads is seen by other readers too.
    """

    def __init__(
        self,
        reader: _core.Reader,
        waits: Waits,
        empty: AnyStr,
        newline: AnyStr,
        decode: Callable[[bytes, bool], AnyStr],
    ) -> None:
        """Use Process.stdout, Process.stderr or Process.stream()."""
        self._reader = reader
        self._waits = waits
        self._decode: Callable[[bytes, bool], AnyStr] = decode
        self._unread: Unread[AnyStr] = Unread(empty)
        self._newline: AnyStr = newline
        self._ended = False

    @property
    def lost(self) -> tuple[int, int]:
        """Bytes and lines that were dropped before this stream got to them, because the log was
        full and nobody read. What it gives goes on after the gap without a mark.
        """
        return self._reader.lost

    # ---- blocking ----------------------------------------------------------------------------

    def read(self, size: int = -1, timeout: _Timeout = None) -> AnyStr:
        """``size`` characters (or bytes), fewer at the end; everything if negative."""
        return self._block(self._read(size), timeout, "read")

    def read_some(self, timeout: _Timeout = None) -> AnyStr:
        """What is at hand, waiting for something if there is nothing; empty at the end."""
        return self._block(self._read_some(), timeout, "read_some")

    def readline(self, timeout: _Timeout = None) -> AnyStr:
        """A line with its newline; without one at the end; empty after that."""
        return self._block(self._readline(), timeout, "readline")

    def expect(
        self, pattern: AnyStr | re.Pattern[AnyStr], timeout: _Timeout = None
    ) -> re.Match[AnyStr]:
        """Reads until a regular expression matches; what follows the match stays unread.

        What came before the match is ``match.string[:match.start()]``. Raises OutputEnded if
        the output ends first and TimedOut; then nothing has been consumed.
        """
        return self._block(self._expect(pattern), timeout, f"expect({pattern!r})")

    # ---- asyncio -----------------------------------------------------------------------------

    async def read_async(self, size: int = -1) -> AnyStr:
        """Like read."""
        return await under_loop(self._read(size), self._more_async)

    async def read_some_async(self) -> AnyStr:
        """Like read_some."""
        return await under_loop(self._read_some(), self._more_async)

    async def readline_async(self) -> AnyStr:
        """Like readline."""
        return await under_loop(self._readline(), self._more_async)

    async def expect_async(self, pattern: AnyStr | re.Pattern[AnyStr]) -> re.Match[AnyStr]:
        """Like expect (use asyncio.timeout for a timeout)."""
        return await under_loop(self._expect(pattern), self._more_async)

    # ---- the procedures ----------------------------------------------------------------------

    def _read(self, size: int) -> Generator[None, bool, AnyStr]:
        while (size < 0 or self._unread.size < size) and (yield):
            pass
        return self._unread.take(self._unread.size if size < 0 else size)

    def _read_some(self) -> Generator[None, bool, AnyStr]:
        while not self._unread.size and (yield):
            pass
        return self._unread.take(self._unread.size)

    def _readline(self) -> Generator[None, bool, AnyStr]:
        while (at := self._unread.find(self._newline)) < 0:
            if not (yield):
                return self._unread.take(self._unread.size)
        return self._unread.take(at + 1)

    def _expect(
        self, pattern: AnyStr | re.Pattern[AnyStr]
    ) -> Generator[None, bool, re.Match[AnyStr]]:
        compiled = re.compile(pattern)
        while (match := compiled.search(self._unread.whole())) is None:
            if not (yield):
                tail = self._unread.whole()[-200:]
                raise OutputEnded(f"the output ended without {pattern!r}; its end: {tail!r}")
        self._unread.take(match.end())
        return match

    # ---- more --------------------------------------------------------------------------------

    def _block(
        self, steps: Generator[None, bool, AnyResult], timeout: _Timeout, what: str
    ) -> AnyResult:
        result: AnyResult = blocking(steps, self._more, timeout, what)
        return result

    def _more(self, left: float | None) -> bool | None:
        if self._ended:
            return False
        pieces = self._reader.chunks(left)
        return None if pieces is None else self._feed(pieces)

    async def _more_async(self) -> bool:
        if self._ended:
            return False
        pieces = await self._waits.ready(self._reader.token, self._reader.poll_chunks)
        return self._feed(pieces)

    def _feed(self, pieces: list[tuple[str, bytes]]) -> bool:
        self._ended = not pieces
        self._unread.add(self._decode(b"".join(data for _, data in pieces), self._ended))
        return not self._ended


def text_stream(reader: _core.Reader, waits: Waits, errors: str) -> Stream[str]:
    """A stream that decodes UTF-8 as it comes."""
    decoder = codecs.getincrementaldecoder("utf-8")(errors)
    return Stream(reader, waits, "", "\n", decoder.decode)


def bytes_stream(reader: _core.Reader, waits: Waits) -> Stream[bytes]:
    """A stream of bytes."""
    return Stream(reader, waits, b"", b"\n", lambda data, final: data)
