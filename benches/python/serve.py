"""The worker's side in Python: one contender, asked for one piece of work at a time.

Usage: serve.py CONTENDER. The requests are lines on standard input, the answers lines of figures,
as benches/src/serve.rs says. What a contender says about itself is its docstrings.
"""

from __future__ import annotations

import importlib
import os
import sys
import time
from typing import Any

TINY = os.environ["BENCH_TINY"]
SAID = b"tiny\n"

#: Name: module and class.
CONTENDERS = {
    "ours": ("ours", "Blocking"),
    "ours-batches": ("ours", "Batches"),
    "ours-asyncio": ("ours", "Asyncio"),
    "ours-asyncio-batches": ("ours", "AsyncioBatches"),
    "popen": ("standard", "Popen"),
    "run": ("standard", "Run"),
    "asyncio": ("standard", "Asyncio"),
    "psutil": ("with_psutil", "Psutil"),
    "trio": ("with_trio", "Trio"),
    "anyio": ("with_anyio", "Anyio"),
    "sh": ("with_sh", "Sh"),
}


def helper(name: str, *args: str) -> list[str]:
    return [os.path.join(os.environ["BENCH_CHILDREN"], name), *args]


class Delays:
    """Takes the lines of the helper program `clock`."""

    def __init__(self) -> None:
        self.micros: list[float] = []

    def see(self, line: bytes) -> None:
        self.micros.append((time.monotonic_ns() - int(line)) / 1e3)

    def percentiles(self, count: int) -> list[float]:
        if len(self.micros) != count:
            raise ValueError(f"{len(self.micros)} lines of {count}")
        self.micros.sort()
        return [self.micros[(count - 1) // 2], self.micros[(count - 1) * 99 // 100]]


async def starts(contender: Any, count: int, pause_ms: int) -> list[float]:
    spent = 0
    for _ in range(count):
        if pause_ms:
            time.sleep(pause_ms / 1e3)
        begin = time.perf_counter_ns()
        await contender.start_and_reap()
        spent += time.perf_counter_ns() - begin
    return [spent / 1e3 / count]


async def lines(contender: Any, kind: str, count: int) -> list[float]:
    """What is counted: the lines, and that the last one is the last."""
    command = helper("flood", "lines", str(count), "80")
    begin = time.perf_counter_ns()
    found, last = await getattr(contender, kind)(command)
    spent = time.perf_counter_ns() - begin
    if found != count or int(last[:10]) != count - 1 or len(last.rstrip()) != 79:
        raise ValueError(f"{found} lines of {count}, the last {last!r}")
    return [spent / count]


async def latency(contender: Any, count: int) -> list[float]:
    delays = Delays()
    await contender.each_line(helper("clock", "1", str(count)), delays.see)
    return delays.percentiles(count)


async def measure(contender: Any, work: str, *args: str) -> list[float]:
    numbers = [int(arg) for arg in args]
    match work:
        case "starts":
            return await starts(contender, *numbers)
        case "bytes" | "text":
            return await lines(contender, work, *numbers)
        case "latency":
            return await latency(contender, *numbers)
    raise ValueError("unknown request")


def about(contender: Any, work: str) -> str:
    method = {"starts": "start_and_reap", "latency": "each_line"}.get(work, work)
    return " ".join(getattr(contender, method).__doc__.split())


def answer(contender: Any, request: str) -> str:
    work, *args = request.split()
    try:
        if work == "about":
            return about(contender, *args)
        figures = contender.under_loop(measure, contender, work, *args)
    except Exception as why:
        return f"failed: {request.strip()}: {type(why).__name__}: {why}"
    return " ".join(map(str, figures))


def main(name: str) -> None:
    module, kind = CONTENDERS[name]
    try:
        contender = getattr(importlib.import_module(module), kind)()
    except ImportError as why:
        print(f"skipped: {why}", flush=True)
        return
    print("ready", flush=True)
    for request in sys.stdin:
        print(answer(contender, request), flush=True)


if __name__ == "__main__":
    main(sys.argv[1])
