#!/usr/bin/env python3
"""Cuts an AWS service model down to the operations that have a row.

  tools/cut_model.py [--models DIR] [--query-model FILE] SERVICE OPERATION...

Reads DIR/SERVICE.json (a full model; the folder is STEPMILL_MODELS when --models is not given) and
writes models/SERVICE.json: the operations given, those that are there already, and the shapes that
they reach. Documentation is left out. Operations that stepmill adds to a service are written by hand
into models/SERVICE.json and marked "own": true; they and their shapes stay. So does "refused", the
members, by shape, that no row takes (tools/check_members.py), and "nonFinite", the numbers for which
a client may send NaN.

A service whose newest model speaks JSON only, while clients of other years speak Query (SQS), takes
the names of that protocol (wrappers, names of lists and maps, codes of errors) from --query-model, an
older model of it. They stay when the service is cut again.
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

# Lists that take other names than the model says: ReceiveMessage's are those of a message's attributes, not a queue's.
LIST_ITEMS = {("sqs", "ReceiveMessageRequest", "AttributeNames"): "MessageSystemAttributeName"}
# Enums that the service checks itself, under an error and with a text of its own.
OPEN_ENUMS = {("lambda", "Runtime")}


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


def query_names(cut, older):
    """Gives `cut` the protocol query with the names that `older` has for it."""
    names = ("locationName", "flattened")

    def copy(target, source):
        target.update({key: source[key] for key in names if key in source})

    meta = cut["metadata"]
    meta["protocols"] = [*(p for p in meta.get("protocols", [meta["protocol"]]) if p != "query"), "query"]
    meta["xmlNamespace"] = older["metadata"]["xmlNamespace"]
    meta["queryNames"] = True
    for name, operation in older["operations"].items():
        wrapper = operation.get("output", {}).get("resultWrapper")
        if wrapper and "output" in cut["operations"].get(name, {}):
            cut["operations"][name]["output"]["resultWrapper"] = wrapper
    for name, source in older["shapes"].items():
        target = cut["shapes"].get(name)
        if not target:
            continue
        copy(target, source)
        for part in ("member", "key", "value"):
            if part in source and part in target:
                copy(target[part], source[part])
        for member, ref in source.get("members", {}).items():
            if member in target.get("members", {}):
                copy(target["members"][member], ref)
        if "error" in source:
            target["error"] = source["error"]


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--models", default=os.environ.get("STEPMILL_MODELS", ""))
    parser.add_argument("--query-model", type=pathlib.Path)
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
    for service, name in OPEN_ENUMS:
        if service == args.service and name in shapes:
            shapes[name].pop("enum", None)
    for (service, name), order in ENUM_ORDERS.items():
        if service == args.service and name in shapes:
            assert sorted(shapes[name]["enum"]) == sorted(order), name
            shapes[name]["enum"] = order
    cut = {"metadata": strip(full["metadata"])}
    for kept in ("refused", "nonFinite"):
        if target.exists() and present.get(kept):
            cut[kept] = present[kept]
    cut.update({"operations": operations, "shapes": shapes})
    if target.exists() and present["metadata"].get("queryNames"):
        query_names(cut, present)
    if args.query_model:
        query_names(cut, json.loads(args.query_model.read_text()))
    for (service, shape, member), item in LIST_ITEMS.items():
        if service == args.service and shape in shapes:
            ref = shapes[shape]["members"][member]
            own = f"{shape}{member}"
            shapes[own] = {**shapes[ref["shape"]], "member": {**shapes[ref["shape"]]["member"], "shape": item}}
            ref["shape"] = own
    target.parent.mkdir(exist_ok=True)
    target.write_text(json.dumps(cut, indent=1, ensure_ascii=False) + "\n")
    print(f"{target.relative_to(ROOT)}: {len(operations)} operations, {len(shapes)} shapes")


if __name__ == "__main__":
    main()
