"""The peer trio."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from typing import Any

import trio
from contender import check_said
from serve import TINY


class Trio:
    def under_loop(self, work: Callable[..., Any], *args: Any) -> Any:
        return trio.run(work, *args)

    async def start_and_reap(self) -> None:
        """await trio.run_process(..., capture_stdout=True, capture_stderr=True)"""
        done = await trio.run_process(
            [TINY, "say"], stdin=subprocess.DEVNULL, capture_stdout=True, capture_stderr=True
        )
        check_said(done.returncode, done.stdout, done.stderr)
