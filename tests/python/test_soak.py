"""Thousands of processes: no descriptor, zombie, thread or memory stays.

PM_SOAK names the number; under asyncio a tenth of it runs.
"""

from __future__ import annotations

import asyncio
import gc
import os
from collections.abc import Callable
from pathlib import Path

import process_manager as pm
from conftest import eventually, threads

COUNT = int(os.environ.get("PM_SOAK", "10000"))

#: Descriptors of empty containers that may be kept for the next processes.
POOLED = 32


def resident() -> int:
    """Resident memory in KiB."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1])
    raise AssertionError("no VmRSS")


def children() -> list[str]:
    """The process ids of all children, zombies too."""
    return Path("/proc/thread-self/children").read_text().split()


def run_some(manager: pm.ProcessManager, program: Path, count: int) -> None:
    """Starts, reads and drops processes, ten at a time."""
    for start in range(0, count, 10):
        numbers = range(start, min(start + 10, count))
        batch = [manager.start([program, str(number)]) for number in numbers]
        for number, process in zip(numbers, batch, strict=True):
            assert list(process.output()) == [str(number)]
            process.wait()
            manager.remove(process)


def test_starting_and_dropping_leaves_nothing(child: Callable[[str], Path]) -> None:
    before = children()
    program = child("echo_args")
    with pm.ProcessManager() as manager:
        run_some(manager, program, 200)
        gc.collect()
        descriptors, memory = len(os.listdir("/proc/self/fd")), resident()
        run_some(manager, program, COUNT)
        gc.collect()
        assert len(os.listdir("/proc/self/fd")) <= descriptors + POOLED
        assert resident() - memory < 8 * 1024
        assert len(manager) == 0
    assert eventually(lambda: set(children()) <= set(before))


def test_the_same_under_asyncio(child: Callable[[str], Path]) -> None:
    program = child("echo_args")

    async def one(manager: pm.ProcessManager, number: int) -> None:
        process = manager.start([program, str(number)])
        assert [line async for line in process.output()] == [str(number)]
        assert (await process).success
        manager.remove(process)

    async def main() -> None:
        async with pm.ProcessManager() as manager:
            descriptors = memory = 0
            for start in range(0, max(COUNT // 10, 400), 20):
                if start == 200:
                    gc.collect()
                    descriptors, memory = len(os.listdir("/proc/self/fd")), resident()
                await asyncio.gather(*(one(manager, start + n) for n in range(20)))
            gc.collect()
            assert len(os.listdir("/proc/self/fd")) <= descriptors + POOLED
            assert resident() - memory < 8 * 1024
            assert len(manager) == 0

    asyncio.run(main())


def test_managers_come_and_go(child: Callable[[str], Path]) -> None:
    program = child("ignore_term")
    with pm.ProcessManager() as manager:
        manager.start([program]).output().next()
    gc.collect()
    descriptors = len(os.listdir("/proc/self/fd"))
    for _ in range(20):
        manager = pm.ProcessManager()
        manager.extractor.add_binary("x", b"#!/bin/sh\n")
        manager.start([program])
        del manager
    gc.collect()
    assert eventually(lambda: len(os.listdir("/proc/self/fd")) <= descriptors + POOLED)
    assert eventually(lambda: "pm-end" not in threads())
