"""The buffer of a Stream behaves as one string, and copies no more than it must."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from process_manager._unread import Unread

STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("add"), st.text("ab\n", max_size=6)),
        st.tuples(st.just("take"), st.integers(0, 8)),
        st.tuples(st.sampled_from(["find", "whole"]), st.none()),
    ),
    max_size=40,
)


@given(steps=STEPS)
@settings(deadline=None)
def test_it_is_as_one_string(steps: list[tuple[str, str | int | None]]) -> None:
    unread, model = Unread(""), ""
    for step, what in steps:
        if isinstance(what, str):
            unread.add(what)
            model += what
        elif isinstance(what, int):
            assert unread.take(what) == model[:what]
            model = model[what:]
        elif step == "find":
            assert unread.find("\n") == model.find("\n")
        else:
            assert unread.whole() == model
        assert unread.size == len(model)


class Piece(str):
    """A piece that counts how much of it is looked at for a newline."""

    __slots__ = ()
    looked_at = 0

    def find(self, what: str, *within: int) -> int:  # type: ignore[override]
        Piece.looked_at += len(self)
        return super().find(what, *within)


def test_a_long_line_in_many_pieces_is_searched_once() -> None:
    unread = Unread("")
    for _ in range(100):
        unread.add(Piece("x" * 10))
        assert unread.find("\n") == -1
    unread.add(Piece("\n"))
    assert unread.find("\n") == 1000
    assert Piece.looked_at == 1001


def test_lines_of_one_piece_are_taken_where_it_is() -> None:
    """A buffer that is cut after each line would copy the rest of it each time."""
    unread = Unread(b"")
    unread.add(b"line\n" * 1000)
    assert unread.take(unread.find(b"\n") + 1) == b"line\n"
    piece = unread._first
    while unread.size:
        assert unread._first is piece
        assert unread.take(unread.find(b"\n") + 1) == b"line\n"
