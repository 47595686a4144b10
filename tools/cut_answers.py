#!/usr/bin/env python3
"""Cuts AWS service models down to the shapes of their answers.

  tools/cut_answers.py DIR [SERVICE...]

DIR is a folder of full models, either SERVICE.json or botocore's data folder (SERVICE/VERSION/
service-2.json[.gz]). Writes models/answers/SERVICE.json for each service given, or for those that
are there already. TestState checks mocked results against them (README.md there has the format).
"""
import gzip
import json
import pathlib
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
NUMBERS = {"integer", "long", "float", "double"}
TEXTS = {"string", "timestamp", "blob", "character"}


def read_model(folder, service):
    path = folder / f"{service}.json"
    if not path.exists():
        path = sorted((folder / service).iterdir())[-1] / "service-2.json"
        if not path.exists():
            return json.loads(gzip.open(str(path) + ".gz").read())
    return json.loads(path.read_text())


def cut(model):
    shapes, out = model["shapes"], {}

    def refer(name):
        shape = shapes[name]
        kind = shape["type"]
        bounds = [shape.get("min"), shape.get("max")]
        if kind == "boolean":
            return "b"
        if kind in NUMBERS or kind in TEXTS:
            letter = "n" if kind in NUMBERS else "s"
            if shape.get("enum"):
                return {"e": shape["enum"]}
            return [letter, *bounds] if bounds != [None, None] else letter
        if name not in out:
            out[name] = None  # a structure may hold itself
            if kind == "structure":
                made = {"m": {key: refer(member["shape"]) for key, member in shape.get("members", {}).items()}}
                if shape.get("required"):
                    made["r"] = shape["required"]
                if shape.get("document"):
                    made = "any"
            elif kind == "list":
                made = {"l": refer(shape["member"]["shape"])}
                if bounds != [None, None]:
                    made["b"] = bounds
            else:
                made = {"k": refer(shape["value"]["shape"])}
            out[name] = made
        return "#" + name

    operations = {name: refer(body["output"]["shape"]) if "output" in body else None
                  for name, body in sorted(model["operations"].items())}
    return {"serviceId": model["metadata"]["serviceId"], "operations": operations,
            "shapes": {name: out[name] for name in sorted(out)}}


def main():
    folder = pathlib.Path(sys.argv[1])
    target = ROOT / "models" / "answers"
    for service in sys.argv[2:] or sorted(path.stem for path in target.glob("*.json")):
        made = cut(read_model(folder, service))
        lines = ['{"serviceId": ' + json.dumps(made["serviceId"]) + ",", '"operations": {']
        lines.append(",\n".join(f"{json.dumps(k)}:{json.dumps(v, separators=(',', ':'))}"
                                for k, v in made["operations"].items()) + "},")
        lines.append('"shapes": {')
        lines.append(",\n".join(f"{json.dumps(k)}:{json.dumps(v, separators=(',', ':'))}"
                                for k, v in made["shapes"].items()) + "}}")
        (target / f"{service}.json").write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
