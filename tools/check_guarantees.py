#!/usr/bin/env python3
"""Each promise of docs/guarantees.md names a test that is there: a file, and in parentheses the tests in it
(`Suite.Name`, or a word that the file has). Exit 1 with what is missing."""
import os
import re
import sys

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..")


def problems(text, root):
    """A line for each promise without a test."""
    found = []
    for number, line in enumerate(text.splitlines(), 1):
        if not line.startswith("| ") or line.startswith(("| promise", "| ---")):
            continue
        cells = [cell.strip() for cell in line.strip().strip("|").split(" | ")]
        shown = re.findall(r"`([^`]+)`", cells[-1]) if len(cells) == 2 else []
        if not shown:
            found.append(f"{number}: no test: {line[:100]}")
        source = ""
        for name in shown:
            path = os.path.join(root, name)
            if "/" in name:
                if not os.path.isfile(path):
                    found.append(f"{number}: {name} is not there")
                    continue
                with open(path, encoding="utf-8") as file:
                    source = file.read()
            elif not is_in(name, source):
                found.append(f"{number}: the file named before it has no test {name}")
    return found


def is_in(name, source):
    test = re.fullmatch(r"(\w+)\.(\w+)", name)
    if test:
        return re.search(rf"TEST(_F|_P)?\(\s*{test.group(1)},\s*{test.group(2)}\s*\)", source) is not None
    return name in source


def main():
    with open(os.path.join(ROOT, "docs", "guarantees.md"), encoding="utf-8") as file:
        text = file.read()
    # The check is checked: a name that is not there must be seen.
    broken = "| p | `src/no_such_test.cc` |\n| q | `tools/check_guarantees.py` (`No.Such`) |\n| r | nothing |\n"
    if len(problems(broken, ROOT)) != 3:
        sys.exit("check_guarantees.py finds nothing")
    found = problems(text, ROOT)
    for line in found:
        print(f"docs/guarantees.md:{line}")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
