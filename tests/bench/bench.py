"""`./dev bench [GROUP...]`: figures, each beside a floor or peer of the same shape measured in the same run.

Prints a table and keeps it in build/bench.json. A group is a module of tests/bench/groups with run(runs); without
names all but `build` run. --runs N (5): counted runs of each figure. An output that is not the expected one ends it."""
import argparse
import importlib
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import report  # noqa: E402

GROUPS = ["start", "loop", "wire", "waits", "history", "store", "interpreter", "query", "jobs", "objects", "training",
          "boost", "many"]
ON_REQUEST = ["build"]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("group", nargs="*", metavar="GROUP", help=", ".join(GROUPS + ON_REQUEST))
    parser.add_argument("--runs", type=int, default=5)
    options = parser.parse_args()
    for name in options.group:
        if name not in GROUPS + ON_REQUEST:
            parser.error(f"no group {name}: {', '.join(GROUPS + ON_REQUEST)}")
    report.heading()
    try:
        for name in options.group or GROUPS:
            importlib.import_module("groups." + name).run(options.runs)
    finally:
        report.keep(os.path.join(report.BUILD, "bench.json"))


if __name__ == "__main__":
    main()
