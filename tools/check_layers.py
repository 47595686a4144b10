#!/usr/bin/env python3
"""Fails when an #include under src/ disagrees with src/LAYERS, or a pure folder reaches outside."""
import os
import re
import sys

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "src")
ADAPTERS = ("store/", "blob/", "archive/", "repo/", "compute/")
PURE = ("base/", "json/", "lang/")
IMPURE = re.compile(r"#include <(thread|mutex|random|fstream|filesystem|sys/|unistd|boost/asio|boost/beast)"
                    r"|system_clock::now|steady_clock::now|\bstd::rand\b|\bgetenv\b")
HOMES = [(re.compile(r"#include <sqlite3"), ("store/journal/",)),
         (re.compile(r"#include <boost/beast"), ("io/", "wire/http/", "algorithm/")),
         (re.compile(r"#include <xgboost"), ("algorithm/xgboost/",)),
         (re.compile(r"#include <boost/asio"), ("io/", "task/", "wire/", "sandbox/", "app/", "store/journal/",
                                                "blob/files/", "archive/libarchive/", "repo/git/",
                                                "compute/container/", "algorithm/"))]


def read_layers():
    rules = {}
    for line in open(os.path.join(ROOT, "LAYERS")):
        words = line.split("#")[0].split()
        if words:
            rules[words[0]] = [] if words[1:] == ["-"] else words[1:]
    return rules


def allowed(path, target, rules):
    module, other = path.split("/")[0], target.split("/")[0]
    if path.endswith("_test.cc") or rules.get(module) == ["*"]:
        return True
    if module == other:
        if module == "lang":
            mine, theirs = "/".join(path.split("/")[:2]), "/".join(target.split("/")[:2])
            return mine == theirs or theirs in rules.get(mine, [])
        if module == "service":
            mine, theirs = path.split("/")[1], target.split("/")[1]
            return mine == theirs or target.count("/") == 1
        return True
    if any(target == rule or target.startswith(rule + "/") for rule in rules[module]):
        return True
    return other == "io" and path.startswith(ADAPTERS) and path.count("/") > 1


def main():
    rules, problems = read_layers(), []
    for folder, _, names in os.walk(ROOT):
        for name in sorted(names):
            if not name.endswith((".h", ".cc")):
                continue
            path = os.path.relpath(os.path.join(folder, name), ROOT)
            for number, line in enumerate(open(os.path.join(folder, name), encoding="utf-8"), 1):
                where = f"src/{path}:{number}"
                include = re.match(r'#include "([^"]+)"', line)
                if include and include[1].split("/")[0] in rules and not allowed(path, include[1], rules):
                    problems.append(f"{where}: {path.split('/')[0]} may not include {include[1]}")
                if path.endswith("_test.cc") or "/test_" in path:
                    continue
                if path.startswith(PURE) and IMPURE.search(line) and not path.startswith(("base/log", "base/test_cases")):
                    problems.append(f"{where}: not pure: {line.strip()}")
                for pattern, homes in HOMES:
                    if pattern.search(line) and not path.startswith(homes):
                        problems.append(f"{where}: belongs in {', '.join(homes)}: {line.strip()}")
    print("\n".join(problems) or "layers: fine")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
