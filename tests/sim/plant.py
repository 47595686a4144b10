#!/usr/bin/env python3
"""Makes a source with a planted bug: plant.py PLANT.txt SOURCE_ROOT OUT.cc

A plant is a text: "why: ...", "file: src/...", then "-- old --" and "-- new --". The old text must
stand once in the file; it is replaced by the new one.
"""
import re
import sys


def read(path):
    text = open(path, encoding="utf-8").read()
    head, old, new = re.fullmatch(r"(.*?)-- old --\n(.*?)-- new --\n(.*)", text, re.S).groups()
    fields = dict(line.split(": ", 1) for line in head.splitlines())
    return fields["file"], old, new


def main():
    plant, root, out = sys.argv[1:4]
    name, old, new = read(plant)
    if out == "--file":
        print(name)
        return
    source = open(f"{root}/{name}", encoding="utf-8").read()
    if source.count(old) != 1:
        sys.exit(f"{plant}: the old text stands {source.count(old)} times in {name}, not once")
    with open(out, "w", encoding="utf-8") as made:
        made.write(source.replace(old, new))


main()
