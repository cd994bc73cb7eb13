"""Whatever a child writes arrives exactly once and in order, as lines, records and bytes."""

from __future__ import annotations

import asyncio
import os
import sys
import threading
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import process_manager as pm

#: What is written, and where the writes are cut.
CHUNKS = st.lists(
    st.one_of(
        st.binary(max_size=200),
        st.sampled_from([b"\n", b"\n\n", b"\r\n", b"\0", b"x" * 70_000, "ä€".encode()]),
    ),
    max_size=30,
)

RELAXED = settings(
    max_examples=int(os.environ.get("PM_EXAMPLES", "40")),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


@pytest.fixture(scope="module")
def shared() -> Iterator[pm.ProcessManager]:
    with pm.ProcessManager() as manager:
        yield manager


def feed(process: pm.Process, chunks: list[bytes]) -> threading.Thread:
    """Has ``cat`` write the chunks, from another thread."""

    def write() -> None:
        for chunk in chunks:
            process.write(chunk)
        process.close_stdin()

    thread = threading.Thread(target=write)
    thread.start()
    return thread


def lines_of(data: bytes) -> list[bytes]:
    lines = data.split(b"\n")
    return lines if lines[-1] else lines[:-1]


def start(manager: pm.ProcessManager) -> pm.Process:
    return manager.start(["cat"], stdin="pipe", output_policy="block")


@RELAXED
@given(chunks=CHUNKS)
def test_lines(shared: pm.ProcessManager, chunks: list[bytes]) -> None:
    process = start(shared)
    writer = feed(process, chunks)
    assert list(process.output().lines(raw=True)) == lines_of(b"".join(chunks))
    writer.join()


@RELAXED
@given(chunks=CHUNKS)
def test_text(shared: pm.ProcessManager, chunks: list[bytes]) -> None:
    process = start(shared)
    writer = feed(process, chunks)
    expected = [line.decode("utf-8", "surrogateescape") for line in lines_of(b"".join(chunks))]
    assert list(process.output().lines(errors="surrogateescape")) == expected
    writer.join()


@RELAXED
@given(chunks=CHUNKS)
def test_records(shared: pm.ProcessManager, chunks: list[bytes]) -> None:
    process = start(shared)
    writer = feed(process, chunks)
    records = list(process.output().records(raw=True))
    writer.join()
    lines = [record for record in records if isinstance(record, pm.Line)]
    assert len(lines) == len(records)
    data = b"".join(chunks)
    assert [line.data for line in lines] == lines_of(data)
    assert [line.partial for line in lines[:-1]] == [False] * (len(lines) - 1 if lines else 0)
    sequences = [line.sequence for line in lines]
    assert sequences == sorted(sequences)
    if lines:
        assert sequences[-1] == len(data)
        assert lines[-1].partial == (not data.endswith(b"\n"))


@RELAXED
@given(chunks=CHUNKS, sizes=st.lists(st.integers(1, 100_000), min_size=1, max_size=20))
def test_bytes(shared: pm.ProcessManager, chunks: list[bytes], sizes: list[int]) -> None:
    process = start(shared)
    writer = feed(process, chunks)
    stream = process.stream(raw=True)
    read = b"".join(stream.read(size) for size in sizes) + stream.read()
    assert read == b"".join(chunks)
    writer.join()


@RELAXED
@given(chunks=CHUNKS)
def test_lines_under_asyncio(shared: pm.ProcessManager, chunks: list[bytes]) -> None:
    async def main() -> list[bytes]:
        process = start(shared)
        writer = feed(process, chunks)
        lines = [line async for line in process.output().lines(raw=True)]
        writer.join()
        return lines

    assert asyncio.run(main()) == lines_of(b"".join(chunks))


@RELAXED
@given(data=st.binary(max_size=300_000))
def test_run_gives_back_what_it_was_fed(shared: pm.ProcessManager, data: bytes) -> None:
    assert shared.run(["cat"], input=data, text=False).stdout == data


@RELAXED
@given(args=st.lists(st.binary(max_size=50).map(lambda b: b.replace(b"\0", b"")), max_size=8))
def test_arguments_arrive_as_they_are(shared: pm.ProcessManager, args: list[bytes]) -> None:
    code = "import os, sys; print([os.fsencode(a) for a in sys.argv[1:]])"
    command: list[str | bytes] = [sys.executable, "-S", "-E", "-c", code, *args]
    assert shared.run(command).stdout == f"{args}\n"
