"""Dialogues with a program: prompts without newlines, expect, read, readline."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from pathlib import Path

import pytest

import process_manager as pm

Child = Callable[[str], Path]

ASKS = ["sh", "-c", 'printf "name? "; read name; echo "hello $name"; printf "bye"']


def test_a_prompt_is_seen_and_answered(manager: pm.ProcessManager) -> None:
    process = manager.start(ASKS, stdin="pipe")
    process.stdout.expect(r"\? ", timeout=20)
    process.write("Ada\n")
    match = process.stdout.expect(r"hello (\w+)\n", timeout=20)
    assert match[1] == "Ada"
    assert process.stdout.read(timeout=20) == "bye"
    assert process.stdout.read() == ""
    assert process.stdout.readline() == ""


def test_the_same_under_asyncio() -> None:
    async def main() -> None:
        async with pm.ProcessManager() as manager, manager.start(ASKS, stdin="pipe") as process:
            await process.stdout.expect_async(r"\? ")
            await process.write_async("Ada\n")
            assert await process.stdout.readline_async() == "hello Ada\n"
            assert await process.stdout.read_async() == "bye"

    asyncio.run(main())


def test_an_expectation_that_fails_consumes_nothing(manager: pm.ProcessManager) -> None:
    process = manager.start(["cat"], stdin="pipe")
    process.write("one two")
    with pytest.raises(pm.TimedOut):
        process.stdout.expect("three", timeout=0.05)
    process.close_stdin()
    with pytest.raises(pm.OutputEnded, match="one two") as caught:
        process.stdout.expect("three")
    assert isinstance(caught.value, EOFError)
    match = process.stdout.expect(re.compile("t.o"))
    assert match.string[: match.start()] == "one "


def test_read_takes_what_was_asked_for(manager: pm.ProcessManager) -> None:
    stream = manager.start(["printf", "abcdef"]).stream(raw=True)
    assert stream.read(2) == b"ab"
    assert stream.read(3) == b"cde"
    assert stream.read(3) == b"f"
    assert stream.read_some() == b""


def test_characters_are_not_cut(manager: pm.ProcessManager) -> None:
    process = manager.start(["cat"], stdin="pipe")
    process.write("ä".encode()[:1])
    with pytest.raises(pm.TimedOut):
        process.stdout.read(1, timeout=0.05)
    process.write("ä".encode()[1:])
    assert process.stdout.read(1, timeout=20) == "ä"


def test_the_streams_are_apart(manager: pm.ProcessManager) -> None:
    process = manager.start(["sh", "-c", "echo out; echo err >&2"])
    assert process.stderr.read() == "err\n"
    assert process.stdout.readline() == "out\n"
    assert list(process.output("stderr")) == ["err"]


def test_a_reader_that_stopped_reading_is_told_by_write(manager: pm.ProcessManager) -> None:
    process = manager.start(["true"], stdin="pipe")
    process.wait()
    with pytest.raises((pm.StdinClosed, pm.Closed)):
        process.write(b"x" * 1_000_000)


def test_a_write_nobody_reads_times_out(manager: pm.ProcessManager, child: Child) -> None:
    process = manager.start(child("never_reads_stdin"), stdin="pipe")
    with pytest.raises(pm.TimedOut):
        process.write(b"x" * 5_000_000, timeout=0.05)


def test_stdin_that_is_not_piped(manager: pm.ProcessManager) -> None:
    process = manager.start(["true"])
    with pytest.raises(pm.Closed):
        process.write("x")
    with pytest.raises(pm.Closed):
        process.close_stdin()
