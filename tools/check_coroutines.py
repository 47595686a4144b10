#!/usr/bin/env python3
"""Coroutine rules that g++ 12 needs (faults reproduced with 12.2; see CONTRIBUTING.md):
no braced list inside a co_await expression, no switch on one, none as a branch of ?:, no sleeping in tests."""
import os
import re
import sys

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "src")
SLEEP = re.compile(r"\b(sleep_for|sleep_until|usleep|nanosleep)\b")


def co_await_expressions(text):
    """(offset, expression) up to the end of the statement, strings blanked."""
    text = re.sub(r'"(?:\\.|[^"\\\n])*"|//[^\n]*', lambda m: " " * len(m[0]), text)
    for match in re.finditer(r"\bco_await\b", text):
        depth, end = 0, match.end()
        while end < len(text) and not (depth == 0 and text[end] in ";,)"):
            depth += text[end] in "(["
            depth -= text[end] in ")]"
            if text[end] == "{":
                yield match.start(), "brace"
                break
            end += 1
        before = text[:match.start()].rstrip()
        if re.search(r"switch\s*\($", before):
            yield match.start(), "switch"
        if before.endswith("?"):
            yield match.start(), "conditional"


def main():
    problems = []
    for folder, _, names in os.walk(ROOT):
        for name in sorted(names):
            if not name.endswith((".h", ".cc")):
                continue
            path = os.path.join(folder, name)
            text = open(path, encoding="utf-8").read()
            for offset, kind in co_await_expressions(text):
                line = text.count("\n", 0, offset) + 1
                problems.append(f"{os.path.relpath(path, ROOT)}:{line}: {kind} with a co_await expression")
            if name.endswith("_test.cc"):
                for number, line in enumerate(text.split("\n"), 1):
                    if SLEEP.search(line):
                        problems.append(f"{os.path.relpath(path, ROOT)}:{number}: a test must not sleep")
    print("\n".join(problems) or "coroutines: fine")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
