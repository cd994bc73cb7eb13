"""The counter of `make test`: what was skipped is neither counted as passed nor twice."""

from __future__ import annotations

import importlib.util
from typing import Any

from conftest import ROOT


def counter() -> Any:
    spec = importlib.util.spec_from_file_location("suites", ROOT / "mk" / "suites.py")
    assert spec is not None
    assert spec.loader is not None
    suites = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(suites)
    return suites.Counter()


def counted(text: str) -> Any:
    reader = counter()
    for line in text.splitlines():
        reader.line(line)
    return reader.end()


def shown(text: str) -> tuple[list[str], list[str]]:
    """What is shown of a suite's output, and what is repeated at the end."""
    reader = counter()
    lines = [line for line in text.splitlines() if reader.line(line)]
    return lines, reader.failures.lines


def cargo(sections: str, passed: int, failed: int = 0) -> str:
    result = f"test result: ok. {passed} passed; {failed} failed; 1 ignored; 0 measured"
    return f"\nrunning {passed + failed + 1} tests\n{sections}\n{result}; 0 filtered out\n"


def test_a_part_that_is_skipped_leaves_its_test_passed() -> None:
    parts = "  skipped: no cgroup here (x)\n  skipped: no pidns here (y)\n"
    text = cargo(
        f"successes:\n\n---- one stdout ----\n{parts}\n---- two stdout ----\n{parts * 3}", 7
    )
    counts = counted(text)
    assert str(counts) == "7 passed, 0 failed, 1 skipped"
    assert counts.parts == {"no cgroup here (x)": 2, "no pidns here (y)": 2}


def test_a_test_that_is_skipped_counts_once() -> None:
    sections = "successes:\n\n---- one stdout ----\nskipped: not root\nskipped: not root\n"
    assert str(counted(cargo(sections, 3) * 2)) == "4 passed, 0 failed, 4 skipped"
    lines = "test one ... skipped: not root\nok\nskipped: of whom?\nskipped: of whom?\n"
    assert str(counted(cargo(lines, 2))) == "0 passed, 0 failed, 3 skipped"


def test_what_a_failed_test_prints_is_no_skip() -> None:
    section = "failures:\n\n---- one stdout ----\nskipped: not root\n  skipped: no pidns\n"
    counts = counted(cargo(section, 2, failed=1))
    assert str(counts) == "2 passed, 1 failed, 1 skipped"
    assert counts.parts == {}


def test_a_suite_that_is_skipped_counts_at_the_end() -> None:
    skip = "skipped: guards as the default\n"
    assert str(counted(cargo("", 2) + skip)) == "2 passed, 0 failed, 2 skipped"
    assert str(counted(skip + cargo("", 2))) == "2 passed, 0 failed, 2 skipped"


def test_a_count_includes_the_skips_above_it() -> None:
    plain = "skipped: this\n1 passed, 0 failed, 1 skipped\n"
    assert str(counted(plain)) == "1 passed, 0 failed, 1 skipped"
    pytest = "SKIPPED [1] x.py: why\n=== 4 passed, 2 skipped, 1 error in 0.31s ==="
    assert str(counted(pytest)) == "4 passed, 1 failed, 2 skipped"


def test_what_passed_tests_print_is_left_out_but_for_what_they_skipped() -> None:
    section = "successes:\n\n---- one stdout ----\nchatter\nskipped: no clang\n"
    lines, repeated = shown(cargo("test one ... ok\n" + section, 2) + "after\n")
    assert "chatter" not in lines
    assert lines[2] == "test one ... ok"
    assert lines[-3:-2] == ["skipped: no clang"]
    assert lines[-2].startswith("test result: ok. 2 passed")
    assert lines[-1] == "after"
    assert repeated == []


def test_what_failed_tests_print_is_repeated_at_the_end() -> None:
    section = "successes:\n\n---- one stdout ----\nx\nfailures:\n\n---- two stdout ----\nwhy\n"
    lines, repeated = shown(cargo(section, 2, failed=1) + "after\n")
    assert "why" in lines
    assert repeated == ["failures:", "", "---- two stdout ----", "why", ""]
    assert shown("ok a\nFAILED b: 1 != 2\n  at line 3\nok c\n")[1] == [
        "FAILED b: 1 != 2",
        "  at line 3",
    ]
    section = "=== FAILURES ===\n___ test_x ___\nE  assert\n=== short test summary info ===\n"
    assert shown(section + "FAILED x.py::test_x - assert\n=== 1 failed in 0.1s ===")[1] == [
        "=== FAILURES ===",
        "___ test_x ___",
        "E  assert",
        "FAILED x.py::test_x - assert",
    ]
