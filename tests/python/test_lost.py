"""What is dropped is counted, wherever output is handed out whole."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest

import process_manager as pm
from conftest import eventually

Child = Callable[[str], Path]

#: More than a log and a pipe hold together.
MUCH = 5_000_000
DROPPING: pm.CommandOptions = {"output_policy": "drop_oldest", "output_limit": 65536}


class HeldUp:
    """A terminal that takes nothing for a while: the thread that collects stands still."""

    def __init__(self, until: Callable[[], object]) -> None:
        self._until: Callable[[], object] | None = until

    def write(self, text: str) -> None:
        until, self._until = self._until, None
        if until is not None:
            until()

    def flush(self) -> None:
        """Nothing is kept."""


def flood(child: Child, **options: Any) -> pm.Command:
    return pm.Command(child("flood"), ["bytes", str(MUCH)], **options)


def ended(manager: pm.ProcessManager) -> Callable[[], object]:
    return lambda: eventually(lambda: not manager.running())


def until_dropping(events: pm.Events) -> None:
    """Raises TimedOut after four times the grace that a reader has."""
    while (event := events.next(2)) and event.kind is not pm.EventKind.STALLED:
        pass


def stalled(manager: pm.ProcessManager) -> Callable[[], object]:
    events = manager.events()

    def hold() -> None:
        with pytest.raises(pm.TimedOut):
            until_dropping(events)

    return hold


async def held(work: Coroutine[Any, Any, Any], manager: pm.ProcessManager, until: Any) -> Any:
    """Does the work on a loop that stands still meanwhile."""
    task = asyncio.ensure_future(work)
    while not manager.running():
        await asyncio.sleep(0)
    until()
    return await task


def test_a_run_counts_what_is_dropped(
    manager: pm.ProcessManager, child: Child, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdout", HeldUp(ended(manager)))
    done = manager.run(flood(child, **DROPPING), tee=True)
    assert done.lost > 0
    assert len(done.stdout) + done.lost == MUCH


def test_a_run_under_asyncio_counts_what_is_dropped(
    manager: pm.ProcessManager, child: Child
) -> None:
    command = flood(child, **DROPPING)
    done = asyncio.run(held(manager.run_async(command), manager, ended(manager)))
    assert done.lost > 0
    assert len(done.stdout) + done.lost == MUCH
    (done,) = asyncio.run(held(manager.run_many_async([command]), manager, ended(manager)))
    assert done.lost > 0
    assert len(done.stdout) + done.lost == MUCH


def test_nothing_of_a_run_is_dropped_unless_that_was_chosen(
    manager: pm.ProcessManager, child: Child, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdout", HeldUp(stalled(manager)))
    done = manager.run(flood(child), tee=True)
    assert (done.lost, len(done.stdout)) == (0, MUCH)


@pytest.mark.parametrize("is_prepared", [True, False])
def test_nothing_of_a_batch_is_dropped_unless_that_was_chosen(
    manager: pm.ProcessManager, child: Child, is_prepared: bool
) -> None:
    command = flood(child)
    batch = [command if is_prepared else [command.program, *command.args]]
    (done,) = asyncio.run(held(manager.run_many_async(batch), manager, stalled(manager)))
    assert (done.lost, len(done.stdout)) == (0, MUCH)


def test_a_policy_that_was_chosen_is_kept(manager: pm.ProcessManager, child: Child) -> None:
    work = manager.run_async(flood(child, output_policy="auto"))
    done = asyncio.run(held(work, manager, ended(manager)))
    assert done.lost > 0


def test_what_is_beyond_the_limit_counts_as_lost(manager: pm.ProcessManager) -> None:
    command = ["sh", "-c", "printf 123456; printf abc >&2"]
    with pytest.raises(pm.LimitReached) as caught:
        manager.run(command, capture_limit=4)
    assert (caught.value.stdout, caught.value.lost) == ("1234", 2)
    (cut,) = manager.run_many([command], capture_limit=4)
    assert isinstance(cut, pm.LimitReached)
    assert (cut.stdout, cut.lost) == ("1234", 2)


def test_an_error_knows_what_was_lost(
    manager: pm.ProcessManager, child: Child, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdout", HeldUp(ended(manager)))
    command = pm.Command("sh", ["-c", '"$0" bytes "$1"; exit 3', child("flood"), str(MUCH)],
                         **DROPPING)  # fmt: skip
    with pytest.raises(pm.CalledProcessError) as caught:
        manager.run(command, tee=True, check=True)
    assert caught.value.lost > 0
    assert len(caught.value.stdout) + caught.value.lost == MUCH


@pytest.mark.parametrize("raw", [True, False])
def test_a_stream_counts_what_is_dropped(
    manager: pm.ProcessManager, child: Child, raw: bool
) -> None:
    process = manager.start(flood(child, **DROPPING))
    stream: pm.Stream[Any] = process.stream(raw=True) if raw else process.stdout
    assert stream.lost == (0, 0)
    process.wait(20)
    rest = stream.read(timeout=20)
    lost, lines = stream.lost
    assert lost > 0
    assert (len(rest) + lost, lines) == (MUCH, 0)


def test_a_stream_under_asyncio_counts_the_same(manager: pm.ProcessManager, child: Child) -> None:
    command = pm.Command(child("flood"), ["lines", "1000", "1000"], **DROPPING)

    async def main() -> tuple[str, tuple[int, int]]:
        process = manager.start(command)
        await process.wait_async()
        return await process.stdout.read_async(), process.stdout.lost

    rest, lost = asyncio.run(main())
    assert lost[0] > 0
    assert (len(rest) + lost[0], rest.count("\n") + lost[1]) == (1_000_000, 1000)
