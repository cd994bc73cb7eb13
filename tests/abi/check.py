"""Checks what the built library shows to the outside: its symbols, its name, its header.

    check.py --library DIR --build DIR           PM_UPDATE=1 rewrites symbols.txt and layout.txt

Each check is a function whose name says the rule. The last line gives the counts.
"""

import argparse
import concurrent.futures
import os
import pathlib
import re
import shutil
import subprocess
import sys

import layout

ROOT = pathlib.Path(__file__).resolve().parents[2]
HEADER = ROOT / "include/process_manager.h"
SYMBOLS = ROOT / "tests/abi/symbols.txt"
LAYOUT = ROOT / "tests/abi/layout.txt"
STRICT = ["-Wall", "-Wextra", "-Wpedantic", "-Werror", "-fsyntax-only"]
INCLUDE = [f"-I{ROOT}/include", f"-I{ROOT}/bindings/cpp/include"]
CPP = ROOT / "bindings/cpp/include"
CPP_HEADERS = sorted(str(path.relative_to(CPP)) for path in CPP.rglob("*.hpp"))


class Skip(Exception):
    """Why something cannot be checked here."""


def output(*command):
    if not shutil.which(command[0]):
        raise Skip(f"no {command[0]}")
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def exported(options):
    listing = output("nm", "-D", "--defined-only", f"{options.library}/libprocess_manager.so")
    return sorted(line.split()[-1] for line in listing.splitlines())


def declared():
    """The functions of the header: declarations begin at the start of a line."""
    text = re.sub(r"/\*.*?\*/", "", HEADER.read_text(), flags=re.S)
    return sorted(re.findall(r"^[a-z][\w \*]*?\b(pm_\w+)\(", text, flags=re.M))


def only_our_functions_are_exported(options):
    strangers = [name for name in exported(options) if not name.startswith("pm_")]
    assert not strangers, f"exported: {strangers}"


def header_and_library_have_the_same_functions(options):
    assert exported(options) == declared(), sorted(set(exported(options)) ^ set(declared()))


def no_symbol_has_come_or_gone_unseen(options):
    text = "".join(f"{name}\n" for name in exported(options))
    if os.environ.get("PM_UPDATE"):
        SYMBOLS.write_text(text)
    known = SYMBOLS.read_text()
    changed = sorted(set(text.split()) ^ set(known.split()))
    assert not changed, f"{changed}: if that is meant, PM_UPDATE=1 make test-abi"


def no_layout_or_value_has_changed_unseen(options):
    build = pathlib.Path(options.build)
    build.mkdir(parents=True, exist_ok=True)
    source, program = build / "layout.c", build / "layout"
    source.write_text(layout.program())
    output("cc", "-std=c11", *INCLUDE, str(source), "-o", str(program))
    text = output(str(program))
    if os.environ.get("PM_UPDATE"):
        LAYOUT.write_text(text)
    changed = sorted(set(text.splitlines()) ^ set(LAYOUT.read_text().splitlines()))
    assert not changed, f"{changed}: if that is meant, PM_UPDATE=1 make test-abi"


def library_has_its_soname_and_stays_loaded(options):
    dynamic = output("readelf", "-d", f"{options.library}/libprocess_manager.so")
    assert "[libprocess_manager.so.0]" in dynamic, "no SONAME"
    assert "NODELETE" in dynamic, "not linked with -z nodelete"


def header_stands_alone(options, compiler, standard, language, header, *flags):
    if not shutil.which(compiler):
        raise Skip(f"no {compiler}")
    source = f"#include <{header}>\n#include <{header}>\nextern int unused;\n"
    command = [compiler, f"-std={standard}", "-x", language, *STRICT, *flags, *INCLUDE, "-"]
    done = subprocess.run(command, input=source, capture_output=True, text=True)
    if "unrecognized command-line option" in done.stderr or "invalid value" in done.stderr:
        raise Skip(f"{compiler} knows no {standard}")
    assert done.returncode == 0, done.stderr


def the_cpp_header_includes_all_its_parts(options):
    text = (CPP / "process_manager.hpp").read_text()
    parts = [name for name in CPP_HEADERS if "/" in name and not internal(name)]
    missing = [name for name in parts if f"#include <{name}>" not in text]
    assert parts and not missing, f"not included: {missing}"


def internal(header):
    """True for what only other headers include: it says so in its first lines."""
    return "Not for programs" in (CPP / header).read_text().split("#ifndef")[0]


# What C++ programs do not need, and why.
NOT_IN_CPP = {
    "pm_command_add_args": "Command::args() adds them one by one, with any bytes in them",
}


def all_of_c_is_reachable_from_cpp(options):
    text = "".join(re.sub(r"//.*", "", (CPP / name).read_text()) for name in CPP_HEADERS)
    used = set(re.findall(r"\bpm_\w+\b", text))
    missing = [name for name in exported(options) if name not in used | NOT_IN_CPP.keys()]
    assert not missing, f"not reachable: {missing}"
    needless = [name for name in NOT_IN_CPP if name in used or name not in exported(options)]
    assert not needless, f"listed as not needed, but used or gone: {needless}"


def the_example_in_the_cpp_header_compiles(options):
    comment = (CPP / "process_manager.hpp").read_text().split("#ifndef")[0]
    example = "\n".join(re.findall(r"^//     (.*)$", comment, flags=re.M))
    assert "namespace pm = " in example, "no example in the header"
    source = "#include <process_manager.hpp>\n#include <iostream>\n"
    source += f"void run(const void *ticker, size_t ticker_size)\n{{\n{example}\n}}\n"
    command = ["g++", "-std=c++17", "-x", "c++", *STRICT, *INCLUDE, "-"]
    done = subprocess.run(command, input=source, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def cpp_headers_are_short(options):
    long = [name for name in CPP_HEADERS if len((CPP / name).read_text().splitlines()) > 400]
    assert not long, f"more than 400 lines: {long}"


def cpp_headers_can_be_in_two_translation_units(options, compiler, *flags):
    if not shutil.which(compiler):
        raise Skip(f"no {compiler}")
    build = pathlib.Path(options.build) / "-".join((compiler, *flags))
    build.mkdir(parents=True, exist_ok=True)
    includes = "".join(f"#include <{header}>\n" for header in CPP_HEADERS) * 2
    for name, body in (("one", "int other();\nint main() { return other(); }"),
                       ("other", "int other() { return int(sizeof(process_manager::Manager)) == 0; }")):  # fmt: skip
        (build / f"{name}.cpp").write_text(f"{includes}{body}\n")
    sources = [str(build / "one.cpp"), str(build / "other.cpp")]
    output(compiler, "-std=c++17", *STRICT[:-1], *flags, *INCLUDE, *sources,
           "-o", str(build / "two"), f"-L{options.library}", "-lprocess_manager")  # fmt: skip


def checks():
    """Name and function of every check."""
    for check in (only_our_functions_are_exported, header_and_library_have_the_same_functions,
                  no_symbol_has_come_or_gone_unseen,
                  no_layout_or_value_has_changed_unseen, library_has_its_soname_and_stays_loaded,
                  the_cpp_header_includes_all_its_parts, all_of_c_is_reachable_from_cpp,
                 
                  the_example_in_the_cpp_header_compiles, cpp_headers_are_short):  # fmt: skip
        yield check.__name__, check
    for c, cxx in (("gcc", "g++"), ("clang", "clang++")):
        yield from checks_of_headers(c, "c", ["process_manager.h"], ("c11", "c17", "c2x"))
        yield from checks_of_headers(cxx, "c++", ["process_manager.h"], ("c++17", "c++20"))
        for flags in ((), ("-fno-exceptions",)):
            yield from checks_of_headers(cxx, "c++", CPP_HEADERS, ("c++17", "c++20"), *flags)
            name = f"C++ headers in two translation units with {' '.join((cxx, *flags))}"
            yield name, lambda o, a=(cxx, *flags): cpp_headers_can_be_in_two_translation_units(o, *a)


def checks_of_headers(compiler, language, headers, standards, *flags):
    """Each header alone, in each standard."""
    for standard in standards:
        for header in headers:
            name = f"{header} alone with {' '.join((compiler, *flags))} as {standard}"
            arguments = (compiler, standard, language, header, *flags)
            yield name, lambda o, a=arguments: header_stands_alone(o, *a)


def perform(name, check, options):
    """One line of the report: the outcome, and what to show."""
    try:
        check(options)
    except Skip as why:
        return "skipped", f"skipped: {name}: {why}"
    except (AssertionError, subprocess.CalledProcessError) as error:
        return "failed", f"FAILED {name}: {error} {getattr(error, 'stderr', '')}"
    return "passed", f"ok {name}"


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--library", required=True)
    parser.add_argument("--build", required=True)
    options = parser.parse_args()
    counts = {"passed": 0, "failed": 0, "skipped": 0}
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        for outcome, text in pool.map(lambda named: perform(*named, options), checks()):
            counts[outcome] += 1
            print(text, flush=True)
    print(", ".join(f"{count} {outcome}" for outcome, count in counts.items()))
    sys.exit(1 if counts["failed"] else 0)


if __name__ == "__main__":
    main()
