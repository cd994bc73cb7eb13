"""Signals, exits, forks, garbage and threads: what happens around the processes."""

from __future__ import annotations

import gc
import multiprocessing
import os
import pickle
import signal
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

import process_manager as pm
from conftest import alive, eventually, script

Child = Callable[[str], Path]


def in_fork(work: Callable[[], list[str]]) -> list[str]:
    """What ``work`` gives in a forked copy of this program, which then exits as usual."""
    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(reader)
        os.write(writer, "\n".join(work()).encode())
        os._exit(0)
    os.close(writer)
    with open(reader) as answers:
        text = answers.read()
    assert os.waitpid(pid, 0)[1] == 0
    return text.splitlines()


def kind(call: Callable[[], object]) -> str:
    """The name of the exception, or what came instead."""
    try:
        return repr(call())
    except pm.ProcessError as error:
        return type(error).__name__


@pytest.mark.parametrize("held", ["a = process", "sys.keep = process", "del process"])
def test_the_interpreters_end_ends_the_children_silently(child: Child, held: str) -> None:
    out, err = script(
        "manager = pm.ProcessManager()\n"
        "process = manager.start([sys.argv[1]])\n"
        "process.output().next()\n"
        "print(process.pid)\n" + held,
        child("ignore_term"),
    )
    assert err == ""
    assert eventually(lambda: not alive(int(out)))


def test_an_exit_code_is_kept(child: Child) -> None:
    code = "process = pm.ProcessManager().start([sys.argv[1]]); sys.exit(3)"
    assert script(code, child("ticker"), expect=3) == ("", "")


def test_detached_processes_survive_the_interpreter(child: Child) -> None:
    out, _ = script(
        "manager = pm.ProcessManager()\n"
        "process = manager.start([sys.argv[1]], on_drop='detach', stdout='null', stderr='null')\n"
        "print(process.pid)",
        child("ignore_term"),
    )
    assert alive(int(out))
    os.kill(int(out), 9)


def test_a_signal_reaches_the_descendants(manager: pm.ProcessManager) -> None:
    # A trap runs at once in `wait`, but only after a program that is waited for has ended.
    child = '(trap "echo got; exit" USR1; echo ready; while :; do sleep 60 & wait; done)'
    process = manager.start(["sh", "-c", f"trap : USR1; {child} & wait; wait; wait"])
    output = process.output("stdout")
    assert output.next(20) == "ready"
    process.send_signal(signal.SIGUSR1)
    assert output.next(20) == "got"


def test_what_is_suspended_can_be_terminated(manager: pm.ProcessManager) -> None:
    process = manager.start(["cat"], stdin="pipe")
    process.suspend()
    process.terminate()
    assert process.wait(20).signal == signal.SIGTERM


def test_the_end_under_asyncio_is_silent(child: Child) -> None:
    out, err = script(
        "import asyncio\n"
        "async def main():\n"
        "    manager = pm.ProcessManager()\n"
        "    process = manager.start([sys.argv[1]])\n"
        "    await process.output().next_async()\n"
        "    print(process.pid)\n"
        "    asyncio.ensure_future(process.wait_async())\n"
        "    await asyncio.sleep(0)\n"
        "asyncio.run(main())",
        child("ignore_term"),
    )
    assert err == ""
    assert eventually(lambda: not alive(int(out)))


def test_garbage_collection_of_running_processes_does_not_wait(child: Child) -> None:
    manager = pm.ProcessManager()
    processes = [manager.start([child("ignore_term")]) for _ in range(5)]
    pids = [process.pid for process in processes]
    cycle: list[object] = [manager, processes]
    cycle.append(cycle)
    del manager, processes, cycle
    began = time.monotonic()
    gc.collect()
    assert time.monotonic() - began < 4, "shorter than the grace of one, which is 5 s"
    assert eventually(lambda: not any(alive(pid) for pid in pids))


def test_a_forked_copy_owns_nothing(manager: pm.ProcessManager, child: Child) -> None:
    process = manager.start([child("cat")], stdin="pipe")
    directory = manager.extractor.add_binary("x", b"x").parent
    calls: list[Callable[[], object]] = [
        lambda: process.wait(0.1),
        process.stop,
        process.kill,
        lambda: process.send_signal(15),
        lambda: process.write("x"),
        lambda: process.output().next(),
        lambda: manager.start(["true"]),
        manager.poll,
        lambda: manager.extractor.add_binary("y", b"y"),
    ]
    assert in_fork(lambda: [kind(call) for call in calls]) == ["Forked"] * len(calls)
    assert process.is_running
    assert directory.exists()
    process.write("still here\n")
    assert process.output().next(20) == "still here"


def test_a_forked_copy_can_have_a_manager_of_its_own(manager: pm.ProcessManager) -> None:
    manager.start(["true"]).wait()

    def work() -> list[str]:
        with pm.ProcessManager() as own:
            return [own.run(["echo", "from the copy"]).stdout, pm.run(["echo", "too"]).stdout]

    assert in_fork(work) == ["from the copy", "", "too"]


def test_leaving_the_block_in_a_forked_copy_does_nothing(child: Child) -> None:
    with pm.ProcessManager() as manager, manager.start([child("ticker")]) as process:

        def work() -> list[str]:
            process.__exit__(None, None, None)
            manager.__exit__(None, None, None)
            return ["quiet"]

        assert in_fork(work) == ["quiet"]
        assert process.is_running
        assert process.output().next(20) == "ready"


def test_a_forked_copy_that_exits_as_usual_is_silent(child: Child) -> None:
    out, err = script(
        "manager = pm.ProcessManager()\n"
        "process = manager.start([sys.argv[1]])\n"
        "pid = os.fork()\n"
        "if pid:\n"
        "    print(os.waitpid(pid, 0)[1], process.is_running, process.output().next(20))\n",
        child("ticker"),
    )
    assert (out, err) == ("0 True ready\n", "")


def test_a_fork_is_not_warned_of_and_its_parent_goes_on(child: Child) -> None:
    """CPython 3.12 and newer warn of every thread that the kernel lists while the host forks."""
    out, err = script(
        "manager = pm.ProcessManager()\n"
        "process = manager.start(['cat'], stdin='pipe', stderr='null')\n"
        "ends = []\n"
        "process.on_exit(lambda process, status: ends.append(status))\n"
        "for turn in range(50):\n"
        "    other = pm.ProcessManager().start([sys.argv[1]])\n"
        "    del other\n"
        "    pid = os.fork()\n"
        "    if pid == 0:\n"
        "        os._exit(0)\n"
        "    assert os.waitpid(pid, 0)[1] == 0\n"
        "    process.write('%d\\n' % turn)\n"
        "    assert process.output().batch(20)\n"
        "process.close_stdin()\n"
        "while not ends:\n"
        "    manager.poll(None)\n"
        "print(ends[0].code, len(list(process.output())))\n",
        child("ignore_term"),
    )
    assert (out, err) == ("0 50\n", "")


def _in_worker(word: str) -> str:
    return pm.run(["echo", word]).stdout


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_multiprocessing(manager: pm.ProcessManager, method: str, child: Child) -> None:
    process = manager.start([child("ticker")])
    assert pm.run(["echo", "here"]).stdout == "here\n"
    with multiprocessing.get_context(method).Pool(2) as pool:
        assert pool.map(_in_worker, ["a", "b", "c"]) == ["a\n", "b\n", "c\n"]
    assert process.is_running


def test_errors_travel_between_processes() -> None:
    with pytest.raises(pm.ProgramNotFound) as caught:
        pm.run(["no-such-program"])
    copy = pickle.loads(pickle.dumps(caught.value))
    assert type(copy) is pm.ProgramNotFound
    assert str(copy) == str(caught.value)
    assert (copy.program, copy.step, copy.errno) == ("no-such-program", caught.value.step, 2)


def test_eight_threads_on_one_manager(manager: pm.ProcessManager, child: Child) -> None:
    problems: list[BaseException] = []

    def work(number: int) -> None:
        try:
            for turn in range(10):
                text = f"{number} {turn}"
                process = manager.start([child("echo_args"), text, "end"])
                assert list(process.output()) == [text, "end"]
                assert process.wait(20).success
                manager.remove(process)
        except BaseException as error:
            problems.append(error)

    threads = [threading.Thread(target=work, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert problems == []
    assert len(manager) == 0


def test_a_wait_does_not_hold_up_other_threads(manager: pm.ProcessManager) -> None:
    process = manager.start(["cat"], stdin="pipe")
    waiting = threading.Thread(target=process.wait)
    reading = threading.Thread(target=lambda: list(process.output()))
    waiting.start()
    reading.start()
    process.write("x\n")
    process.close_stdin()
    waiting.join(20)
    reading.join(20)
    assert not waiting.is_alive()
    assert not reading.is_alive()


def test_one_reader_in_two_threads_is_refused_not_corrupted(manager: pm.ProcessManager) -> None:
    process = manager.start(["cat"], stdin="pipe")
    output = process.output()
    first = threading.Thread(target=lambda: output.next())
    first.start()
    busy: list[str] = []
    while not busy:
        try:
            output.next(0.01)
        except pm.TimedOut:
            continue
        except RuntimeError as error:
            busy.append(str(error))
    assert "another thread" in busy[0]
    process.write("x\n")
    first.join(20)


def test_no_thread_is_left_after_the_last_manager() -> None:
    out, _ = script(
        "def threads(): return len(os.listdir('/proc/self/task'))\n"
        "before = threads()\n"
        "with pm.ProcessManager() as manager:\n"
        "    during = None\n"
        "    process = manager.start(['sleep', '60'])\n"
        "    during = threads()\n"
        "del manager, process\n"
        "end = time.monotonic() + 20\n"
        "while threads() != before and time.monotonic() < end:\n"
        "    os.sched_yield()  # the kernel lists a joined thread for a moment\n"
        "print(before, during <= 2, threads() == before)\n"
    )
    assert out == "1 True True\n"


def test_logging_gets_what_the_core_says(caplog: pytest.LogCaptureFixture, child: Child) -> None:
    with caplog.at_level("DEBUG", logger="process_manager"), pm.ProcessManager() as manager:
        manager.poll(0)  # the level is told now
        manager.extractor.add_file(child("echo_args"))
        manager.poll(0)
    assert [r.name for r in caplog.records if "executables" in r.message] == ["process_manager"]


@pytest.mark.parametrize("config", ["isolated", "legacy"])
def test_a_subinterpreter_is_refused_clearly(config: str) -> None:
    out, err = script(
        "try:\n"
        "    import _interpreters as interpreters\n"
        "except ImportError:\n"
        "    import _xxsubinterpreters as interpreters\n"
        "config = sys.argv[1]\n"
        "if sys.version_info >= (3, 13):\n"
        "    other = interpreters.create(config)\n"
        "else:\n"
        "    other = interpreters.create(isolated=config == 'isolated')\n"
        "code = 'try: import process_manager\\n'\n"
        "code += 'except ImportError as error: print(error, flush=True)'\n"
        "interpreters.run_string(other, code)\n"
        "interpreters.destroy(other)\n"
        "print(pm.run(['echo', 'main']).stdout, end='')\n",
        config,
    )
    assert err == ""
    told, main = out.splitlines()
    assert "cannot be used in a subinterpreter" in told
    assert main == "main"
