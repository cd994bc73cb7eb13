"""Runs the suites named as arguments (`make test-NAME`), shows their output, adds up their counts.

Three ways of reporting are understood: cargo test's result lines, pytest's last line, and a plain
line "N passed, N failed, N skipped". A test of Rust that prints "skipped: why" counts as skipped.
A suite that fails without a count counts as one failed test. The last line printed is the total.
"""

import os
import re
import subprocess
import sys

CARGO = re.compile(r"^test result: \w+\. (\d+) passed; (\d+) failed; (\d+) ignored;")
PLAIN = re.compile(r"^(\d+) passed, (\d+) failed, (\d+) skipped$")
PYTEST = re.compile(r"^=*\s*((?:\d+ \w+(?:, )?)+) in [\d.]+s")
SKIPPED = re.compile(r"^(?:test .* \.\.\. )?skipped: ")
COLOUR = re.compile(r"\x1b\[[0-9;]*m")


class Counts:
    """Passed, failed and skipped tests."""

    def __init__(self):
        self.passed = self.failed = self.skipped = 0

    def add(self, passed, failed, skipped):
        self.passed += passed
        self.failed += failed
        self.skipped += skipped

    def __str__(self):
        return f"{self.passed} passed, {self.failed} failed, {self.skipped} skipped"


class Counter:
    """Reads one suite's output line by line."""

    def __init__(self):
        self.counts = Counts()
        self._said_skipped = 0  # of the cargo test binary that is running

    def line(self, text):
        text = COLOUR.sub("", text).rstrip()
        if SKIPPED.match(text):
            self._said_skipped += 1
        elif match := CARGO.match(text):
            passed, failed, ignored = map(int, match.groups())
            said = min(self._said_skipped, passed)
            self.counts.add(passed - said, failed, ignored + said)
            self._said_skipped = 0
        elif match := PLAIN.match(text):
            self.counts.add(*map(int, match.groups()))
        elif match := PYTEST.match(text):
            self._pytest(match.group(1))

    def _pytest(self, summary):
        found = {word: int(number) for number, word in re.findall(r"(\d+) (\w+)", summary)}
        failed = sum(found.get(word, 0) for word in ("failed", "error", "errors"))
        passed = found.get("passed", 0) + found.get("xfailed", 0)
        self.counts.add(passed, failed, found.get("skipped", 0))


def run(suite):
    """Runs one suite; returns its counts."""
    print(f"\n==== {suite} ====", flush=True)
    command = [os.environ.get("MAKE", "make"), f"test-{suite}"]
    counter = Counter()
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as process:
        for raw in process.stdout:
            sys.stdout.buffer.write(raw)
            sys.stdout.flush()
            counter.line(raw.decode(errors="replace"))
    if process.returncode != 0 and counter.counts.failed == 0:
        counter.counts.failed = 1
    return counter.counts


def main(suites):
    total = Counts()
    results = {suite: run(suite) for suite in suites}
    print("\n==== totals ====")
    for suite, counts in results.items():
        print(f"{suite:>10}: {counts}")
        total.add(counts.passed, counts.failed, counts.skipped)
    print(total)
    return 1 if total.failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
