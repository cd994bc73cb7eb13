"""Runs the suites named as arguments (`make test-NAME`), shows their output, adds up their counts.

Three ways of reporting are understood: cargo test's result lines, pytest's last line, and a plain
line "N passed, N failed, N skipped". A test of Rust that prints "skipped: why" counts as skipped,
however often it says so. One that prints this indented has run without that part only: it counts
as passed, and the part is named beside the totals. A suite that fails without a count counts as one
failed test.

What passed tests of Rust print is left out, but for what they skipped; `make test-NAME` shows it.
What failed tests print is repeated after the last suite, where nobody has to look for it. The last
line printed is the total.
"""

import collections
import os
import re
import subprocess
import sys

BEGIN = re.compile(r"^running \d+ tests?$")
OUTPUT_OF = re.compile(r"^---- (.+) stdout ----$")
CARGO = re.compile(r"^test result: \w+\. (\d+) passed; (\d+) failed; (\d+) ignored;")
PLAIN = re.compile(r"^(\d+) passed, (\d+) failed, (\d+) skipped$")
PYTEST = re.compile(r"^=*\s*((?:\d+ \w+(?:, )?)+) in [\d.]+s")
SKIPPED = re.compile(r"^(?:test (.+?) \.\.\. )?(\s*)skipped: (.*)")
FAILED = re.compile(r"^(FAILED|ERROR) ")
PYTEST_FAILURES = re.compile(r"^=+ (FAILURES|ERRORS) =+$")
ENDS_FAILURE = re.compile(r"^(ok |skipped: |=)")
COLOUR = re.compile(r"\x1b\[[0-9;]*m")


class Counts:
    """Passed, failed and skipped tests, and the parts that passed tests left out."""

    def __init__(self):
        self.passed = self.failed = self.skipped = 0
        self.parts = collections.Counter()  # reason: how many tests passed without it

    def add(self, passed, failed, skipped):
        self.passed += passed
        self.failed += failed
        self.skipped += skipped

    def add_all(self, other):
        self.add(other.passed, other.failed, other.skipped)
        self.parts.update(other.parts)

    def __str__(self):
        return f"{self.passed} passed, {self.failed} failed, {self.skipped} skipped"


class Said:
    """What the tests of one program of cargo test say about skipping."""

    def __init__(self):
        self.skipped = set()  # tests
        self.parts = set()  # tests with a reason
        self._test = None
        self._has_passed = True
        self._repeats = False  # what tests that passed have printed

    def line(self, text):
        """Takes a line. Failed tests count as failed, so what they print counts no more."""
        if match := OUTPUT_OF.match(text):
            self._test = match.group(1)
        elif text == "successes:":
            self._repeats = True
        elif text == "failures:":
            self._has_passed, self._repeats = False, False
        elif self._has_passed and (match := SKIPPED.match(text)):
            self._skip(*match.groups())

    def shows(self, text):
        """Whether a line is more than what a test that passed has printed."""
        return not self._repeats or bool(SKIPPED.match(text))

    def has_failed(self):
        """Whether the line just taken belongs to what failed tests have printed."""
        return not self._has_passed

    def _skip(self, name, indent, why):
        # Without --show-output some lines are nobody's: each may be another test's.
        test = name or self._test or object()
        if indent:
            self.parts.add((test, why))
        else:
            self.skipped.add(test)

    def count(self, counts, passed, failed, ignored):
        """Adds what the result line says. Only tests that it counts as passed can be skipped."""
        skipped = min(len(self.skipped), passed)
        counts.add(passed - skipped, failed, ignored + skipped)
        counts.parts.update(why for test, why in self.parts if test not in self.skipped)


class Failures:
    """What a suite prints of its failed tests."""

    def __init__(self):
        self.lines = []
        self._is_inside = False

    def line(self, text, of_cargo):
        """Takes a line; `of_cargo` is whether cargo test prints it of a failed test."""
        if FAILED.match(text) or PYTEST_FAILURES.match(text):
            self._is_inside = True
        elif ENDS_FAILURE.match(text) or PLAIN.match(text):
            self._is_inside = False
        if self._is_inside or of_cargo:
            self.lines.append(text)


class Counter:
    """Reads one suite's output line by line."""

    def __init__(self):
        self.counts = Counts()
        self.failures = Failures()
        self._said = None  # by the tests of the cargo test program that is running
        self._outside = 0  # said by the suite itself, since the last counts

    def line(self, text):
        """Takes a line; returns whether it is worth to be shown."""
        text = COLOUR.sub("", text).rstrip()
        self._count(text)
        self.failures.line(text, bool(self._said and self._said.has_failed()))
        return self._said is None or self._said.shows(text)

    def _count(self, text):
        if BEGIN.match(text):
            self._said = Said()
        elif (match := CARGO.match(text)) and self._said:
            self._said.count(self.counts, *map(int, match.groups()))
            self._said = None
        elif self._said:
            self._said.line(text)
        elif match := PLAIN.match(text):
            self._reported(*map(int, match.groups()))
        elif match := PYTEST.match(text):
            self._pytest(match.group(1))
        elif (match := SKIPPED.match(text)) and not match.group(2):
            self._outside += 1

    def end(self):
        """The counts, with what the suite has skipped as a whole: no count includes that."""
        self.counts.skipped += self._outside
        self._outside = 0
        return self.counts

    def _reported(self, passed, failed, skipped):
        """Such a line counts what the lines above it have named."""
        self.counts.add(passed, failed, skipped)
        self._outside = 0

    def _pytest(self, summary):
        found = {word: int(number) for number, word in re.findall(r"(\d+) (\w+)", summary)}
        failed = sum(found.get(word, 0) for word in ("failed", "error", "errors"))
        passed = found.get("passed", 0) + found.get("xfailed", 0)
        self._reported(passed, failed, found.get("skipped", 0))


def run(suite):
    """Runs one suite; returns its counts and what its failed tests have printed."""
    print(f"\n==== {suite} ====", flush=True)
    command = [os.environ.get("MAKE", "make"), f"test-{suite}"]
    counter = Counter()
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as process:
        for raw in process.stdout:
            if counter.line(raw.decode(errors="replace")):
                sys.stdout.buffer.write(raw)
                sys.stdout.flush()
    counts = counter.end()
    if process.returncode != 0 and counts.failed == 0:
        counts.failed = 1
        counter.failures.lines.append(f"make test-{suite} ended with {process.returncode}")
    return counts, counter.failures.lines


def main(suites):
    total = Counts()
    results = {suite: run(suite) for suite in suites}
    for suite, (_, failures) in results.items():
        if failures:
            print(f"\n==== failures of {suite} ====", *failures, sep="\n")
    print("\n==== totals ====")
    for suite, (counts, _) in results.items():
        print(f"{suite:>10}: {counts}")
        total.add_all(counts)
    for why, count in sorted(total.parts.items()):
        print(f"passed, but skipped in part ({count}): {why}")
    print(total)
    return 1 if total.failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
