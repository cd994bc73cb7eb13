"""Ctrl-C in every call that blocks."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

import process_manager as pm
from conftest import script

Child = Callable[[str], Path]

BLOCKING = [
    "process.wait()",
    "process.wait_closed()",
    "process.stop(30)",
    "held(manager).kill()",
    "process.__exit__(None, None, None)",
    "process.write(b'x' * 5_000_000)",
    "list(process.output())",
    "list(process.output().batches())",
    "list(process.output().records(raw=True))",
    "output.next()",
    "output.batch()",
    "output.lines(raw=True).next()",
    "[process.stdout.readline() for _ in range(9)]",
    "process.stdout.read()",
    "process.stdout.expect('never')",
    "[process.stdout.read_some() for _ in range(9)]",
    "process.stream(None, raw=True).read(1000)",
    "manager.poll(None)",
    "manager.stop_all()",
    "manager.close()",
    "manager.__exit__(None, None, None)",
    "list(manager.events())",
    "list(manager.watch())",
    "manager.run(['sleep', '60'])",
    "manager.run([sys.argv[1]], stop=0.1, tee=True, stdin='inherit')",
    "manager.run_many([['sleep', '60']] * 3, 2)",
    "pm.run(['sleep', '60'])",
    "manager.start_pipeline([['sleep', '60'], ['cat']]).wait()",
    "ready(manager.start_pipeline([[sys.argv[1]], ['cat']])).stop(30)",
]

#: Methods that wait for no process: they ask, send, or make a handle. A start waits for the exec
#: alone; with sudo it is interrupted in test_sudo.
SHORT = {
    pm.Process: "begin_stop close_stdin on_exit on_output output resume send_signal stream suspend "
    "terminate",
    pm.ProcessManager: "available_binaries events fileno get processes remove running "
    "set_retention start start_all_or_none start_many start_pipeline watch",
    pm.Output: "lines records",
    pm.Stream: "",
    pm.Events: "",
    pm.Watch: "",
    pm.Pipeline: "output",
}
#: An event loop watches fileno() instead.
WITHOUT_TWIN = {"poll"}


@pytest.mark.parametrize("kind", SHORT, ids=lambda kind: kind.__name__)
def test_the_list_of_blocking_calls_is_complete(kind: type) -> None:
    """Whoever adds a method must say whether it blocks; if it does, it has a twin."""
    methods = {name for name in dir(kind) if name[0] != "_" and callable(getattr(kind, name))}
    twins = {name for name in methods if name.endswith("_async")}
    blocking = methods - twins - set(SHORT[kind].split())
    assert [n for n in sorted(blocking) if not any(f".{n}(" in call for call in BLOCKING)] == []
    assert {f"{name}_async" for name in blocking - WITHOUT_TWIN} <= twins


@pytest.mark.parametrize("call", BLOCKING)
def test_ctrl_c_is_answered_at_once(child: Child, call: str) -> None:
    """Each call takes 30 s or more by itself, which no busy machine makes of an answer."""
    _, err = script(
        "manager = pm.ProcessManager()\n"
        "process = manager.start([sys.argv[1]], stdin='pipe', stop=30)\n"
        "output = process.output()\n"
        "output.next()\n"
        "guards = []\n"
        "def held(manager):\n"
        "    'A process that is not all gone before its guard, which sleeps, has said so.'\n"
        "    process = manager.start(['sleep', '60'], containment='guard')\n"
        "    with open(f'/proc/{process.pid}/status') as status:\n"
        "        facts = dict(line.split(':', 1) for line in status)\n"
        "    guards.append(int(facts['PPid']))\n"
        "    os.kill(guards[0], signal.SIGSTOP)\n"
        "    return process\n"
        "def ready(pipeline):\n"
        "    pipeline.output().next()\n"
        "    return pipeline\n"
        "sent = []\n"
        "def interrupt():\n"
        "    sent.append(time.monotonic())\n"
        "    os.kill(os.getpid(), signal.SIGINT)\n"
        "timer = threading.Timer(0.3, interrupt)\n"
        "timer.start()\n"
        "try:\n"
        f"    {call}\n"
        "except KeyboardInterrupt:\n"
        "    took = time.monotonic() - sent[0]\n"
        "    print('answered' if took < 20 else f'{took} s of 30', file=sys.stderr)\n"
        "timer.join()\n"
        "for guard in guards:\n"
        "    os.kill(guard, signal.SIGCONT)\n"
        "if not manager.closed:\n"
        "    process.kill()\n",
        child("ignore_term"),
    )
    assert err == "answered\n"


@pytest.mark.parametrize("call", ["process.wait()", "output.next()", "manager.poll(None)"])
def test_ctrl_c_takes_less_than_100_ms(child: Child, call: str) -> None:
    """The best of five, since the machine may be busy."""
    out, _ = script(
        "manager = pm.ProcessManager()\n"
        "process = manager.start([sys.argv[1]], stdin='pipe')\n"
        "output = process.output()\n"
        "def interrupt():\n"
        "    sent.append(time.monotonic())\n"
        "    os.kill(os.getpid(), signal.SIGINT)\n"
        "took = []\n"
        "for _ in range(5):\n"
        "    sent = []\n"
        "    threading.Timer(0.1, interrupt).start()\n"
        "    try:\n"
        "        while True:\n"
        f"            {call}\n"
        "    except KeyboardInterrupt:\n"
        "        took.append(time.monotonic() - sent[0])\n"
        "process.kill()\n"
        "print(min(took))\n",
        child("cat"),
    )
    assert float(out) < 0.1
