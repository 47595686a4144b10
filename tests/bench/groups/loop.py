"""Durable executions in the server's own process without the wire: transitions a second, beside a bare log."""
import json
import os
import subprocess
import tempfile

from report import ASL, ROOT, npm_folder, program, row

# Workload: what it is, the least ratio to the bare log's records a second.
TRANSITIONS = {
    "pass-chain": ("100 Pass states", 2.0),
    "choice-loop": ("Choice and intrinsics, 1,000 turns", None),
    "parallel-10x10": ("Parallel of ten by ten", 1.0),
    "map-inline": ("inline Map, 1,000 items", 1.0),
    "jsonata-transform": ("JSONata over 1,000 orders", None),
}


def measure(workload, runs, *options):
    with tempfile.TemporaryDirectory(prefix="stepmill-bench-") as folder:
        return program("loop", folder, ASL, workload, "--runs", runs, *options)


def peer(workload):
    """Transitions a second of npm's aws-local-stepfunctions, which keeps nothing."""
    script = os.path.join(ROOT, "tests", "bench", "asl_peer.mjs")
    done = subprocess.run(["node", script, npm_folder("aws-local-stepfunctions"), ASL, workload], check=True,
                          capture_output=True, text=True)
    return json.loads(done.stdout)["transitions_per_s"]


def run(runs):
    for workload, (what, least) in TRANSITIONS.items():
        figures = measure(workload, runs)
        row(f"loop: transitions, {what} (bare log)", figures["transitions_per_s"], "1/s",
            figures["bare_log_records_per_s"], least=least)
        if workload == "choice-loop":
            row("loop:   the same (npm aws-local-stepfunctions)", figures["transitions_per_s"], "1/s", peer(workload),
                least=10)
    figures = measure("pass-chain", runs, "--budget", "1")
    row("loop: transitions, one Pass state a turn (bare log)", figures["transitions_per_s"], "1/s",
        figures["bare_log_records_per_s"], least=0.4)
    figures = measure("big-payload", runs)
    row("loop: payload, ten states with 200 KB (log of 200 KB records)", figures["payload_bytes_per_s"] / 1e6, "MB/s",
        figures["bare_log_bytes_per_s"] / 1e6, least=0.5)
    row("loop: bytes written for a byte of payload", figures["written_per_payload"], "B", most=1.2)
