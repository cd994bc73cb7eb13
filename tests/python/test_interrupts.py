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
    "manager.start_pipeline([[sys.argv[1]], ['cat']]).stop(30)",
]


def test_the_list_of_blocking_calls_is_complete() -> None:
    """Whatever has a twin for event loops, or waits in a loop of its own, blocks."""
    classes = [pm.Process, pm.ProcessManager, pm.Output, pm.Stream, pm.Events, pm.Watch,
               pm.Pipeline]  # fmt: skip
    names = {name for kind in classes for name in dir(kind) if hasattr(kind, f"{name}_async")
             and name[0] != "_"}  # fmt: skip
    # One blocks with sudo only (test_sudo); nothing that a test can start outlives the other.
    names -= {"start", "kill"}
    assert [n for n in sorted(names) if not any(f".{n}(" in call for call in BLOCKING)] == []


@pytest.mark.parametrize("call", BLOCKING)
def test_ctrl_c_is_answered_at_once(child: Child, call: str) -> None:
    """Each call takes 30 s or more by itself, which no busy machine makes of an answer."""
    _, err = script(
        "manager = pm.ProcessManager()\n"
        "process = manager.start([sys.argv[1]], stdin='pipe', stop=30)\n"
        "output = process.output()\n"
        "output.next()\n"
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
