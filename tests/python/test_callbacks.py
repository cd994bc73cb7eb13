"""Callbacks: on the thread that polls or on the running loop, and nowhere else. Events."""

from __future__ import annotations

import asyncio
import os
import select
import threading
from typing import Any

import pytest

import process_manager as pm


def poll_until(manager: pm.ProcessManager, done: list[object]) -> None:
    while not done:
        manager.poll(1)


def test_poll_delivers_on_its_own_thread(manager: pm.ProcessManager) -> None:
    seen: list[object] = []
    exits: list[object] = []
    threads = set()

    def on_output(process: pm.Process, record: pm.Line[str] | pm.Gap) -> None:
        assert isinstance(record, pm.Line)
        threads.add(threading.get_ident())
        seen.append((process.name, record.source, record.data))

    process = manager.start(["sh", "-c", "echo one; echo two; exit 4"], name="teller")
    process.on_output(on_output)
    process.on_exit(lambda process, status: exits.append((len(seen), status)))
    poll_until(manager, exits)
    assert seen == [("teller", "stdout", "one"), ("teller", "stdout", "two")]
    assert exits == [(2, pm.ExitStatus(4, None))]
    assert threads == {threading.get_ident()}


def test_nothing_is_called_without_a_poll(manager: pm.ProcessManager) -> None:
    exits: list[object] = []
    process = manager.start(["true"])
    process.on_exit(lambda *_: exits.append(1))
    process.wait()
    assert exits == []
    poll_until(manager, exits)


def test_the_descriptor_tells_when_to_poll(manager: pm.ProcessManager) -> None:
    exits: list[object] = []
    manager.start(["sh", "-c", "sleep 0.05; echo x"]).on_exit(lambda *_: exits.append(1))
    manager.poll(0)
    while not exits:
        ready, _, _ = select.select([manager.fileno()], [], [], 20)
        assert ready
        manager.poll(0)


def test_a_poll_with_nothing_to_do_takes_its_timeout(manager: pm.ProcessManager) -> None:
    assert manager.poll(0) == 0
    assert manager.poll(0.01) == 0


def test_exceptions_come_out_of_poll_once(manager: pm.ProcessManager) -> None:
    exits: list[object] = []

    def fails(process: pm.Process, record: object) -> None:
        raise RuntimeError(f"no {record.data}")  # type: ignore[attr-defined]

    process = manager.start(["sh", "-c", "echo 1; echo 2"])
    process.on_output(fails)
    process.on_exit(lambda *_: exits.append(1))
    messages = []
    while not exits:
        try:
            manager.poll(1)
        except RuntimeError as error:
            messages.append(str(error))
    assert messages == ["no 1", "no 2"]
    assert manager.poll(0) == 0


def test_the_running_loop_delivers(manager: pm.ProcessManager) -> None:
    async def main() -> None:
        seen: list[str] = []
        problems: list[dict[str, Any]] = []
        over = asyncio.Event()

        def on_output(process: pm.Process, record: pm.Line[str] | pm.Gap) -> None:
            assert isinstance(record, pm.Line)
            seen.append(record.data)
            if record.data == "2":
                raise ValueError("two")

        loop = asyncio.get_running_loop()
        loop.set_exception_handler(lambda loop, context: problems.append(context))
        process = manager.start(["seq", "1", "500"])
        process.on_output(on_output)
        process.on_exit(lambda *_: over.set())
        await over.wait()
        assert seen == [str(n) for n in range(1, 501)]
        assert [str(problem["exception"]) for problem in problems] == ["two"]

    asyncio.run(main())


def test_a_big_output_comes_complete_and_in_order(manager: pm.ProcessManager) -> None:
    exits: list[object] = []
    numbers: list[str] = []
    process = manager.start(["seq", "1", "200000"])
    process.on_output(lambda _, record: numbers.append(getattr(record, "data", "gap")))
    process.on_exit(lambda *_: exits.append(1))
    poll_until(manager, exits)
    assert numbers == [str(n) for n in range(1, 200_001)]


def test_events_tell_the_story(manager: pm.ProcessManager) -> None:
    events = manager.events()
    process = manager.start(["sh", "-c", "exit 5"])
    kinds = []
    for event in events:
        assert event.id == process.id
        kinds.append(event.kind)
        if event.kind is pm.EventKind.EXITED:
            assert event.exit == pm.ExitStatus(5, None)
        if event.kind is pm.EventKind.CLOSED:
            break
    assert kinds[0] is pm.EventKind.STARTED
    assert pm.EventKind.EXITED in kinds
    with pytest.raises(pm.TimedOut):
        events.next(0.01)


def test_events_under_asyncio(manager: pm.ProcessManager) -> None:
    async def main() -> None:
        events = manager.events()
        manager.start(["true"])
        async for event in events:
            if event.kind is pm.EventKind.CLOSED:
                break

    asyncio.run(main())


def test_events_end_with_the_manager() -> None:
    with pm.ProcessManager() as manager:
        events = manager.events()
        manager.start(["true"]).wait()
    assert [event.kind for event in events][-1] is pm.EventKind.CLOSED


def test_polling_costs_no_descriptor(manager: pm.ProcessManager) -> None:
    manager.poll(0)
    before = os.listdir("/proc/self/fd")
    for _ in range(100):
        manager.poll(0)
    assert len(os.listdir("/proc/self/fd")) <= len(before)
