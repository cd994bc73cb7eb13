"""Builds and runs the C and C++ programs of tests/c, tests/cpp and examples, each with a time limit.

    run.py --library DIR --children DIR --build DIR [--only TEXT] [MODE ...]

The modes are those of MODES below; all if none is named. Every program runs with a TMPDIR of its
own, and fails if it leaves a file there or a process that has this TMPDIR. A program that cannot
run says "skipped: why" and ends with 77. The last line gives the counts.
"""

import argparse
import concurrent.futures
import dataclasses
import functools
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
STRICT = ["-Wall", "-Wextra", "-Wpedantic", "-Werror", "-g"]
INCLUDE = [f"-I{ROOT}/include", f"-I{ROOT}/bindings/cpp/include", f"-I{ROOT}/tests/c"]
STATIC_LIBRARIES = ["-lpthread", "-ldl", "-lm", "-lgcc_s"]
VALGRIND = [
    "valgrind", "--quiet", "--leak-check=full", "--show-leak-kinds=definite,possible",
    "--errors-for-leak-kinds=definite,possible", "--error-exitcode=9", "--trace-children=no",
    f"--suppressions={ROOT}/tests/c/valgrind.supp",
]  # fmt: skip
SANITIZE = ["-fsanitize=address,undefined", "-fno-sanitize-recover=all"]


class Skip(Exception):
    """Why something cannot be tested here."""


@dataclasses.dataclass
class Mode:
    """How programs are built and run."""

    name: str
    cc: str = "gcc"
    cxx: str = "g++"
    flags: tuple = ()
    static: bool = False
    run: tuple = ()
    limit: int = 60  # seconds
    env: dict = dataclasses.field(default_factory=dict)


ASAN = {"PROCESS_MANAGER_SPAWN": "fork", "ASAN_OPTIONS": "detect_leaks=1:abort_on_error=0"}
MODES = {
    mode.name: mode
    for mode in (
        Mode("plain"),
        Mode("static", static=True),
        Mode("clang", cc="clang", cxx="clang++"),
        Mode("sanitize", flags=tuple(SANITIZE), env=ASAN),
        Mode("sanitize-clang", cc="clang", cxx="clang++", flags=tuple(SANITIZE), env=ASAN),
        Mode("valgrind", run=tuple(VALGRIND), limit=240),
    )
}


def generated(build, name):
    """The source of a generated program."""
    script = ROOT / f"tests/abi/{name}.py"
    made = subprocess.run([sys.executable, str(script)], check=True, stdout=subprocess.PIPE, text=True)
    source = build / f"generated/c/{name}.c"
    source.parent.mkdir(parents=True, exist_ok=True)
    source.write_text(made.stdout)
    return source


def programs(build):
    """The sources, by name."""
    found = [*ROOT.glob("tests/c/*.c"), *ROOT.glob("tests/cpp/*.cpp")]
    found += [generated(build, name) for name in ("null_table", "bad_table")]
    found += [*ROOT.glob("examples/c/*.c"), *ROOT.glob("examples/cpp/*.cpp")]
    return sorted(found)


def name_of(source):
    return f"{source.parent.parent.name}/{source.parent.name}/{source.stem}"


def directives(source):
    """What the first lines of a program ask for: "needs: PACKAGE", "not: MODE ...",
    "flags: FLAG ..."."""
    asked = {}
    for line in source.read_text().splitlines()[:5]:
        for key in ("needs", "not", "flags"):
            if f" {key}: " in line:
                asked[key] = line.split(f" {key}: ")[1].replace("*/", "").split()
    return asked


@functools.cache
def package(name):
    """The compiler flags of a system library."""
    if not shutil.which("pkg-config"):
        raise Skip("no pkg-config")
    got = subprocess.run(["pkg-config", "--cflags", "--libs", name], capture_output=True, text=True)
    if got.returncode != 0:
        raise Skip(f"the development files of {name} are not installed")
    return got.stdout.split()


class Runner:
    """Builds and runs programs against one build of the library."""

    def __init__(self, options):
        self.library = pathlib.Path(options.library).resolve()
        self.children = pathlib.Path(options.children).resolve()
        self.build = pathlib.Path(options.build).resolve()

    def compile(self, source, mode):
        """Builds one program; returns its path."""
        target = self.build / mode.name / name_of(source)
        target.parent.mkdir(parents=True, exist_ok=True)
        is_c = source.suffix == ".c"
        compiler = mode.cc if is_c else mode.cxx
        libraries = [flag for name in directives(source).get("needs", []) for flag in package(name)]
        command = [compiler, "-std=c11" if is_c else "-std=c++17", *STRICT, *mode.flags, *INCLUDE]
        command += ["-D_GNU_SOURCE", f'-DTICKER="{self.children}/ticker"', str(source), "-o", str(target)]
        command += directives(source).get("flags", []) + self.link(mode) + libraries + ["-lpthread", "-ldl"]
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode != 0:
            raise AssertionError(f"does not compile:\n{done.stderr}")
        return target

    def link(self, mode):
        if mode.static:
            return [str(self.library / "libprocess_manager.a"), *STATIC_LIBRARIES]
        return [f"-L{self.library}", "-lprocess_manager", f"-Wl,-rpath,{self.library}"]

    def run(self, program, mode):
        """Runs one program; returns why it failed, or None."""
        with tempfile.TemporaryDirectory(prefix="pm-c-") as directory:
            env = {**os.environ, **mode.env, "TMPDIR": directory, "PM_CHILDREN": str(self.children)}
            env["PM_LIBRARY"] = str(self.library / "libprocess_manager.so")
            command = [*mode.run, str(program)]
            process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                       env=env, stdin=subprocess.DEVNULL, start_new_session=True)  # fmt: skip
            try:
                output, _ = process.communicate(timeout=mode.limit)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                output, _ = process.communicate()
                return f"still running after {mode.limit} s\n{output.decode(errors='replace')}"
            text = output.decode(errors="replace")
            if process.returncode == 77:
                raise Skip(text.strip().rsplit("skipped: ", 1)[-1])
            if process.returncode != 0:
                return f"ended with {process.returncode}\n{text}"
            return left_behind(directory)

    def test(self, source, mode):
        """One line of the report: the outcome, and what to show."""
        label = f"{name_of(source)} ({mode.name})"
        try:
            if mode.name in directives(source).get("not", []):
                return None
            failure = self.run(self.compile(source, mode), mode)
        except Skip as why:
            return "skipped", f"skipped: {label}: {why}"
        except AssertionError as error:
            failure = str(error)
        return ("failed", f"FAILED {label}: {failure}") if failure else ("passed", f"ok {label}")


def why_not(mode):
    """The tool that a mode lacks here, if any."""
    missing = [tool for tool in (mode.cc, mode.cxx, *mode.run[:1]) if not shutil.which(tool)]
    return f"no {missing[0]}" if missing else no_runtime(mode)


def no_runtime(mode):
    """A compiler can come without the runtime that its flags ask for."""
    if not mode.flags:
        return None
    command = [mode.cc, *mode.flags, "-x", "c", "-", "-o", os.devnull]
    done = subprocess.run(command, input=b"int main(void) { return 0; }", capture_output=True)
    return f"{mode.cc} does not link with {' '.join(mode.flags)}" if done.returncode else None


def left_behind(directory):
    """Files in the directory, or processes that have it as their TMPDIR."""
    if names := os.listdir(directory):
        return f"left files behind: {names}"
    wanted = f"TMPDIR={directory}".encode()
    for entry in pathlib.Path("/proc").glob("[0-9]*"):
        try:
            if wanted in (entry / "environ").read_bytes().split(b"\0"):
                return f"left process {entry.name} behind: {(entry / 'cmdline').read_bytes()}"
        except OSError:
            pass  # it has gone, or is not ours
    return None


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--library", required=True)
    parser.add_argument("--children", required=True)
    parser.add_argument("--build", required=True)
    parser.add_argument("--only", default="")
    parser.add_argument("modes", nargs="*")
    options = parser.parse_args()
    runner = Runner(options)
    modes = [MODES[name] for name in options.modes or MODES]
    for mode in [mode for mode in modes if why_not(mode)]:
        modes.remove(mode)
        print(f"skipped: all programs ({mode.name}): {why_not(mode)}")
    jobs = [(source, mode) for mode in modes for source in programs(runner.build) if options.only in name_of(source)]
    counts = {"passed": 0, "failed": 0, "skipped": len(options.modes or MODES) - len(modes)}
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        for result in pool.map(lambda job: runner.test(*job), jobs):
            if result:
                counts[result[0]] += 1
                print(result[1], flush=True)
    print(", ".join(f"{count} {outcome}" for outcome, count in counts.items()))
    sys.exit(1 if counts["failed"] else 0)


if __name__ == "__main__":
    main()
