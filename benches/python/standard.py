"""The peers of the standard library: subprocess and asyncio."""

from __future__ import annotations

import asyncio
import subprocess
from asyncio.subprocess import DEVNULL, PIPE
from collections.abc import Callable
from typing import Any

from contender import Blocking, check_end, check_said
from serve import TINY

PIPES: dict[str, Any] = {"stdin": DEVNULL, "stdout": PIPE, "stderr": PIPE}


class Popen(Blocking):
    async def start_and_reap(self) -> None:
        """Popen(...).communicate()"""
        process = subprocess.Popen([TINY, "say"], **PIPES)
        stdout, stderr = process.communicate()
        check_said(process.returncode, stdout, stderr)

    async def bytes(self, command: list[str]) -> tuple[int, bytes]:
        """for line in Popen(...).stdout, then communicate()"""
        count, line = 0, b""
        process = subprocess.Popen(command, **PIPES)
        for line in process.stdout:
            count += 1
        _, stderr = process.communicate()
        check_end(process.returncode, stderr)
        return count, line

    async def text(self, command: list[str]) -> tuple[int, str]:
        """for line in Popen(..., encoding="utf-8").stdout, then communicate()"""
        count, line = 0, ""
        process = subprocess.Popen(command, encoding="utf-8", **PIPES)
        for line in process.stdout:
            count += 1
        _, stderr = process.communicate()
        check_end(process.returncode, stderr)
        return count, line

    async def each_line(self, command: list[str], seen: Callable[[bytes], None]) -> None:
        """for line in Popen(...).stdout"""
        process = subprocess.Popen(command, **PIPES)
        for line in process.stdout:
            seen(line)
        _, stderr = process.communicate()
        check_end(process.returncode, stderr)


class Run(Blocking):
    async def start_and_reap(self) -> None:
        """subprocess.run(..., capture_output=True)"""
        done = subprocess.run([TINY, "say"], stdin=DEVNULL, capture_output=True)
        check_said(done.returncode, done.stdout, done.stderr)


class Asyncio:
    def __init__(self) -> None:
        self.runner = asyncio.Runner()

    def under_loop(self, work: Callable[..., Any], *args: Any) -> Any:
        return self.runner.run(work(*args))

    async def start_and_reap(self) -> None:
        """create_subprocess_exec, communicate"""
        process = await asyncio.create_subprocess_exec(TINY, "say", **PIPES)
        stdout, stderr = await process.communicate()
        check_said(process.returncode, stdout, stderr)

    async def bytes(self, command: list[str]) -> tuple[int, bytes]:
        """create_subprocess_exec, async for line in process.stdout"""
        count, line = 0, b""
        process = await asyncio.create_subprocess_exec(*command, **PIPES)
        async for line in process.stdout:
            count += 1
        _, stderr = await process.communicate()
        check_end(process.returncode, stderr)
        return count, line

    async def each_line(self, command: list[str], seen: Callable[[bytes], None]) -> None:
        """create_subprocess_exec, async for line in process.stdout"""
        process = await asyncio.create_subprocess_exec(*command, **PIPES)
        async for line in process.stdout:
            seen(line)
        _, stderr = await process.communicate()
        check_end(process.returncode, stderr)
