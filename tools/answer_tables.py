#!/usr/bin/env python3
"""Makes one C++ source of models/answers/*.json: tools/answer_tables.py OUT.cc IN.json..."""
import json
import pathlib
import sys


def literal(value):
    out = []
    for byte in value.encode():
        char = chr(byte)
        if char in '"\\?':
            out.append("\\" + char)
        elif 32 <= byte < 127:
            out.append(char)
        else:
            out.append(f"\\{byte:03o}")
    return '"' + "".join(out) + '"'


def main():
    lines = ["// Made by tools/answer_tables.py from models/answers.", '#include "service/states/answer_shapes.h"',
             "", "namespace stepmill::states {", "namespace {", ""]
    rows = []
    for number, name in enumerate(sys.argv[2:]):
        path = pathlib.Path(name)
        model = json.loads(path.read_text())
        text = json.dumps(model, separators=(",", ":"), ensure_ascii=False)
        lines.append(f"constexpr char kText{number}[] =")
        lines += ["    " + literal(text[i:i + 4000]) for i in range(0, len(text), 4000)]
        lines.append("    ;")
        rows.append(f"    {{{literal(path.stem)}, {literal(model['serviceId'])}, {{kText{number}, sizeof kText{number} - 1}}}},")
    lines += ["", "constexpr AnswerModel kModels[] = {", *rows, "};", "", "}  // namespace", "",
              "std::span<const AnswerModel> AnswerModels() { return kModels; }", "",
              "}  // namespace stepmill::states", ""]
    target = pathlib.Path(sys.argv[1])
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text("\n".join(lines))


if __name__ == "__main__":
    main()
