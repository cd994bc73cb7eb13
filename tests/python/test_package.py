"""The package as such: examples, types, style, and what it costs to have it."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

import process_manager as pm
from conftest import ROOT

PACKAGE = Path(pm.__file__).parent
CONFIG = ROOT / "python" / "pyproject.toml"


def run(*command: object) -> str:
    done = subprocess.run(
        [str(part) for part in command],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stdout
    return done.stdout


@pytest.mark.parametrize("name", ["readme_sync.py", "readme_async.py"])
def test_the_readme_task(child: Callable[[str], Path], name: str) -> None:
    example = ROOT / "examples" / "python" / name
    out = run(sys.executable, "-X", "dev", "-W", "error", example, child("ticker"))
    assert out.splitlines() == [
        "ready",
        "tick 0",
        "tick 1",
        "tick 2",
        "tick 3",
        "my_process: stopped, exit code 0",
        "directory removed: True",
    ]


def test_types_are_strict() -> None:
    mypy = (sys.executable, "-m", "mypy", "--config-file", CONFIG)
    run(*mypy, "--package", "process_manager")
    run(*mypy, *(ROOT / "examples" / "python").glob("*.py"))
    run(*mypy, *(ROOT / "tests" / "python").glob("*.py"))


def test_stubs_agree_with_the_extension() -> None:
    allowed = ROOT / "tests" / "python" / "stubtest-allowlist.txt"
    run(sys.executable, "-m", "mypy.stubtest", "process_manager", "--allowlist", allowed)


@pytest.mark.parametrize("folder", ["python/process_manager", "tests/python", "examples/python"])
def test_style(folder: str) -> None:
    run(sys.executable, "-m", "ruff", "check", "--no-cache", "--config", CONFIG, folder)
    run(sys.executable, "-m", "ruff", "format", "--no-cache", "--check", "--config", CONFIG, folder)


def test_the_wheel_is_small() -> None:
    size = sum(file.stat().st_size for file in PACKAGE.glob("_core*.so"))
    assert 0 < size < 6_000_000


def test_importing_starts_no_thread_and_loads_no_event_loop() -> None:
    code = (
        "import sys, os; import process_manager; "
        "print(len(os.listdir('/proc/self/task')), 'asyncio' in sys.modules)"
    )
    assert run(sys.executable, "-c", code).split() == ["1", "False"]


def test_every_public_name_is_documented() -> None:
    for name in pm.__all__:
        assert getattr(pm, name).__doc__, name
