"""Installs into an empty prefix, builds the consumer projects against that, and uninstalls.

The consumers are copied out of the source tree first. The last line gives the counts.
"""

import argparse
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
MAKE = os.environ.get("MAKE", "make").split()
PARTS = sorted((ROOT / "bindings/cpp/include/process_manager").glob("*.hpp"))
STRICT = ["-Wall", "-Wextra", "-Wpedantic", "-Werror"]


class Skip(Exception):
    """Why something cannot be tested here."""


def run(*command, **options):
    """The output of a command that must succeed."""
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True,
                          timeout=600, **options)  # fmt: skip
    assert done.returncode == 0, f"{' '.join(map(str, command))}\n{done.stdout}{done.stderr}"
    return done.stdout


def need(tool):
    if not shutil.which(tool):
        raise Skip(f"no {tool}")


class Consumers:
    """One installation, and the programs built against it."""

    def __init__(self, work, ticker):
        self.work = pathlib.Path(work)
        self.prefix = self.work / "prefix"
        self.ticker = pathlib.Path(ticker).resolve()
        self.source = self.work / "consumer"
        shutil.copytree(ROOT / "tests/install/consumer", self.source)

    def files(self):
        return sorted(str(path.relative_to(self.prefix)) for path in self.prefix.rglob("*")
                      if not path.is_dir())  # fmt: skip

    def make(self, target, **variables):
        run(*MAKE, "-C", ROOT, target, *(f"{name}={value}" for name, value in variables.items()))

    def install_puts_everything_in_place(self):
        self.make("install", PREFIX=self.prefix)
        names = [pathlib.Path(name).name for name in self.files()]
        for wanted in ("libprocess_manager.so", "libprocess_manager.so.0", "libprocess_manager.a",
                       "process_manager.h", "process_manager.hpp", "process_manager_embed.h",
                       *(part.name for part in PARTS),
                       "process_manager.pc", "process_managerConfig.cmake"):  # fmt: skip
            assert wanted in names, f"{wanted} is not among {names}"

    def destdir_only_stages(self):
        staged = self.work / "staged"
        self.make("install", PREFIX="/opt/pm", DESTDIR=staged)
        text = (staged / "opt/pm/lib/pkgconfig/process_manager.pc").read_text()
        assert "prefix=/opt/pm\n" in text, text
        assert not pathlib.Path("/opt/pm").exists()

    def pkg_config(self, *arguments):
        need("pkg-config")
        env = {**os.environ, "PKG_CONFIG_PATH": str(self.prefix / "lib/pkgconfig")}
        return run("pkg-config", *arguments, "process_manager", env=env).split()

    def a_shared_program_builds_with_pkg_config(self):
        flags = self.pkg_config("--cflags", "--libs")
        program = self.work / "with_pkg_config"
        run("cc", "-std=c11", *STRICT, f'-DTICKER="{self.ticker}"', self.source / "main.c",
            "-o", program, *flags)  # fmt: skip
        env = {**os.environ, "LD_LIBRARY_PATH": str(self.prefix / "lib")}
        assert run(program, env=env) == "ready\n"

    def a_static_program_builds_with_pkg_config(self):
        flags = self.pkg_config("--static", "--cflags", "--libs")
        flags = ["-l:libprocess_manager.a" if flag == "-lprocess_manager" else flag for flag in flags]
        program = self.work / "static_with_pkg_config"
        run("cc", "-std=c11", *STRICT, f'-DTICKER="{self.ticker}"', self.source / "main.c",
            "-o", program, *flags)  # fmt: skip
        assert run(program) == "ready\n"

    def cpp_programs_build_with_pkg_config(self):
        worker = self.work / "worker"
        run("cc", self.source / "worker.c", "-o", worker)
        common = ["c++", "-std=c++17", *STRICT, f'-DWORKER="{worker}"', self.source / "main.cpp"]
        flags = self.pkg_config("--cflags", "--libs")
        run(*common, "-o", self.work / "cpp_shared", *flags)
        env = {**os.environ, "LD_LIBRARY_PATH": str(self.prefix / "lib")}
        assert run(self.work / "cpp_shared", env=env) == "ready\n"
        flags = self.pkg_config("--static", "--cflags", "--libs")
        flags = ["-l:libprocess_manager.a" if flag == "-lprocess_manager" else flag for flag in flags]
        run(*common, "-o", self.work / "cpp_static", *flags)
        assert run(self.work / "cpp_static") == "ready\n"

    def links_lead_to_the_library_by_its_soname(self):
        library = self.prefix / "lib"
        need("readelf")
        for name in ("libprocess_manager.so", "libprocess_manager.so.0"):
            assert (library / name).is_symlink(), name
            assert (library / name).resolve().parent == library.resolve(), name
        dynamic = run("readelf", "-d", library / "libprocess_manager.so")
        assert "SONAME" in dynamic and "[libprocess_manager.so.0]" in dynamic, dynamic
        needed = run("readelf", "-d", self.work / "with_pkg_config")
        assert "Shared library: [libprocess_manager.so.0]" in needed, needed

    def programs_build_with_find_package(self):
        need("cmake")
        build = self.work / "cmake"
        run("cmake", "-S", self.source, "-B", build, f"-DCMAKE_PREFIX_PATH={self.prefix}",
            f"-DTICKER={self.ticker}", "-DCMAKE_C_FLAGS=-Wall -Wextra -Werror",
            "-DCMAKE_CXX_FLAGS=-Wall -Wextra -Werror")  # fmt: skip
        run("cmake", "--build", build)
        for program in ("shared", "static", "cpp", "cpp_static"):
            assert run(build / program) == "ready\n", program

    def uninstall_leaves_nothing(self):
        self.make("uninstall", PREFIX=self.prefix)
        assert self.files() == []
        left = [str(path) for path in self.prefix.rglob("process_manager*")]
        assert not left, f"directories left: {left}"


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--ticker", required=True)
    options = parser.parse_args()
    counts = {"passed": 0, "failed": 0, "skipped": 0}
    with tempfile.TemporaryDirectory(prefix="pm-install-") as work:
        consumers = Consumers(work, options.ticker)
        for check in (consumers.install_puts_everything_in_place,
                      consumers.destdir_only_stages,
                      consumers.a_shared_program_builds_with_pkg_config,
                      consumers.a_static_program_builds_with_pkg_config,
                      consumers.links_lead_to_the_library_by_its_soname,
                      consumers.cpp_programs_build_with_pkg_config,
                      consumers.programs_build_with_find_package,
                      consumers.uninstall_leaves_nothing):  # fmt: skip
            try:
                check()
                outcome, text = "passed", f"ok {check.__name__}"
            except Skip as why:
                outcome, text = "skipped", f"skipped: {check.__name__}: {why}"
            except (AssertionError, subprocess.TimeoutExpired) as error:
                outcome, text = "failed", f"FAILED {check.__name__}: {error}"
            counts[outcome] += 1
            print(text, flush=True)
    print(", ".join(f"{count} {outcome}" for outcome, count in counts.items()))
    sys.exit(1 if counts["failed"] else 0)


if __name__ == "__main__":
    main()
