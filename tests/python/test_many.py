"""Pipelines, batches of runs, and everything of a manager in one stream."""

from __future__ import annotations

import asyncio
import hashlib
import io
import subprocess
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from uuid import UUID

import pytest

import process_manager as pm
from conftest import LIMITS, alive, eventually

Child = Callable[[str], Path]

# ---- pipelines -------------------------------------------------------------------------------


def test_each_of_a_pipeline_reads_what_the_one_before_writes(manager: pm.ProcessManager) -> None:
    commands = [["printf", "b\\na\\nb\\n"], ["sort"], ["uniq", "-c"]]
    with manager.start_pipeline(commands) as pipeline:
        assert [line.split() for line in pipeline.output()] == [["1", "a"], ["2", "b"]]
        assert [status.code for status in pipeline.wait(20)] == [0, 0, 0]
    assert len(pipeline) == 3
    assert repr(pipeline) == "<Pipeline printf | sort | uniq>"


async def _under_asyncio(manager: pm.ProcessManager) -> None:
    async with manager.start_pipeline([["echo", "x"], ["cat"], ["cat"]]) as pipeline:
        assert [line async for line in pipeline.output()] == ["x"]
        assert [status.success for status in await pipeline.wait_async()] == [True] * 3
    async with manager.start_pipeline([["sleep", "60"], ["cat"]]) as pipeline:
        pass
    assert not any(process.is_running for process in pipeline)


def test_a_pipeline_under_asyncio(manager: pm.ProcessManager) -> None:
    asyncio.run(_under_asyncio(manager))


def test_leaving_the_block_stops_all_of_a_pipeline_at_once(
    manager: pm.ProcessManager, child: Child
) -> None:
    quick = [pm.Command(child("ignore_term"), stop=0.3) for _ in range(3)]
    with manager.start_pipeline(quick) as pipeline:
        pids = [process.pid for process in pipeline]
        with pytest.raises(pm.TimedOut):
            pipeline.wait(0.05)
    assert not any(alive(pid) for pid in pids)


def test_a_pipeline_that_cannot_start_leaves_nothing(manager: pm.ProcessManager) -> None:
    with pytest.raises(pm.ProgramNotFound, match="no-such-program"):
        manager.start_pipeline([["sleep", "60"], ["no-such-program"]])
    with pytest.raises(pm.InvalidArgument, match="at least one"):
        manager.start_pipeline([])
    assert manager.running() == []


# ---- batches of runs -------------------------------------------------------------------------


def _commands() -> list[pm.Command | list[str]]:
    return [["echo", "a"], ["no-such-program"], ["sh", "-c", "echo b >&2; exit 3"], ["sleep", "60"]]


def _check(run: Callable[[float], list[pm.CompletedProcess[str] | pm.ProcessError]]) -> None:
    for limit in LIMITS:
        results = run(limit)
        if sum(isinstance(result, pm.RunTimedOut) for result in results) == 1:
            break
    first, second, third, fourth = results
    assert isinstance(first, pm.CompletedProcess)
    assert (first.args, first.stdout, first.returncode) == (["echo", "a"], "a\n", 0)
    assert isinstance(second, pm.ProgramNotFound)
    assert isinstance(third, pm.CompletedProcess)
    assert (third.stderr, third.status.code) == ("b\n", 3)
    assert isinstance(fourth, pm.RunTimedOut)


def test_a_batch_gives_a_result_for_each_in_order(manager: pm.ProcessManager) -> None:
    _check(lambda limit: manager.run_many(_commands(), parallel=2, timeout=limit))
    assert manager.running() == []


def test_a_batch_under_asyncio(manager: pm.ProcessManager) -> None:
    _check(lambda limit: asyncio.run(manager.run_many_async(_commands(), timeout=limit)))
    assert manager.running() == []


def test_a_batch_bounds_output_and_gives_bytes(manager: pm.ProcessManager, child: Child) -> None:
    (done,) = manager.run_many([["printf", "\\377"]], text=False)
    assert isinstance(done, pm.CompletedProcess)
    assert done.stdout == b"\xff"
    (cut,) = manager.run_many([["cat", "/dev/zero"]], capture_limit=100_000)
    assert isinstance(cut, pm.LimitReached)
    assert len(cut.stdout) == 100_000


def test_a_batch_refuses_what_it_cannot_do(manager: pm.ProcessManager) -> None:
    with pytest.raises(pm.InvalidArgument, match="parallel"):
        manager.run_many([["true"]], parallel=0)
    with pytest.raises(pm.InvalidArgument, match="parallel"):
        manager.run_many([["true"]], parallel=-1)
    with pytest.raises(TypeError, match="parallel"):
        manager.run_many([["true"]], parallel=1.5)  # type: ignore[call-overload]
    with pytest.raises(TypeError, match="check"):
        manager.run_many([["true"]], check=True)  # type: ignore[call-overload]
    assert manager.run_many([]) == []


def test_a_cancelled_batch_ends_what_runs(manager: pm.ProcessManager) -> None:
    async def main() -> None:
        task = asyncio.ensure_future(manager.run_many_async([["sleep", "60"]] * 3, parallel=2))
        while len(manager.running()) < 2:
            await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(main())
    assert eventually(lambda: manager.running() == [])


# ---- watching --------------------------------------------------------------------------------


class Seen:
    """What a watch has told of each process."""

    def __init__(self) -> None:
        self.lines: dict[UUID, list[str]] = defaultdict(list)
        self.kinds: dict[UUID, list[pm.EventKind]] = defaultdict(list)

    def take(self, item: pm.Event | pm.WatchedOutput) -> None:
        if isinstance(item, pm.Event):
            self.kinds[item.id].append(item.kind)
            return
        assert pm.EventKind.CLOSED not in self.kinds[item.id]
        assert isinstance(item.record, pm.Line)
        self.lines[item.id].append(item.record.data)

    def closed(self) -> int:
        return sum(pm.EventKind.CLOSED in kinds for kinds in self.kinds.values())

    def check(self, ids: list[UUID]) -> None:
        for number, id in enumerate(ids):
            assert self.lines[id] == [str(number)] * 3
            assert self.kinds[id][0] == pm.EventKind.STARTED
            assert self.kinds[id][-1] == pm.EventKind.CLOSED
            assert self.kinds[id].count(pm.EventKind.EXITED) == 1


def _three_lines(number: int) -> list[str]:
    return ["sh", "-c", f"echo {number}; echo {number}; echo {number}"]


def test_a_watch_gives_all_output_before_its_closed(manager: pm.ProcessManager) -> None:
    seen, watch = Seen(), manager.watch()
    ids = [manager.start(_three_lines(number)).id for number in range(5)]
    for item in watch:
        seen.take(item)
        if seen.closed() == 5:
            break
    seen.check(ids)
    with pytest.raises(pm.TimedOut):
        watch.next(0.01)


def test_a_watch_under_asyncio(manager: pm.ProcessManager) -> None:
    async def main() -> None:
        seen, watch = Seen(), manager.watch()
        ids = [manager.start(_three_lines(number)).id for number in range(5)]
        async for item in watch:
            seen.take(item)
            if seen.closed() == 5:
                break
        seen.check(ids)

    asyncio.run(main())


def test_a_watch_ends_with_its_manager() -> None:
    manager = pm.ProcessManager()
    watch, events = manager.watch(), manager.events()
    process = manager.start(["echo", "last words"])
    process.wait_closed(20)
    seen = Seen()
    while not seen.closed():
        item = watch.next(20)
        assert item is not None
        seen.take(item)
    assert seen.lines == {process.id: ["last words"]}
    manager.close()
    assert list(watch) == []
    assert [event.kind for event in events][-1] == pm.EventKind.CLOSED


# ---- ends ------------------------------------------------------------------------------------


def test_closed_comes_after_the_descendants(manager: pm.ProcessManager, child: Child) -> None:
    process = manager.start([child("ignore_term")], stop=0.2)
    with pytest.raises(pm.TimedOut):
        process.wait_closed(0.01)
    process.begin_stop()
    process.wait_closed(20)
    assert not alive(process.pid)
    asyncio.run(process.wait_closed_async())


def test_retention_bounds_the_ended(manager: pm.ProcessManager) -> None:
    manager.set_retention(2)
    for _ in range(5):
        manager.start(["true"]).wait_closed(20)
    assert len(manager) == 2
    with pytest.raises(pm.InvalidArgument, match="retention"):
        manager.set_retention(-1)


# ---- the extractor ---------------------------------------------------------------------------


def test_several_binaries_are_added_or_none(manager: pm.ProcessManager, child: Child) -> None:
    data = child("echo_args").read_bytes()
    paths = manager.extractor.add_multiple_binaries({"one": data, "two": data})
    assert [path.name for path in paths] == ["one", "two"]
    assert manager.run("two", ["x"]).stdout == "x\n"
    with pytest.raises(pm.InvalidArgument):
        manager.extractor.add_multiple_binaries([("three", data), ("a/b", data)])
    assert manager.available_binaries() == ["one", "two"]
    for wrong in (1, ["x"], {"x": 1}):
        with pytest.raises(TypeError):
            manager.extractor.add_multiple_binaries(wrong)  # type: ignore[arg-type]


def test_a_binary_comes_from_a_file_object(manager: pm.ProcessManager, child: Child) -> None:
    data = child("echo_args").read_bytes()
    digest = hashlib.sha256(data).hexdigest()
    manager.extractor.add_reader("tool", io.BytesIO(data), sha256=digest)
    assert manager.run("tool", ["x"]).stdout == "x\n"

    class Broken:
        def read(self, size: int = -1) -> bytes:
            raise LookupError("no more")

    with pytest.raises(LookupError, match="no more"):
        manager.extractor.add_reader("broken", Broken())
    with pytest.raises(TypeError, match="read"):
        manager.extractor.add_reader("text", io.StringIO("x"))  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="reader"):
        manager.extractor.add_reader("path", "x")  # type: ignore[arg-type]
    assert manager.available_binaries() == ["tool"]


def test_the_extractor_says_where_and_can_be_told(tmp_path: Path) -> None:
    with pm.BinaryExtractor(tmp_path, prefix="mine", fallback_directories=["/tmp"]) as extractor:
        path = extractor.add_binary("x", b"x")
        assert path.parent.parent == tmp_path
        assert path.parent.name.startswith("mine-")
        assert extractor.location == ("base", None)
    with pytest.raises(pm.InvalidArgument, match="prefix"):
        pm.BinaryExtractor(prefix="a/b")
    assert subprocess.run(["ls", tmp_path], capture_output=True, check=True).stdout == b""
