"""Event loops: asyncio's own ways, several loops, uvloop's kin, trio and anyio."""

from __future__ import annotations

import asyncio
import gc
import os
import threading
from collections.abc import Awaitable, Callable
from pathlib import Path

import anyio
import pytest
import trio

import process_manager as pm
from conftest import alive

Child = Callable[[str], Path]


def test_cancelling_a_block_stops_its_tree_and_waits(
    manager: pm.ProcessManager, child: Child
) -> None:
    async def main() -> None:
        entered = asyncio.Event()

        async def hold() -> None:
            async with manager.start([child("ignore_term")], stop=0.2) as process:
                await process.output().next_async()
                entered.set()
                await process.wait_async()

        task = asyncio.ensure_future(hold())
        await entered.wait()
        task.cancel()
        await asyncio.sleep(0.05)
        task.cancel()  # impatience changes nothing: the stop is shielded
        with pytest.raises(asyncio.CancelledError):
            await task
        assert manager.running() == []

    asyncio.run(main())
    assert not any(alive(info.pid or 0) for info in manager.processes())


def test_a_cancelled_wait_leaves_the_process_alone(manager: pm.ProcessManager) -> None:
    async def main() -> None:
        process = manager.start(["cat"], stdin="pipe")
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.02):
                await process
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.02):
                await process.output().next_async()
        assert process.is_running
        process.close_stdin()
        assert (await process).success

    asyncio.run(main())


def test_many_tasks_wait_for_one_process(manager: pm.ProcessManager) -> None:
    async def main() -> None:
        process = manager.start(["cat"], stdin="pipe")
        waits = [asyncio.ensure_future(process.wait_async()) for _ in range(10)]
        readers = [asyncio.ensure_future(process.output().next_async()) for _ in range(10)]
        await asyncio.sleep(0)
        await process.write_async("x\n")
        assert await asyncio.gather(*readers) == ["x"] * 10
        process.close_stdin()
        assert set(await asyncio.gather(*waits)) == {pm.ExitStatus(0, None)}

    asyncio.run(main())


def test_hundreds_of_processes_on_one_loop(manager: pm.ProcessManager, child: Child) -> None:
    async def one(number: int) -> list[str]:
        process = manager.start([child("echo_args"), str(number), "end"])
        lines = [line async for line in process.output()]
        assert (await process).success
        return lines

    async def main() -> None:
        results = await asyncio.gather(*(one(number) for number in range(200)))
        assert results == [[str(number), "end"] for number in range(200)]

    asyncio.run(main())


def test_one_manager_serves_loops_in_several_threads(
    manager: pm.ProcessManager, child: Child
) -> None:
    results: dict[int, list[str]] = {}

    async def main(number: int) -> None:
        for _ in range(10):
            process = manager.start([child("echo_args"), str(number)])
            results.setdefault(number, []).extend([line async for line in process.output()])
            await process

    threads = [threading.Thread(target=lambda n=n: asyncio.run(main(n))) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert results == {n: [str(n)] * 10 for n in range(4)}


def test_a_process_outlives_the_loop_it_was_started_on(manager: pm.ProcessManager) -> None:
    async def start() -> pm.Process:
        process = manager.start(["cat"], stdin="pipe")
        await process.write_async("x\n")
        assert await process.output().next_async() == "x"
        return process

    async def end(process: pm.Process) -> pm.ExitStatus:
        process.close_stdin()
        return await process

    process = asyncio.run(start())
    assert asyncio.run(end(process)).success


def test_closing_the_manager_wakes_who_waits_on_a_loop() -> None:
    async def main() -> None:
        manager = pm.ProcessManager()
        process = manager.start(["sleep", "60"])
        waiting = asyncio.ensure_future(process.wait_async())
        lines = asyncio.ensure_future(process.output().next_async())
        await asyncio.sleep(0)
        await manager.close_async()
        assert (await waiting).signal == 15
        assert await lines is None

    asyncio.run(main())


def test_closing_from_another_thread_wakes_them_too() -> None:
    async def main() -> None:
        manager = pm.ProcessManager()
        process = manager.start(["sleep", "60"])
        waiting = asyncio.ensure_future(process.wait_async())
        await asyncio.sleep(0)
        await asyncio.to_thread(manager.close)
        assert (await waiting).signal == 15

    asyncio.run(main())


def test_batches(manager: pm.ProcessManager) -> None:
    async def main() -> None:
        process = manager.start(["seq", "1", "100000"])
        lines: list[str] = []
        async for batch in process.output().batches_async():
            assert batch
            lines += batch
        assert lines == [str(n) for n in range(1, 100_001)]

    asyncio.run(main())
    process = manager.start(["seq", "1", "100000"])
    assert sum(map(len, process.output().batches())) == 100_000


def test_breaking_off_an_async_iteration_loses_nothing(manager: pm.ProcessManager) -> None:
    async def main() -> None:
        output = manager.start(["seq", "1", "10"]).output()
        async for line in output:
            if line == "4":
                break
        assert [line async for line in output] == ["5", "6", "7", "8", "9", "10"]

    asyncio.run(main())


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_anyio(manager: pm.ProcessManager, backend: str) -> None:
    async def main() -> None:
        async with manager.start(["cat"], stdin="pipe") as process:
            await process.write_async("x\n")
            output = process.output()
            assert await output.next_async() == "x"
            with anyio.move_on_after(0.02) as scope:
                await output.next_async()
            assert scope.cancelled_caught
            process.close_stdin()
            assert (await process).success
        done = await manager.run_async(["echo", "done"])
        assert done.stdout == "done\n"

    anyio.run(main, backend=backend)


def test_trio(manager: pm.ProcessManager) -> None:
    async def one(number: int, lines: list[str]) -> None:
        async with manager.start(["seq", str(number)]) as process:
            lines += [line async for line in process.output()]
            assert (await process).success

    async def main() -> None:
        results: list[list[str]] = [[] for _ in range(20)]
        async with trio.open_nursery() as nursery:
            for number in range(20):
                nursery.start_soon(one, number, results[number])
        assert [len(lines) for lines in results] == list(range(20))

        with trio.move_on_after(0.05):
            async with manager.start(["sleep", "60"]) as process:
                await process.wait_async()
        assert manager.running() == []
        with pytest.raises(pm.RunTimedOut):
            await manager.run_async(["sleep", "60"], timeout=0.05)

    trio.run(main)


def test_a_manager_is_collected_under_a_running_loop(child: Child) -> None:
    """A loop that has been waited on does not keep it, nor its descriptor after that."""

    async def main() -> None:
        before = len(os.listdir("/proc/self/fd"))
        for _ in range(20):
            manager = pm.ProcessManager()
            process = manager.start([child("ignore_term")])
            await process.output().next_async()
            pid = process.pid
            del manager, process
            gc.collect()
            while alive(pid):
                await asyncio.sleep(0.01)
        while len(os.listdir("/proc/self/fd")) > before:
            await asyncio.sleep(0.01)
        # Numbers that are free again can be watched again.
        async with pm.ProcessManager() as manager:
            assert (await manager.run_async(["echo", "x"])).stdout == "x\n"

    asyncio.run(asyncio.wait_for(main(), 60))


def test_loops_that_are_over_are_forgotten(manager: pm.ProcessManager) -> None:
    for turn in range(20):
        assert asyncio.run(manager.run_async(["echo", str(turn)])).stdout == f"{turn}\n"
        trio.run(manager.start(["true"]).wait_async)
    assert len(manager._waits._loops) <= 2


def test_a_loop_on_which_nobody_waits_leaves_the_work_to_others(
    manager: pm.ProcessManager, child: Child
) -> None:
    async def main() -> None:
        process = manager.start(["cat"], stdin="pipe")
        await process.write_async("x\n")
        await process.output().next_async()
        for turn in range(20):
            process.write(f"{turn}\n")
            await asyncio.sleep(0.01)
        process.close_stdin()
        assert len([line async for line in process.output()]) == 21

    asyncio.run(main())


async def _awaitables(manager: pm.ProcessManager, name: str) -> object:
    """An awaitable that does not come to an end by itself, of each kind."""
    process = manager.start(["cat"], stdin="pipe", stop=0.1)
    full = manager.start(["sleep", "60"], stdin="pipe", stop=0.1)
    pipeline = manager.start_pipeline([["sleep", "60"], ["cat"]])
    output = process.output()
    kinds: dict[str, Callable[[], Awaitable[object]]] = {
        "wait": process.wait_async,
        "await": lambda: process.wait_async(),
        "wait_closed": process.wait_closed_async,
        "line": output.next_async,
        "batch": output.batch_async,
        "record": output.records().next_async,
        "batches": lambda: anext(output.batches_async()),
        "iteration": lambda: anext(aiter(output)),
        "read": process.stdout.read_async,
        "read_some": process.stdout.read_some_async,
        "readline": process.stdout.readline_async,
        "expect": lambda: process.stdout.expect_async("never"),
        "write": lambda: full.write_async(b"x" * 5_000_000),
        "event": _exhausted(manager.events()),
        "watch": _exhausted(manager.watch()),
        "run": lambda: manager.run_async(["sleep", "60"], stop=0.1),
        "run_many": lambda: manager.run_many_async([["sleep", "60"]] * 3, 2),
        "pipeline": pipeline.wait_async,
    }
    return await kinds[name]()


def _exhausted(stream: pm.Events | pm.Watch) -> Callable[[], Awaitable[object]]:
    async def nothing_comes() -> None:
        while True:
            await stream.next_async()

    return nothing_comes


AWAITABLES = [
    "wait", "await", "wait_closed", "line", "batch", "record", "batches", "iteration", "read",
    "read_some", "readline", "expect", "write", "event", "watch", "run", "run_many", "pipeline",
]  # fmt: skip


@pytest.mark.parametrize("name", AWAITABLES)
def test_every_awaitable_can_be_cancelled(manager: pm.ProcessManager, name: str) -> None:
    async def main() -> None:
        task = asyncio.ensure_future(_awaitables(manager, name))
        done, _ = await asyncio.wait([task], timeout=0.05)
        assert not done
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asyncio.wait_for(asyncio.shield(task), 20)
        # Nothing is left waiting, and the manager works on.
        assert not manager._waits._waiters
        assert (await manager.run_async(["echo", "x"])).stdout == "x\n"

    asyncio.run(main())


@pytest.mark.parametrize("name", AWAITABLES)
def test_every_awaitable_can_be_cancelled_under_trio(manager: pm.ProcessManager, name: str) -> None:
    async def main() -> None:
        with trio.move_on_after(0.05) as scope:
            await _awaitables(manager, name)
        assert scope.cancelled_caught
        assert not manager._waits._waiters
        assert (await manager.run_async(["echo", "x"])).stdout == "x\n"

    trio.run(main)


def test_uvloop(manager: pm.ProcessManager) -> None:
    try:
        import uvloop
    except ImportError:
        pytest.skip("skipped: uvloop is not installed")

    async def main() -> None:
        async with manager.start(["cat"], stdin="pipe") as process:
            for turn in range(50):
                await process.write_async(f"{turn}\n")
            process.close_stdin()
            assert [line async for line in process.output()] == [str(n) for n in range(50)]
            assert (await process).success
        done = await asyncio.gather(*(manager.run_async(["echo", str(n)]) for n in range(20)))
        assert [d.stdout for d in done] == [f"{n}\n" for n in range(20)]

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(main())
