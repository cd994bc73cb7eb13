"""Iterators over the same output share their place in it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

import process_manager as pm

Child = Callable[[str], Path]

LINES = 100_000


@pytest.fixture
def output(manager: pm.ProcessManager, child: Child) -> pm.Output:
    """Several times what the log and the pipe hold, of a child that is held up, not read past."""
    command = pm.Command(
        child("flood"), ["lines", str(LINES), "80"], output_policy="block", time_limit=60
    )
    return manager.start(command).output()


def test_an_iterator_that_is_kept_holds_no_other_up(output: pm.Output) -> None:
    kept = iter(output)
    next(kept)
    assert sum(1 for _ in output) == LINES - 1
    assert list(kept) == []


def test_iterators_take_turns(output: pm.Output) -> None:
    first, second, raw = iter(output), iter(output.records()), iter(output.lines(raw=True))
    taken = 0
    for one, record, line in zip(first, second, raw, strict=False):
        assert isinstance(record, pm.Line)
        numbers = [int(item[:10]) for item in (one, record.data, line)]
        assert numbers == [taken, taken + 1, taken + 2]
        taken += 3
    assert taken == LINES // 3 * 3


def test_leaving_a_loop_loses_nothing(output: pm.Output) -> None:
    count = 0
    while True:
        for _ in output:
            count += 1
            if count % 777 == 0:
                break
        else:
            break
    assert count == LINES
