"""The counter of `make test`: what was skipped is neither counted as passed nor twice."""

from __future__ import annotations

import importlib.util
from typing import Any

from conftest import ROOT


def counted(text: str) -> Any:
    spec = importlib.util.spec_from_file_location("suites", ROOT / "mk" / "suites.py")
    assert spec is not None
    assert spec.loader is not None
    suites = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(suites)
    counter = suites.Counter()
    for line in text.splitlines():
        counter.line(line)
    return counter.end()


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
    shown = "test one ... skipped: not root\nok\nskipped: of whom?\nskipped: of whom?\n"
    assert str(counted(cargo(shown, 2))) == "0 passed, 0 failed, 3 skipped"


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
