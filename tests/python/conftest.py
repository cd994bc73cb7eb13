"""What the tests share: the helper programs, a manager each, and proof that nothing is left."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import process_manager as pm

ROOT = Path(__file__).resolve().parents[2]

# A test run in the background of a shell ignores Ctrl-C, and so would all that it starts.
signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def child() -> Callable[[str], Path]:
    """The path of a helper program of tests/child."""
    target = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))

    def find(name: str) -> Path:
        for profile in ("release", "debug"):
            if (path := target / profile / name).exists():
                return path
        raise FileNotFoundError(f"{name} is not built: make children")

    return find


@pytest.fixture
def manager() -> Iterator[pm.ProcessManager]:
    """A manager that is closed after the test."""
    with pm.ProcessManager() as manager:
        yield manager


#: Time limits to try in this order: the machine decides within which a program says its first word.
LIMITS = (0.3, 3.0, 30.0)

PRELUDE = "import os, signal, sys, threading, time, warnings; import process_manager as pm\n"


def without_slowness(text: str) -> str:
    """Without what asyncio's debug mode says of long turns: on a busy machine any can be long."""
    return re.sub(r"^Executing <.*> took [\d.]+ seconds\n", "", text, flags=re.MULTILINE)


def script(code: str, *args: object, expect: int = 0) -> tuple[str, str]:
    """Runs a program of its own with all warnings on; gives its output and errors."""
    command = [sys.executable, "-X", "dev", "-W", "error", "-c", PRELUDE + code, *map(str, args)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == expect, done.stderr
    return done.stdout, without_slowness(done.stderr)


def alive(pid: int) -> bool:
    """Whether a process exists and is not a zombie."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False
    return stat.rpartition(")")[2].split()[0] != "Z"


def eventually(condition: Callable[[], bool], seconds: float = 20) -> bool:
    """Waits for something that only the kernel tells, by looking again."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.01)
    return True


def threads() -> set[str]:
    """The names of the threads of this process."""
    names = set()
    for task in Path("/proc/self/task").iterdir():
        try:
            names.add((task / "comm").read_text().strip())
        except (FileNotFoundError, ProcessLookupError):
            continue
    return names
