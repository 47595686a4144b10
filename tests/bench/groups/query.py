"""Evaluations and compilations a second of processor time, beside npm's jsonata and jsonpath-plus under node."""
import json
import os
import statistics
import subprocess

from report import ROOT, npm_folder, program, row


def run(_runs, milliseconds=100):
    shared = os.path.join(ROOT, "..", "shared", "bench", "jsonata", "cases.json")
    ratios, parse_ratios = [], []
    for file in filter(os.path.exists, (shared, os.path.join(ROOT, "tests", "bench", "query_cases.json"))):
        ours = program("query", file, milliseconds)
        peer = json.loads(subprocess.run(
            ["node", os.path.join(ROOT, "tests", "bench", "query_peer.mjs"), npm_folder("jsonata", "jsonpath-plus"), str(milliseconds),
             file], check=True, capture_output=True, text=True).stdout)
        with open(file, encoding="utf-8") as cases:
            of_jsonata = {case["id"] for case in json.load(cases)["jsonata"]}
        for name, figure in ours.items():
            if figure["result"] != peer[name]["result"]:
                raise SystemExit(f"{name}: {figure['result']} is not the peer's {peer[name]['result']}")
            if name not in of_jsonata:  # a path
                least = 5 if name in ("jp-field", "jp-index", "jp-slice") else 20
                row(f"jsonpath {name}: evaluations (npm jsonpath-plus)", figure["cpuOps"], "1/s", peer[name]["cpuOps"],
                    least)
                continue
            row(f"jsonata {name}: evaluations (npm jsonata)", figure["cpuOps"], "1/s", peer[name]["cpuOps"], 3)
            row(f"jsonata {name}: compilations (npm jsonata)", figure["parseOps"], "1/s", peer[name]["parseOps"])
            ratios.append(figure["cpuOps"] / peer[name]["cpuOps"])
            parse_ratios.append(figure["parseOps"] / peer[name]["parseOps"])
    row("jsonata: evaluations, geometric mean of the ratios", statistics.geometric_mean(ratios), "x", least=20)
    row("jsonata: evaluations, least ratio", min(ratios), "x", least=3)
    row("jsonata: compilations, geometric mean of the ratios", statistics.geometric_mean(parse_ratios), "x",
        least=10)
