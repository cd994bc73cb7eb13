"""The main job through the Python door: embed, extract, start, read, stop, nothing left."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest

import process_manager as pm
from conftest import alive, eventually

Child = Callable[[str], Path]


def test_an_embedded_binary_runs_and_nothing_is_left(child: Child) -> None:
    lines = []
    with pm.ProcessManager() as manager:
        manager.extractor.add_binary("ticker", child("ticker").read_bytes())
        directory = manager.extractor.temp_dir
        with manager.start("ticker", ["1"], name="my_process") as process:
            for line in process.output():
                lines.append(line)
                if line == "tick 3":
                    break
            assert process.is_running
            assert process.status is pm.ProcessStatus.RUNNING
        assert process.exit_status == pm.ExitStatus(0, None)
        assert process.info.status is pm.ProcessStatus.STOPPED
        assert process.info.stop_requested
    assert lines == ["ready", "tick 0", "tick 1", "tick 2", "tick 3"]
    assert not alive(process.pid)
    assert not directory.exists()


def test_the_same_under_asyncio(child: Child) -> None:
    async def main() -> tuple[list[str], pm.Process, Path]:
        lines = []
        async with pm.ProcessManager() as manager:
            manager.extractor.add_binary("ticker", child("ticker").read_bytes())
            directory = manager.extractor.temp_dir
            async with manager.start("ticker", ["1"], name="my_process") as process:
                async for line in process.output():
                    lines.append(line)
                    if line == "tick 3":
                        break
        return lines, process, directory

    lines, process, directory = asyncio.run(main())
    assert lines == ["ready", "tick 0", "tick 1", "tick 2", "tick 3"]
    assert process.status is pm.ProcessStatus.STOPPED
    assert not alive(process.pid)
    assert not directory.exists()


def test_a_broken_off_iteration_goes_on_where_it_was(
    manager: pm.ProcessManager, child: Child
) -> None:
    output = manager.start(child("echo_args"), ["a", "b", "c", "d"]).output()
    for line in output:
        if line == "b":
            break
    assert list(output) == ["c", "d"]


def test_a_second_reader_begins_at_the_beginning(manager: pm.ProcessManager, child: Child) -> None:
    process = manager.start(child("echo_args"), ["a", "b"])
    assert list(process.output()) == ["a", "b"]
    assert list(process.output()) == ["a", "b"]


def test_lines_come_as_text_bytes_and_records(manager: pm.ProcessManager, child: Child) -> None:
    process = manager.start(child("echo_args"), [b"a\xff\r", "ü"])
    assert list(process.output()) == ["a�\r", "ü"]
    assert list(process.output().lines(raw=True)) == [b"a\xff\r", "ü".encode()]
    assert list(process.output().lines(errors="surrogateescape")) == ["a\udcff\r", "ü"]
    with pytest.raises(UnicodeDecodeError):
        list(process.output().lines(errors="strict"))
    first, second = process.output().records(raw=True)
    assert isinstance(first, pm.Line)
    assert isinstance(second, pm.Line)
    assert (first.source, first.data, first.partial) == ("stdout", b"a\xff\r", False)
    assert first.sequence <= second.sequence
    assert first.time.tzinfo is not None


def test_records_tell_the_streams_apart(manager: pm.ProcessManager, child: Child) -> None:
    process = manager.start(child("stderr_and_stdout"), ["2"])
    records = [r for r in process.output().records() if isinstance(r, pm.Line)]
    assert [r.data for r in records if r.source == "stdout"] == ["out 0", "out 1"]
    assert [r.data for r in records if r.source == "stderr"] == ["err 0", "err 1"]


@pytest.mark.parametrize("code", [0, 1, 42, 255])
def test_exit_codes(manager: pm.ProcessManager, child: Child, code: int) -> None:
    process = manager.start(child("exit_code"), [str(code)])
    assert process.wait() == pm.ExitStatus(code, None)
    assert process.returncode == code
    assert process.status is (pm.ProcessStatus.STOPPED if code == 0 else pm.ProcessStatus.FAILED)


def test_a_signal_is_not_an_exit_code(manager: pm.ProcessManager, child: Child) -> None:
    process = manager.start(child("kill_self"), ["9"])
    status = process.wait(20)
    assert status == pm.ExitStatus(None, 9)
    assert process.returncode == -9
    assert not status.success
    assert process.status is pm.ProcessStatus.FAILED


def test_what_ignores_sigterm_is_killed_after_the_grace(
    manager: pm.ProcessManager, child: Child
) -> None:
    process = manager.start(child("ignore_term"))
    assert process.output().next() == "ready"
    process.stop(0.05)
    assert process.exit_status == pm.ExitStatus(None, 9)


def test_stopping_ends_the_whole_group(manager: pm.ProcessManager, child: Child) -> None:
    process = manager.start(child("tree"))
    pids = {}
    for line in process.output():
        if line == "ready":
            break
        name, pid = line.split()
        pids[name] = int(pid)
    process.stop()
    assert eventually(lambda: not alive(pids["root"]) and not alive(pids["child"]))


def test_input_is_written_and_ended(manager: pm.ProcessManager, child: Child) -> None:
    process = manager.start(child("cat"), stdin="pipe")
    process.write("one\n")
    process.write(b"two\n")
    process.close_stdin()
    assert list(process.output()) == ["one", "two"]
    assert process.wait() == pm.ExitStatus(0, None)


def test_input_under_asyncio(child: Child) -> None:
    async def main() -> list[str]:
        async with pm.ProcessManager() as manager:
            process = manager.start(child("cat"), stdin="pipe")
            await process.write_async("x" * 300_000 + "\n")
            process.close_stdin()
            lines = [line async for line in process.output()]
            assert await process == pm.ExitStatus(0, None)
            return lines

    assert asyncio.run(main()) == ["x" * 300_000]


def test_a_wait_that_times_out_leaves_the_process_alone(
    manager: pm.ProcessManager, child: Child
) -> None:
    process = manager.start(child("ticker"))
    with pytest.raises(pm.TimedOut) as caught:
        process.wait(0.01)
    assert isinstance(caught.value, TimeoutError)
    assert process.is_running


def test_a_kill_has_a_twin_that_waits_under_asyncio(child: Child) -> None:
    async def main() -> pm.ExitStatus:
        async with pm.ProcessManager() as manager:
            process = manager.start([child("ignore_term")])
            assert await process.output().next_async() == "ready"
            await process.kill_async()
            assert not alive(process.pid)
            return await process

    assert asyncio.run(main()).signal == 9


def test_several_run_at_once_and_stop_together(manager: pm.ProcessManager, child: Child) -> None:
    started = [manager.start(child("ticker"), name=f"ticker {n}") for n in range(5)]
    assert [info.name for info in manager.running()] == [f"ticker {n}" for n in range(5)]
    assert len(manager) == 5
    manager.stop_all()
    assert manager.running() == []
    assert [info.id for info in manager.processes()] == [process.id for process in started]
    assert all(info.status is pm.ProcessStatus.STOPPED for info in manager.processes())
    assert not any(alive(process.pid) for process in started)
