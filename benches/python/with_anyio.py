"""The peer anyio, on asyncio."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from typing import Any

import anyio
from contender import check_said
from serve import TINY


class Anyio:
    def under_loop(self, work: Callable[..., Any], *args: Any) -> Any:
        return anyio.run(work, *args)

    async def start_and_reap(self) -> None:
        """await anyio.run_process(...), on asyncio"""
        done = await anyio.run_process([TINY, "say"], stdin=subprocess.DEVNULL)
        check_said(done.returncode, done.stdout, done.stderr)
