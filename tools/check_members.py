#!/usr/bin/env python3
"""Which modelled members nobody takes.

  tools/check_members.py [--refuse] [SERVICE...]

A member of an operation's input is taken (a source of the service names it), kept (its row's `keeps`
does) or refused: then models/SERVICE.json lists it under "refused" by its shape, and the door answers
for it. Prints the members that are neither, and exits 1 when there are any; --refuse adds them to
the list instead.
"""
import argparse
import json
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
FOLDERS = {"stepfunctions": "states", "sagemaker-runtime": "sagemaker", "codestar-connections": "codeconnections"}
READERS = {"stepfunctions": ["src/lang/asl"], "dynamodb": ["src/lang/dynamodb"]}  # who else reads an input
# Names that a source puts together from a part: "Checksum" + algorithm.
BUILT = {"s3": re.compile("(Checksum|Response|CopySourceIf|SSECustomer).*")}
EVERYWHERE = {"Key", "Value", "key", "value"}  # of tags and maps


def words_of(folders):
    """Every word of every string literal, and the members that rows keep with all that is in them."""
    words, kept = set(), set()
    for source in sorted(path for folder in folders for path in folder.glob("*")):
        if source.suffix not in (".cc", ".h") or source.name.endswith("_test.cc"):
            continue
        text = re.sub(r"(?m)^\s*//.*$", "", source.read_text())
        text = re.sub(r'"\s*\n\s*"', "", text)  # one literal in two lines
        for literal in re.findall(r'"((?:[^"\\\n]|\\.)*)"', text):
            words.update(re.split(r"[^\w-]+", literal))
            if re.fullmatch(r"[\w.]+(,[\w.]+)*", literal):
                kept.update(name.split(".")[-1] for name in literal.split(",") if "," in literal)
        kept.update(re.findall(r'keeps = "([\w.]+)"', text))
    return words, kept


def open_members(model, service):
    """(shape, member) of inputs that are neither named nor refused, in order."""
    folders = ["src/service/" + FOLDERS.get(service, service), *READERS.get(service, [])]
    words, kept = words_of([ROOT / folder for folder in folders])
    refused, found, seen = model.get("refused", {}), [], set()

    def walk(name):
        if name in seen:
            return
        seen.add(name)
        shape = model["shapes"][name]
        for part in ("member", "value"):
            if part in shape:
                walk(shape[part]["shape"])
        for member, ref in shape.get("members", {}).items():
            if member in refused.get(name, []) or member in kept:
                continue
            built = service in BUILT and BUILT[service].fullmatch(member)
            if member in words or member in EVERYWHERE or built:
                walk(ref["shape"])
            else:
                found.append((name, member))

    for operation in model["operations"].values():
        if "input" in operation and not operation.get("own"):
            walk(operation["input"]["shape"])
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--refuse", action="store_true")
    parser.add_argument("services", nargs="*")
    args = parser.parse_args()
    count = 0
    for path in sorted((ROOT / "models").glob("*.json")):
        service = path.stem
        if args.services and service not in args.services:
            continue
        model = json.loads(path.read_text())
        found = open_members(model, service)
        for shape, member in found:
            print(f"models/{service}.json: {shape}.{member} is neither taken, kept nor refused")
        if args.refuse and found:
            refused = model.get("refused", {})
            for shape, member in found:
                refused.setdefault(shape, []).append(member)
            model = {"metadata": model["metadata"], "refused": dict(sorted(refused.items())),
                     **{k: v for k, v in model.items() if k not in ("metadata", "refused")}}
            path.write_text(json.dumps(model, indent=1, ensure_ascii=False) + "\n")
        else:
            count += len(found)
    if count:
        sys.exit(f"{count} members: name them in the handler, in the row's keeps, or refuse them "
                 "(tools/check_members.py --refuse SERVICE)")


if __name__ == "__main__":
    main()
