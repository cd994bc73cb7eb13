"""The shared table of behaviours (docs/scenarios.md), each blocking and under asyncio.

A scenario is written once, as a coroutine over a Door. The blocking door never suspends, so that
the coroutine runs through without a loop; the other one uses the ``..._async`` twins.
"""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any, TypeVar

import pytest

import process_manager as pm
from conftest import LIMITS, alive, eventually

Child = Callable[[str], Path]
Item = TypeVar("Item")


class Door:
    """One of the two ways to wait."""

    def __init__(self, is_async: bool) -> None:
        self.is_async = is_async

    async def call(self, owner: Any, name: str, *args: Any, **options: Any) -> Any:
        """The method, or its twin."""
        if self.is_async:
            return await getattr(owner, f"{name}_async")(*args, **options)
        return getattr(owner, name)(*args, **options)

    async def within(self, limit: float, owner: Any, name: str) -> Any:
        """The same with a timeout, which raises TimeoutError."""
        if not self.is_async:
            return getattr(owner, name)(timeout=limit)
        async with asyncio.timeout(limit):
            return await getattr(owner, f"{name}_async")()

    async def all(self, items: Any) -> list[Any]:
        """Everything of an iteration."""
        return [item async for item in items] if self.is_async else list(items)

    async def leave(self, owner: Any) -> None:
        """The end of its block."""
        if self.is_async:
            await owner.__aexit__(None, None, None)
        else:
            owner.__exit__(None, None, None)

    def run(self, scenario: Coroutine[Any, Any, None]) -> None:
        """Runs a scenario through."""
        if self.is_async:
            asyncio.run(scenario)
            return
        with pytest.raises(StopIteration):
            scenario.send(None)


@pytest.fixture(params=["blocking", "asyncio"])
def door(request: pytest.FixtureRequest) -> Door:
    """Both doors in turn."""
    return Door(request.param == "asyncio")


def test_an_embedded_program_runs_and_nothing_is_left(door: Door, child: Child) -> None:
    async def scenario() -> None:
        manager = pm.ProcessManager()
        path = manager.extractor.add_binary("my_program", child("echo_args").read_bytes())
        process = manager.start("my_program", ["one", "two"], name="my_process")
        assert await door.all(process.output()) == ["one", "two"]
        await door.leave(process)
        assert process.exit_status == pm.ExitStatus(0, None)
        await door.leave(manager)
        assert not path.parent.exists()

    door.run(scenario())


def test_lines_come_while_it_runs_and_its_last_words_after_term(door: Door, child: Child) -> None:
    async def scenario() -> None:
        manager = pm.ProcessManager()
        process = manager.start(child("ticker"), ["60000"])
        output = process.output()
        assert await door.call(output, "next") == "ready"
        assert process.is_running
        await door.call(process, "stop")
        assert await door.all(output) == ["stopping"]
        await door.leave(manager)

    door.run(scenario())


@pytest.mark.parametrize(
    ("target", "error"),
    [
        ("no_such_binary", pm.BinaryNotFound),
        (["/no/such/program"], pm.ProgramNotFound),
        (["/tmp"], pm.ProgramIsADirectory),
        (["/etc/passwd"], pm.ProgramNotExecutable),
        ([""], pm.InvalidArgument),
        (["/bin/true", "a\0b"], pm.InvalidArgument),
    ],
)
def test_bad_input_is_an_error_of_its_own_and_leaves_nothing(
    door: Door, target: str | list[str], error: type[pm.ProcessError]
) -> None:
    async def scenario() -> None:
        manager = pm.ProcessManager()
        for name in ("start", "run"):
            with pytest.raises(error):
                await door.call(manager, name, target)
        assert manager.processes() == []
        await door.leave(manager)

    door.run(scenario())


def test_an_exit_code_and_a_signal_are_told_apart(door: Door, child: Child) -> None:
    async def scenario() -> None:
        manager = pm.ProcessManager()
        code = await door.call(manager.start(child("exit_code"), ["9"]), "wait")
        signal = await door.call(manager.start(child("kill_self"), ["9"]), "wait")
        assert (code, signal) == (pm.ExitStatus(9, None), pm.ExitStatus(None, 9))
        done = await door.call(manager, "run", child("kill_self"), ["9"])
        assert (done.returncode, done.status.signal) == (-9, 9)
        await door.leave(manager)

    door.run(scenario())


def test_the_ladder_goes_on_where_term_is_ignored(door: Door, child: Child) -> None:
    async def scenario() -> None:
        manager = pm.ProcessManager()
        process = manager.start(child("ignore_term"))
        assert await door.call(process.output(), "next") == "ready"
        assert await door.call(process, "stop", 0.05) == pm.ExitStatus(None, 9)
        await door.leave(manager)

    door.run(scenario())


def test_input_is_written_and_ended(door: Door, child: Child) -> None:
    async def scenario() -> None:
        manager = pm.ProcessManager()
        process = manager.start(child("cat"), stdin="pipe")
        await door.call(process, "write", "one\n")
        await door.call(process, "write", b"x" * 300_000)
        process.close_stdin()
        assert await door.all(process.output()) == ["one", "x" * 300_000]
        assert await door.call(process, "wait") == pm.ExitStatus(0, None)
        with pytest.raises(pm.ProcessError):
            await door.call(process, "write", "late")
        await door.leave(manager)

    door.run(scenario())


def test_a_wait_has_a_deadline_and_changes_nothing(door: Door, child: Child) -> None:
    async def scenario() -> None:
        manager = pm.ProcessManager()
        process = manager.start(child("ignore_term"))
        for owner, name in [(process, "wait"), (process, "wait_closed")]:
            with pytest.raises(TimeoutError):
                await door.within(0.02, owner, name)
        output = process.output()
        assert await door.call(output, "next") == "ready"
        with pytest.raises(TimeoutError):
            await door.within(0.02, output, "next")
        assert process.is_running
        await door.call(process, "kill")
        assert (await door.call(process, "wait")).signal == 9
        await door.leave(manager)

    door.run(scenario())


def test_a_run_collects_and_its_bounds_end_it(door: Door, child: Child) -> None:
    async def scenario() -> None:
        manager = pm.ProcessManager()
        done = await door.call(manager, "run", ["sh", "-c", "cat; echo err >&2"], input="in")
        assert (done.stdout, done.stderr, done.returncode) == ("in", "err\n", 0)
        slow = ["sh", "-c", "echo early; exec sleep 60"]
        for limit in LIMITS:
            with pytest.raises(pm.RunTimedOut) as late:
                await door.call(manager, "run", slow, timeout=limit, stop=0.1)
            if late.value.stdout:
                break
        assert late.value.stdout == "early\n"
        with pytest.raises(pm.LimitReached) as much:
            await door.call(manager, "run", ["cat", "/dev/zero"], capture_limit=10_000, stop=0.1)
        assert len(much.value.stdout) == 10_000
        with pytest.raises(pm.CalledProcessError) as failed:
            await door.call(manager, "run", ["sh", "-c", "echo why >&2; exit 3"], check=True)
        assert (failed.value.returncode, failed.value.stderr) == (3, "why\n")
        assert manager.processes() == []
        await door.leave(manager)

    door.run(scenario())


def test_several_start_in_one_call_and_all_or_none(door: Door, child: Child) -> None:
    async def scenario() -> None:
        manager = pm.ProcessManager()
        good, bad = [str(child("ignore_term"))], ["/no/such/program"]
        results = manager.start_many([good, bad, good])
        assert [isinstance(result, pm.Process) for result in results] == [True, False, True]
        before = len(manager)
        with pytest.raises(pm.ProgramNotFound):
            manager.start_all_or_none([good, good, bad])
        assert len(manager) == before
        started = manager.start_all_or_none([pm.Command(*good, stop=0.1)] * 2)
        pids = [process.pid for process in started]
        for result in results:
            if isinstance(result, pm.Process):
                result.kill()
        await door.call(manager, "stop_all")
        assert manager.running() == []
        assert not any(alive(pid) for pid in pids)
        await door.leave(manager)

    door.run(scenario())


def test_what_ends_while_others_start_is_returned_too(child: Child) -> None:
    with pm.ProcessManager() as manager:
        manager.set_retention(0)
        commands = [[str(child("exit_code")), str(code)] for code in range(100)]
        started = manager.start_all_or_none(commands)
        assert [process.wait().code for process in started] == list(range(100))


def test_all_output_of_all_processes_in_one_place(door: Door, child: Child) -> None:
    async def scenario() -> None:
        manager = pm.ProcessManager()
        watch = manager.watch()
        ids = [manager.start(child("echo_args"), [str(n), "end"]).id for n in range(4)]
        lines: dict[Any, list[str]] = {id: [] for id in ids}
        closed = 0
        while closed < 4:
            item = await door.call(watch, "next")
            if isinstance(item, pm.WatchedOutput):
                assert isinstance(item.record, pm.Line)
                lines[item.id].append(item.record.data)
            else:
                closed += item.kind is pm.EventKind.CLOSED
        assert list(lines.values()) == [[str(n), "end"] for n in range(4)]
        await door.leave(manager)
        assert await door.all(watch) == []

    door.run(scenario())


def test_a_forked_copy_owns_nothing(door: Door, child: Child) -> None:
    async def scenario() -> None:
        manager = pm.ProcessManager()
        process = manager.start(child("ignore_term"), stop=0.1)
        output = process.output()
        assert await door.call(output, "next") == "ready"
        pid = os.fork()
        if pid == 0:
            refused = 0
            owners = [(process, "wait"), (process, "stop"), (manager, "stop_all")]
            owners += [(process, "wait_closed"), (output, "next"), (process.stdout, "read")]
            for owner, name in owners:
                try:
                    await door.call(owner, name)
                except pm.Forked:
                    refused += 1
            await door.leave(process)
            await door.leave(manager)
            os._exit(refused)
        assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 6
        assert process.is_running
        await door.leave(process)
        assert process.exit_status == pm.ExitStatus(None, 9)
        await door.leave(manager)

    door.run(scenario())


THREADS = """
import asyncio, os
import process_manager as pm

def threads(): return len(os.listdir("/proc/self/task"))

async def main():
    assert threads() == 1
    manager = pm.ProcessManager()
    assert threads() == 1
    process = manager.start(["echo", "x"])
    {use}
    assert threads() <= 2
    {leave}

asyncio.run(main())
while threads() != 1: os.sched_yield()  # the kernel lists a joined thread for a moment
print("gone")
"""


def test_no_thread_before_and_none_after(door: Door) -> None:
    use, leave = "process.wait_closed()", "manager.close()"
    if door.is_async:
        use, leave = "await process.wait_closed_async()", "await manager.close_async()"
    code = THREADS.format(use=use, leave=leave)
    done = pm.run([sys.executable, "-c", code], timeout=60, check=True)
    assert done.stdout == "gone\n"


def test_a_whole_tree_ends(door: Door, child: Child) -> None:
    async def scenario() -> None:
        manager = pm.ProcessManager()
        process = manager.start(child("tree"))
        output, pids = process.output(), {}
        while (line := await door.call(output, "next")) != "ready":
            name, pid = line.split()
            pids[name] = int(pid)
        assert len(pids) > 2
        await door.call(process, "stop")
        await door.call(process, "wait_closed")
        assert eventually(lambda: not any(alive(pid) for pid in pids.values()))
        await door.leave(manager)

    door.run(scenario())
