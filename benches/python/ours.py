"""This library's Python module: blocking and under asyncio, line by line and in batches."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import process_manager as pm
from contender import Blocking as WithoutLoop
from contender import check_end, check_said
from serve import TINY


class Blocking(WithoutLoop):
    def __init__(self) -> None:
        self.manager = pm.ProcessManager()

    async def start_and_reap(self) -> None:
        """manager.run(command, text=False)"""
        done = self.manager.run([TINY, "say"], text=False)
        check_said(done.returncode, done.stdout, done.stderr)

    async def bytes(self, command: list[str]) -> tuple[int, bytes]:
        """manager.start(command), for line in process.output().lines(raw=True)"""
        count, line = 0, b""
        process = self.manager.start(command)
        for line in process.output().lines(raw=True):
            count += 1
        check_end(process.wait().code)
        return count, line

    async def text(self, command: list[str]) -> tuple[int, str]:
        """manager.start(command), for line in process.output()"""
        count, line = 0, ""
        process = self.manager.start(command)
        for line in process.output():
            count += 1
        check_end(process.wait().code)
        return count, line

    async def each_line(self, command: list[str], seen: Callable[[bytes], None]) -> None:
        """for line in process.output().lines(raw=True)"""
        process = self.manager.start(command)
        for line in process.output().lines(raw=True):
            seen(line)
        check_end(process.wait().code)


class Batches(Blocking):
    async def bytes(self, command: list[str]) -> tuple[int, bytes]:
        """manager.start(command), for batch in process.output().lines(raw=True).batches()"""
        count, batch = 0, [b""]
        process = self.manager.start(command)
        for batch in process.output().lines(raw=True).batches():
            count += len(batch)
        check_end(process.wait().code)
        return count, batch[-1]

    async def text(self, command: list[str]) -> tuple[int, str]:
        """manager.start(command), for batch in process.output().batches()"""
        count, batch = 0, [""]
        process = self.manager.start(command)
        for batch in process.output().batches():
            count += len(batch)
        check_end(process.wait().code)
        return count, batch[-1]


class Asyncio:
    def __init__(self) -> None:
        self.runner = asyncio.Runner()
        self.manager = pm.ProcessManager()

    def under_loop(self, work: Callable[..., Any], *args: Any) -> Any:
        return self.runner.run(work(*args))

    async def start_and_reap(self) -> None:
        """await manager.run_async(command, text=False)"""
        done = await self.manager.run_async([TINY, "say"], text=False)
        check_said(done.returncode, done.stdout, done.stderr)

    async def bytes(self, command: list[str]) -> tuple[int, bytes]:
        """async for line in process.output().lines(raw=True)"""
        count, line = 0, b""
        process = await self.manager.start_async(command)
        async for line in process.output().lines(raw=True):
            count += 1
        check_end((await process.wait_async()).code)
        return count, line

    async def each_line(self, command: list[str], seen: Callable[[bytes], None]) -> None:
        """async for line in process.output().lines(raw=True)"""
        process = await self.manager.start_async(command)
        async for line in process.output().lines(raw=True):
            seen(line)
        check_end((await process.wait_async()).code)


class AsyncioBatches(Asyncio):
    async def bytes(self, command: list[str]) -> tuple[int, bytes]:
        """async for batch in process.output().lines(raw=True).batches_async()"""
        count, batch = 0, [b""]
        process = await self.manager.start_async(command)
        async for batch in process.output().lines(raw=True).batches_async():
            count += len(batch)
        check_end((await process.wait_async()).code)
        return count, batch[-1]
