"""Bad input: each kind a clear error of its own, and nothing left behind."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

import process_manager as pm


@pytest.fixture(autouse=True)
def nothing_is_left(manager: pm.ProcessManager) -> Iterator[None]:
    """After every refusal the manager has no entry, and the host no new descriptor."""
    manager.run(["true"])  # what the manager itself holds is there from now on
    for _ in range(3):
        with contextlib.suppress(pm.ProcessError):
            manager.start(["no-such-program"])
    before = set(os.listdir("/proc/self/fd"))
    yield
    if not manager.closed:
        assert manager.processes() == []
    assert len(os.listdir("/proc/self/fd")) <= len(before)


def test_a_missing_binary(manager: pm.ProcessManager) -> None:
    with pytest.raises(pm.BinaryNotFound, match="no_such_binary") as caught:
        manager.start("no_such_binary")
    assert isinstance(caught.value, FileNotFoundError)
    assert isinstance(caught.value, pm.ProcessError)


@pytest.mark.parametrize("name", ["no-such-program-anywhere", "/no/such/program"])
def test_a_missing_program(manager: pm.ProcessManager, name: str) -> None:
    with pytest.raises(pm.ProgramNotFound, match=name) as caught:
        manager.start([name])
    assert isinstance(caught.value, FileNotFoundError)
    assert caught.value.program == name
    assert caught.value.errno == 2
    assert caught.value.step


def test_a_missing_interpreter(manager: pm.ProcessManager, tmp_path: Path) -> None:
    script = tmp_path / "script"
    script.write_text("#!/no/such/interpreter\n")
    script.chmod(0o755)
    with pytest.raises(pm.InterpreterNotFound, match="/no/such/interpreter"):
        manager.start(script)


def test_a_directory_as_program(manager: pm.ProcessManager, tmp_path: Path) -> None:
    with pytest.raises(pm.ProgramIsADirectory) as caught:
        manager.start(tmp_path)
    assert isinstance(caught.value, IsADirectoryError)


def test_a_file_without_execute_permission(manager: pm.ProcessManager, tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("#!/bin/sh\n")
    with pytest.raises(pm.ProgramNotExecutable) as caught:
        manager.start(file)
    assert isinstance(caught.value, PermissionError)


def test_a_file_that_is_no_program(manager: pm.ProcessManager, tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_bytes(b"\x00\x01\x02 not a program")
    file.chmod(0o755)
    with pytest.raises(pm.BadFormat) as caught:
        manager.start(file)
    assert isinstance(caught.value, OSError)


def test_an_empty_name(manager: pm.ProcessManager) -> None:
    for target in ("", [""]):
        with pytest.raises(pm.InvalidArgument, match="empty") as caught:
            manager.start(target)
        assert isinstance(caught.value, ValueError)


def test_a_nul_byte(manager: pm.ProcessManager) -> None:
    with pytest.raises(pm.InvalidArgument, match=r"args\[1\].*NUL"):
        manager.start(["/bin/true", "a", "b\0c"])
    with pytest.raises(pm.InvalidArgument, match="NUL"):
        manager.start(["/bin/true"], env={"A": "b\0c"})


def test_a_missing_working_directory(manager: pm.ProcessManager) -> None:
    with pytest.raises(pm.WorkingDirectoryNotFound, match="/no/such/dir") as caught:
        manager.start(["/bin/true"], cwd="/no/such/dir")
    assert isinstance(caught.value, FileNotFoundError)
    assert caught.value.subject == "/no/such/dir"


def test_a_working_directory_that_is_a_file(manager: pm.ProcessManager) -> None:
    with pytest.raises(pm.WorkingDirectoryError) as caught:
        manager.start(["/bin/true"], cwd="/etc/passwd")
    assert not isinstance(caught.value, FileNotFoundError)


class ItsOwnPath:
    """A path that never comes to an end."""

    def __fspath__(self) -> str:
        return self  # type: ignore[return-value]


class NoPath:
    """A path that is a number."""

    def __fspath__(self) -> str:
        return 1  # type: ignore[return-value]


@pytest.mark.parametrize(
    ("target", "args", "options", "named"),
    [
        (1, (), {}, "int"),
        (["/bin/true", 1], (), {}, r"args\[0\]"),
        ("x", "abc", {}, "args"),
        (["/bin/true"], (), {"env": {"A": 1}}, "env value"),
        (["/bin/true"], (), {"env": {1: "a"}}, "env name"),
        (["/bin/true"], (), {"env": ["A=b"]}, "env"),
        (["/bin/true"], (), {"cwd": 1}, "cwd"),
        (ItsOwnPath(), (), {}, r"program.__fspath__\(\) must be str or bytes, not ItsOwnPath"),
        (["/bin/true", NoPath()], (), {}, r"args\[0\].__fspath__\(\) must be .*, not int"),
        (["/bin/true"], (), {"cwd": ItsOwnPath()}, "cwd"),
        (["/bin/true"], (), {"stdout": ItsOwnPath()}, "stdout"),
        (["/bin/true"], (), {"nice": "low"}, "nice"),
        (["/bin/true"], (), {"stdin": 1.5}, "stdin"),
        (["/bin/true"], (), {"time_limit": "soon"}, "time_limit"),
        (["/bin/true"], (), {"no_such_option": 1}, "no_such_option"),
    ],
)
def test_wrong_types_are_named(
    manager: pm.ProcessManager, target: object, args: object, options: object, named: str
) -> None:
    with pytest.raises(TypeError, match=named):
        manager.start(target, args, **options)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"env": {"A=B": "c"}}, "env name"),
        ({"env": {"": "c"}}, "env name"),
        ({"nice": 20}, "nice"),
        ({"nice": 10**40}, "nice"),
        ({"umask": 0o7777}, "umask"),
        ({"output_limit": 1}, "output limit"),
        ({"time_limit": -1.0}, "time_limit"),
        ({"time_limit": float("nan")}, "time_limit"),
        ({"stop": [(99, 1.0)]}, "signal"),
        ({"stdout": "somewhere"}, "stdout"),
        ({"containment": "jail"}, "containment"),
    ],
)
def test_values_out_of_range_are_named(
    manager: pm.ProcessManager, options: dict[str, object], named: str
) -> None:
    with pytest.raises(pm.InvalidArgument, match=named):
        manager.start(["/bin/true"], **options)  # type: ignore[arg-type]


def test_a_lone_surrogate(manager: pm.ProcessManager) -> None:
    with pytest.raises(pm.InvalidArgument, match=r"args\[0\]"):
        manager.start(["/bin/true", "\ud800"])


def test_a_closed_manager_says_so() -> None:
    manager = pm.ProcessManager()
    manager.close()
    manager.close()
    for call in (manager.processes, manager.fileno, manager.available_binaries):
        with pytest.raises(pm.Closed):
            call()
    with pytest.raises(pm.Closed):
        manager.start(["/bin/true"])
    with pytest.raises(pm.Closed):
        manager.extractor.add_binary("x", b"x")
    assert repr(manager) == "<ProcessManager closed>"
