"""Closed handles, ended loops, and arguments of every kind: exceptions, never a crash."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

import process_manager as pm


def _closed_handles() -> dict[str, Callable[[], object]]:
    """What can be called on each kind of handle when its manager has been closed."""
    manager = pm.ProcessManager()
    process = manager.start(["cat"], stdin="pipe")
    pipeline = manager.start_pipeline([["true"], ["true"]])
    output, stream, events, watch = (
        process.output(), process.stdout, manager.events(), manager.watch()
    )  # fmt: skip
    manager.close()
    return {
        "Closed: start": lambda: manager.start(["true"]),
        "Closed: run": lambda: manager.run(["true"]),
        "Closed: run_many": lambda: manager.run_many([["true"]]),
        "Closed: pipeline": lambda: manager.start_pipeline([["true"]]),
        "Closed: all": lambda: manager.start_all_or_none([["true"]]),
        "Closed: events": manager.events,
        "Closed: watch": manager.watch,
        "Closed: get": lambda: manager.get(process.id),
        "Closed: remove": lambda: manager.remove(process),
        "Closed: retention": lambda: manager.set_retention(1),
        "Closed: len": lambda: len(manager),
        "Closed: iter": lambda: list(manager),
        "Closed: running": manager.running,
        "Closed: poll": manager.poll,
        "Closed: stop_all": manager.stop_all,
        "Closed: sudo": lambda: manager.start(["true"], sudo=pm.SudoOptions()),
        "ProcessError: write": lambda: process.write("x"),
        "fine: wait": lambda: process.wait(20),
        "fine: wait_closed": lambda: process.wait_closed(20),
        "fine: stop": process.stop,
        "fine: begin_stop": process.begin_stop,
        "fine: kill": process.kill,
        "fine: output": lambda: list(output),
        "fine: new output": lambda: list(process.output()),
        "fine: read": stream.read,
        "fine: events end": lambda: list(events),
        "fine: watch end": lambda: list(watch),
        "fine: pipeline wait": lambda: pipeline.wait(20),
        "fine: pipeline stop": pipeline.stop,
        "fine: facts": lambda: (process.info, process.status, repr(process), repr(pipeline)),
        "fine: close": manager.close,
    }


CLOSED = [
    "start", "run", "run_many", "pipeline", "all", "events", "watch", "get", "remove",
    "retention", "len", "iter", "running", "poll", "stop_all", "sudo",
]  # fmt: skip


def test_closed_handles_answer_clearly_and_never_hang() -> None:
    calls = _closed_handles()
    assert sum(name.startswith("Closed") for name in calls) == len(CLOSED)
    for name, call in calls.items():
        expected = name.partition(":")[0]
        if expected == "fine":
            call()
            continue
        with pytest.raises(getattr(pm, expected)):
            call()


WRONG: list[object] = [
    None, True, -1, 2**70, 1.5, float("nan"), float("inf"), "\ud800", "a\0b", b"\xff\0", "",
    (), [], {}, [None], {1: 2}, object(), Ellipsis, int, lambda: 1, range(3), memoryview(b"x"),
]  # fmt: skip

METHODS: list[tuple[str, Callable[[pm.ProcessManager, pm.Process], Callable[..., object]]]] = [
    ("start", lambda m, p: m.start),
    ("run", lambda m, p: m.run),
    ("get", lambda m, p: m.get),
    ("remove", lambda m, p: m.remove),
    ("start_many", lambda m, p: m.start_many),
    ("start_all_or_none", lambda m, p: m.start_all_or_none),
    ("start_pipeline", lambda m, p: m.start_pipeline),
    ("run_many", lambda m, p: m.run_many),
    ("set_retention", lambda m, p: m.set_retention),
    ("write", lambda m, p: lambda wrong: p.write(wrong, 0.01)),
    ("send_signal", lambda m, p: p.send_signal),
    ("output", lambda m, p: p.output),
    ("stream", lambda m, p: p.stream),
    ("errors", lambda m, p: lambda wrong: p.output().lines(errors=wrong).next(0.01)),
    (
        "next",
        lambda m, p: (
            lambda wrong: wrong in (None, True, 2**70, float("inf")) or p.output().next(wrong)
        ),
    ),
    ("add_binary", lambda m, p: lambda wrong: m.extractor.add_binary(wrong, b"x")),
    ("add_data", lambda m, p: lambda wrong: m.extractor.add_binary("x", wrong)),
    ("add_file", lambda m, p: m.extractor.add_file),
    ("add_multiple", lambda m, p: m.extractor.add_multiple_binaries),
    ("remove_binary", lambda m, p: m.extractor.remove_binary),
    ("get_binary_path", lambda m, p: m.extractor.get_binary_path),
    ("command", lambda m, p: pm.Command),
    ("binary", lambda m, p: pm.Command.binary),
    ("sudo user", lambda m, p: lambda wrong: m.start(["true"], sudo=pm.SudoOptions(wrong))),
    *(
        (option, lambda m, p, option=option: lambda wrong: m.start(["true"], **{option: wrong}))
        for option in pm.CommandOptions.__annotations__
    ),
]


def _refusal(call: Callable[..., object], wrong: object) -> str:
    """What the exception says. A PanicException is no Exception: it would come through."""
    try:
        call(wrong)
    except Exception as error:
        return str(error)
    return "none"


@pytest.mark.parametrize("name", [name for name, _ in METHODS])
def test_nothing_that_is_passed_panics(manager: pm.ProcessManager, name: str) -> None:
    """Anything is either used or refused with an ordinary exception."""
    process = manager.start(["sleep", "60"], stdin="pipe")
    call = dict(METHODS)[name](manager, process)
    refusals = [_refusal(call, wrong) for wrong in WRONG]
    assert all(refusals), dict(zip(map(repr, WRONG), refusals, strict=True))
    for left in manager:
        left.kill()
        left.wait(20)
        manager.remove(left)


def test_a_loop_that_is_over_is_no_trouble(manager: pm.ProcessManager) -> None:
    process = manager.start(["cat"], stdin="pipe")
    output = process.output()
    for turn in range(3):
        process.write(f"{turn}\n")
        assert asyncio.run(output.next_async()) == str(turn)
    with pytest.raises(RuntimeError, match="no running event loop"):
        process.wait_async().send(None)
    process.close_stdin()
    assert asyncio.run(process.wait_async()).success
    manager.remove(process)
