#!/usr/bin/env python3
"""Cuts an AWS service model down to the operations that have a row.

  tools/cut_model.py [--models DIR] SERVICE OPERATION...

Reads DIR/SERVICE.json (a full model; the folder is STEPMILL_MODELS when --models is not given) and
writes models/SERVICE.json: the operations given, those that are there already, and the shapes that
they reach. Documentation is left out. Operations that stepmill adds to a service are written by hand
into models/SERVICE.json and marked "own": true; they and their shapes stay. So does "refused", the
members, by shape, that no row takes (tools/check_members.py).
"""
import argparse
import json
import os
import pathlib
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
DROPPED = {"documentation", "documentationUrl", "examples", "deprecatedMessage", "deprecatedSince"}

# Where AWS's messages list the values of an enum in another order than its model.
ENUM_ORDERS = {
    ("stepfunctions", "ExecutionStatus"): [
        "SUCCEEDED", "TIMED_OUT", "PENDING_REDRIVE", "ABORTED", "FAILED", "RUNNING"],
}


def strip(value):
    if isinstance(value, dict):
        return {k: strip(v) for k, v in value.items() if k not in DROPPED or not isinstance(v, str)}
    if isinstance(value, list):
        return [strip(v) for v in value]
    return value


def reach(shapes, name, seen):
    if name in seen:
        return
    seen.add(name)
    shape = shapes[name]
    for member in shape.get("members", {}).values():
        reach(shapes, member["shape"], seen)
    for part in ("member", "key", "value"):
        if part in shape:
            reach(shapes, shape[part]["shape"], seen)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--models", default=os.environ.get("STEPMILL_MODELS", ""))
    parser.add_argument("service")
    parser.add_argument("operations", nargs="*")
    args = parser.parse_args()
    source = pathlib.Path(args.models) / f"{args.service}.json"
    if not args.models or not source.exists():
        sys.exit(f"{source}: no such model; name the folder of full models with --models")
    full = json.loads(source.read_text())
    target = ROOT / "models" / f"{args.service}.json"
    wanted = set(args.operations)
    if target.exists():
        present = json.loads(target.read_text())
        own = {name for name, body in present["operations"].items() if body.get("own")}
        wanted |= set(present["operations"])
        full["operations"].update({name: present["operations"][name] for name in own})
        full["shapes"] = {**present["shapes"], **full["shapes"]}
    unknown = sorted(wanted - set(full["operations"]))
    if unknown:
        sys.exit(f"{args.service} has no operation {', '.join(unknown)}")
    operations = {name: strip(full["operations"][name]) for name in sorted(wanted)}
    seen = set()
    for operation in operations.values():
        for part in ("input", "output"):
            if part in operation:
                reach(full["shapes"], operation[part]["shape"], seen)
        for error in operation.get("errors", []):
            reach(full["shapes"], error["shape"], seen)
    shapes = {name: strip(full["shapes"][name]) for name in sorted(seen)}
    for (service, name), order in ENUM_ORDERS.items():
        if service == args.service and name in shapes:
            assert sorted(shapes[name]["enum"]) == sorted(order), name
            shapes[name]["enum"] = order
    cut = {"metadata": strip(full["metadata"])}
    if target.exists() and present.get("refused"):
        cut["refused"] = present["refused"]
    cut.update({"operations": operations, "shapes": shapes})
    target.parent.mkdir(exist_ok=True)
    target.write_text(json.dumps(cut, indent=1, ensure_ascii=False) + "\n")
    print(f"{target.relative_to(ROOT)}: {len(operations)} operations, {len(shapes)} shapes")


if __name__ == "__main__":
    main()
