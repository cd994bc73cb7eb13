"""The package as such: examples, types, style, and what it costs to have it."""

from __future__ import annotations

import inspect
import io
import pydoc
import re
import subprocess
import sys
import textwrap
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

import process_manager as pm
from conftest import ROOT, without_slowness

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
    return without_slowness(done.stdout)


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


SNIPPET = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def test_snippets_of_the_documents_are_typed(tmp_path: Path) -> None:
    """Each alone, with what the text around it has explained."""
    given = "import process_manager as pm\ndata = b''\nprogram = b''\n"
    names = ["README.md", "docs/python.md", "python/README.md"]
    pages = [page for name in names if (page := ROOT / name).exists()]
    snippets = [(page, text) for page in pages for text in SNIPPET.findall(page.read_text())]
    assert len(snippets) >= 5
    files = []
    for number, (page, text) in enumerate(snippets):
        is_async = (
            re.search(r"^(async |.*\bawait )", text, re.MULTILINE) and "async def" not in text
        )
        body = f"async def main() -> None:\n{textwrap.indent(text, '    ')}" if is_async else text
        files.append(tmp_path / f"{page.stem}_{number}.py")
        files[-1].write_text(given + body)
    for file in files:
        run(sys.executable, "-m", "mypy", "--config-file", CONFIG, file)


def test_stubs_agree_with_the_extension() -> None:
    allowed = ROOT / "tests" / "python" / "stubtest-allowlist.txt"
    run(sys.executable, "-m", "mypy.stubtest", "process_manager", "--allowlist", allowed)


@pytest.mark.parametrize("folder", ["python/process_manager", "tests/python", "examples/python"])
def test_style(folder: str) -> None:
    run(sys.executable, "-m", "ruff", "check", "--no-cache", "--config", CONFIG, folder)
    run(sys.executable, "-m", "ruff", "format", "--no-cache", "--check", "--config", CONFIG, folder)


def test_the_wheel_is_small() -> None:
    """The wheel is a compressed archive of these files: under 2 MB."""
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as wheel:
        for file in PACKAGE.rglob("*.*"):
            if "__pycache__" not in file.parts:
                wheel.write(file)
    assert 100_000 < len(archive.getvalue()) < 2_000_000


def loaded_by(module: str) -> int:
    code = f"import sys; n = len(sys.modules); import {module}; print(len(sys.modules) - n)"
    return int(run(sys.executable, "-c", code))


def test_importing_loads_fewer_modules_than_asyncio() -> None:
    """Their number is most of what an import costs."""
    assert 0 < loaded_by("process_manager") < loaded_by("asyncio")


def test_importing_starts_no_thread_and_loads_no_event_loop() -> None:
    code = (
        "import sys, os; import process_manager; "
        "print(len(os.listdir('/proc/self/task')), 'asyncio' in sys.modules)"
    )
    assert run(sys.executable, "-c", code).split() == ["1", "False"]


def test_every_public_name_is_documented() -> None:
    for name in pm.__all__:
        assert getattr(pm, name).__doc__, name
        if not inspect.isclass(getattr(pm, name)):
            continue
        for member, value in vars(getattr(pm, name)).items():
            if member[0] != "_" and (inspect.isroutine(value) or isinstance(value, property)):
                assert value.__doc__, f"{name}.{member}"


def test_help_reads_well() -> None:
    text = pydoc.plain(pydoc.render_doc(pm))
    assert "Start, stream, watch and stop many child processes" in text
    assert "class ProcessManager(" in text
    assert "Starts a process; when this returns, the program itself is running." in text
    extractor = pydoc.plain(pydoc.render_doc(pm.BinaryExtractor))
    assert "add_multiple_binaries(self" in extractor
    assert "Writes several, all or none" in extractor
