"""run(): what subprocess users know, and what they wish they had."""

from __future__ import annotations

import asyncio
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import process_manager as pm
from conftest import LIMITS, alive, eventually

Child = Callable[[str], Path]


def test_it_collects_text_by_default() -> None:
    done = pm.run(["sh", "-c", "echo out; echo err >&2; exit 3"])
    assert (done.stdout, done.stderr, done.returncode) == ("out\n", "err\n", 3)
    assert done.status == pm.ExitStatus(3, None)
    assert isinstance(done, subprocess.CompletedProcess)


def test_it_collects_bytes_on_request() -> None:
    done = pm.run(["printf", r"a\377\r\n"], text=False)
    assert done.stdout == b"a\xff\r\n"


def test_input_is_fed_and_ended() -> None:
    assert pm.run(["cat"], input="äb").stdout == "äb"
    assert pm.run(["cat"], input=b"\xff" * 500_000, text=False).stdout == b"\xff" * 500_000
    with pytest.raises(ValueError, match="stdin"):
        pm.run(["cat"], input="x", stdin="pipe")


def test_check_raises_what_subprocess_users_catch() -> None:
    with pytest.raises(subprocess.CalledProcessError) as caught:
        pm.run(["sh", "-c", "echo why >&2; exit 7"], check=True)
    error = caught.value
    assert isinstance(error, pm.CalledProcessError)
    assert isinstance(error, pm.ProcessError)
    assert (error.returncode, error.stderr, error.stdout) == (7, "why\n", "")
    assert "why" in str(error)
    assert "exit code 7" in str(error)


def test_a_signal_is_told_as_a_signal() -> None:
    with pytest.raises(pm.CalledProcessError, match="signal 9") as caught:
        pm.run(["sh", "-c", "kill -9 $$"], check=True)
    assert caught.value.returncode == -9


def test_a_timeout_stops_the_tree_and_keeps_the_output(child: Child) -> None:
    members: set[int] = set()
    for limit in LIMITS:
        with pytest.raises(subprocess.TimeoutExpired) as caught:
            pm.run([child("tree")], timeout=limit)
        error = caught.value
        assert isinstance(error, pm.RunTimedOut)
        assert isinstance(error, TimeoutError)
        assert isinstance(error.stdout, str)
        pids = [int(line.split()[1]) for line in error.stdout.splitlines() if " " in line]
        members.update(pids)
        if len(pids) == 4:
            break
    assert len(pids) == 4, "it has named all its members"
    assert eventually(lambda: not any(alive(pid) for pid in members))


def test_a_time_limit_of_its_own_is_no_timeout_of_the_run() -> None:
    sleeper = pm.Command("sleep", ["1000"], time_limit=0.1)
    [many] = pm.ProcessManager().run_many([sleeper])
    assert isinstance(many, pm.CompletedProcess)
    assert many.status == pm.run(sleeper).status


@pytest.mark.parametrize(
    ("command", "streams"),
    [
        (["sleep", "20"], "null"),
        (["sleep", "20"], "inherit"),
        (["sh", "-c", "exec sleep 20 >&- 2>&-"], "capture"),
    ],
)
def test_a_timeout_covers_what_comes_after_the_output(
    manager: pm.ProcessManager, command: list[str], streams: str
) -> None:
    with pytest.raises(pm.RunTimedOut) as caught:
        manager.run(command, timeout=0.2, stdout=streams, stderr=streams)
    assert (caught.value.timeout, caught.value.stdout) == (0.2, "")
    assert manager.processes() == []
    with pytest.raises(pm.RunTimedOut):
        asyncio.run(manager.run_async(command, timeout=0.2, stdout=streams, stderr=streams))


def test_too_much_output_is_an_error_with_its_beginning(child: Child) -> None:
    with pytest.raises(pm.LimitReached, match="1000000") as caught:
        pm.run([child("flood"), "bytes", "50000000"], capture_limit=1_000_000)
    assert len(caught.value.stdout) == 1_000_000


def test_nothing_is_dropped_however_slowly_it_is_collected(child: Child) -> None:
    done = pm.run([child("flood"), "bytes", "20000000"], text=False)
    assert len(done.stdout) == 20_000_000


def test_tee_passes_on_what_it_collects(capfd: pytest.CaptureFixture[str]) -> None:
    done = pm.run(["sh", "-c", "echo out; echo err >&2"], tee=True)
    assert (done.stdout, done.stderr) == ("out\n", "err\n")
    assert capfd.readouterr() == ("out\n", "err\n")


def test_it_leaves_no_entry(manager: pm.ProcessManager) -> None:
    manager.run(["true"])
    with pytest.raises(pm.ProgramNotFound):
        manager.run(["no-such-program"])
    assert manager.processes() == []


def test_a_binary_of_the_extractor(manager: pm.ProcessManager, child: Child) -> None:
    manager.extractor.add_file(child("echo_args"))
    assert manager.run("echo_args", ["a b", ""]).stdout == "a b\n\n"


def test_merged_output_is_in_order() -> None:
    done = pm.run(["sh", "-c", "echo 1; echo 2 >&2; echo 3"], stderr=subprocess.STDOUT)
    assert (done.stdout, done.stderr) == ("1\n2\n3\n", "")


def test_asyncio_runs_side_by_side() -> None:
    async def main() -> list[str]:
        runs = (pm.run_async(["cat"], input=f"{n}") for n in range(20))
        return [done.stdout for done in await asyncio.gather(*runs)]

    assert asyncio.run(main()) == [str(n) for n in range(20)]


def test_asyncio_times_out() -> None:
    async def main() -> None:
        await pm.run_async(["sleep", "60"], timeout=0.1)

    with pytest.raises(pm.RunTimedOut):
        asyncio.run(main())


def test_a_cancelled_run_has_stopped_its_tree(manager: pm.ProcessManager) -> None:
    async def main() -> int:
        task = asyncio.ensure_future(manager.run_async(["sleep", "60"]))
        while not manager.running():
            await asyncio.sleep(0.01)
        pid = manager.running()[0].pid
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert pid is not None
        return pid

    assert not alive(asyncio.run(main()))


@pytest.mark.parametrize(
    ("limit", "error"), [("x", TypeError), (1.5, TypeError), (-1, pm.InvalidArgument)]
)
def test_a_bad_capture_limit_is_named(
    manager: pm.ProcessManager, limit: Any, error: type[Exception]
) -> None:
    with pytest.raises(error, match="capture_limit"):
        manager.run(["true"], capture_limit=limit)
    assert manager.processes() == []


@pytest.mark.parametrize("tee", [False, True])
def test_the_timeout_of_a_run_ends_one_that_never_stops_writing(
    manager: pm.ProcessManager, capsys: pytest.CaptureFixture[str], tee: bool
) -> None:
    for limit in LIMITS:
        with pytest.raises(pm.RunTimedOut) as caught:
            manager.run(["yes"], timeout=limit, tee=tee, capture_limit=10**30)
        if caught.value.stdout:
            break
    assert caught.value.stdout.startswith("y\ny\n")
    assert bool(capsys.readouterr().out) == tee
