"""What the tests share: the helper programs, a manager each, and proof that nothing is left."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import process_manager as pm

ROOT = Path(__file__).resolve().parents[2]


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
