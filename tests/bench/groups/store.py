"""Turns a second that the store makes durable, beside a bare log with the same number a sync."""
import tempfile

from report import program, row


def run(_runs):
    with tempfile.TemporaryDirectory(prefix="stepmill-bench-") as folder:
        for figure in program("store", folder):
            row(f"store: turns, {figure['in_flight']} in flight (bare log)", figure["turns_per_s"], "1/s",
                figure["bare_log_records_per_s"])
