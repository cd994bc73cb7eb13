"""Prints a C program that prints the layout of every struct and the value of every enum constant.

Its output is compared with tests/abi/layout.txt by check.py.
"""

import pathlib
import re

HEADER = pathlib.Path(__file__).resolve().parents[2] / "include/process_manager.h"


def text():
    return re.sub(r"/\*.*?\*/|//[^\n]*|^\s*#[^\n]*$", "", HEADER.read_text(), flags=re.S | re.M)


def structs(header):
    for body, name in re.findall(r"typedef struct(?: \w+)? \{(.*?)\} (\w+);", header, flags=re.S):
        yield name, re.findall(r"(\w+)(?:\[\d+\])?;", body)


def constants(header):
    for body in re.findall(r"enum \w+[^{;]*\{(.*?)\}", header, flags=re.S):
        yield from re.findall(r"(PM_\w+) =", body)


def program():
    header = text()
    lines = []
    for name, fields in structs(header):
        lines.append(f'printf("{name} %zu\\n", sizeof({name}));')
        lines += [f'printf("{name}.{field} %zu\\n", offsetof({name}, {field}));' for field in fields]
    lines += [f'printf("{name} %lld\\n", (long long){name});' for name in constants(header)]
    body = "\n    ".join(lines)
    return ("#include <process_manager.h>\n#include <stdio.h>\n\n"
            f"int main(void)\n{{\n    {body}\n    return 0;\n}}\n")  # fmt: skip


if __name__ == "__main__":
    print(program(), end="")
