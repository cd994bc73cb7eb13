"""Standard streams and further descriptors as numbers, files and paths."""

from __future__ import annotations

import os
import socket
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest

import process_manager as pm


def test_streams_are_file_objects(manager: pm.ProcessManager, tmp_path: Path) -> None:
    (tmp_path / "in").write_bytes(b"one\ntwo\n")
    with open(tmp_path / "in", "rb") as source, open(tmp_path / "out", "wb") as target:
        process = manager.start(["cat"], stdin=source, stdout=target)
    assert process.wait(20).success
    assert list(process.output()) == []
    assert (tmp_path / "out").read_bytes() == b"one\ntwo\n"


def test_a_file_opened_for_appending_is_appended_to(
    manager: pm.ProcessManager, tmp_path: Path
) -> None:
    path = tmp_path / "log"
    for word in ("one", "two"):
        with open(path, "ab") as log:
            assert manager.start(["echo", word], stdout=log).wait(20).success
    assert path.read_text() == "one\ntwo\n"


def test_streams_are_numbers(manager: pm.ProcessManager) -> None:
    reader, writer = os.pipe()
    try:
        process = manager.start(
            ["sh", "-c", "echo out; echo err >&2"], stdout=writer, stderr=writer
        )
    finally:
        os.close(writer)
    with open(reader, "rb") as answers:
        assert answers.read() == b"out\nerr\n"
    assert process.wait(20).success


def test_streams_are_sockets_and_temporary_files(manager: pm.ProcessManager) -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs, tempfile.TemporaryFile() as errors:
        process = manager.start(
            ["sh", "-c", "cat; echo err >&2"], stdin=theirs, stdout=theirs, stderr=errors
        )
        theirs.close()
        ours.sendall(b"through a socket")
        ours.shutdown(socket.SHUT_WR)
        assert ours.recv(100) == b"through a socket"
        assert process.wait(20).success
        errors.seek(0)
        assert errors.read() == b"err\n"


def test_the_constants_of_subprocess(manager: pm.ProcessManager) -> None:
    script = ["sh", "-c", "cat; echo err >&2"]
    process = manager.start(
        script, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    process.write("in\n")
    process.close_stdin()
    assert list(process.output("stdout")) == ["in", "err"]
    process = manager.start(
        script, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    )
    assert list(process.output()) == ["err"]


def test_further_descriptors_keep_their_numbers(manager: pm.ProcessManager) -> None:
    reader, writer = os.pipe()
    process = manager.start(["bash", "-c", f"echo hello >&{writer}"], pass_fds=[writer])
    os.close(writer)
    with open(reader) as answers:
        assert answers.read() == "hello\n"
    assert process.wait(20).success


def test_further_descriptors_get_the_numbers_asked_for(
    manager: pm.ProcessManager, tmp_path: Path
) -> None:
    with open(tmp_path / "file", "wb") as file:
        process = manager.start(
            ["bash", "-c", "echo a >&7; echo b >&12"], pass_fds={7: file, 12: file.fileno()}
        )
    assert process.wait(20).success
    assert (tmp_path / "file").read_bytes() == b"a\nb\n"


def test_only_what_was_passed_is_open(manager: pm.ProcessManager, child: object) -> None:
    reader, writer = os.pipe()
    os.set_inheritable(reader, True)
    done = manager.run(["ls", "/proc/self/fd"], pass_fds={9: writer})
    os.close(reader)
    os.close(writer)
    assert done.stdout.split() == ["0", "1", "2", "3", "9"]


@pytest.mark.parametrize(
    ("options", "error", "named"),
    [
        ({"stdin": 10**6}, pm.InvalidArgument, "stdin"),
        ({"stdout": -7}, pm.InvalidArgument, "stdout"),
        ({"stderr": 10**30}, pm.InvalidArgument, "stderr"),
        ({"stdout": True}, TypeError, "stdout"),
        ({"stdin": object()}, TypeError, "stdin"),
        ({"pass_fds": [10**6]}, pm.InvalidArgument, "pass_fds"),
        ({"pass_fds": [-1]}, pm.InvalidArgument, "pass_fds"),
        ({"pass_fds": ["x"]}, TypeError, "pass_fds"),
        ({"pass_fds": 3}, TypeError, "pass_fds"),
        ({"pass_fds": {1: 2}}, pm.InvalidArgument, "descriptor"),
    ],
)
def test_what_is_no_descriptor_is_refused(
    manager: pm.ProcessManager, options: dict[str, object], error: type[Exception], named: str
) -> None:
    before = len(os.listdir("/proc/self/fd"))
    with pytest.raises(error, match=named):
        manager.start(["true"], **options)  # type: ignore[arg-type]
    assert len(os.listdir("/proc/self/fd")) <= before


def test_a_closed_file_says_so_itself(manager: pm.ProcessManager) -> None:
    with tempfile.TemporaryFile() as file:
        pass
    with pytest.raises(ValueError, match="closed file"):
        manager.start(["true"], stdout=file)


def test_a_prepared_command_outlives_its_files(manager: pm.ProcessManager, tmp_path: Path) -> None:
    with open(tmp_path / "log", "ab") as log:
        command = pm.Command("echo", ["again"], stdout=log)
    processes: list[Callable[[], object]] = [manager.start(command).wait for _ in range(3)]
    for wait in processes:
        wait()
    assert (tmp_path / "log").read_text() == "again\n" * 3
