"""Ready and resident memory of the server's own process on empty data."""
import statistics

from report import resident_mib, row
from server import Server


def run(runs):
    times, memory = [], []
    for _ in range(runs):
        server = Server().start()
        times.append(server.ready_seconds * 1000)
        memory.append(resident_mib(server.process.pid))
        server.remove()
    row("start to ready, empty data", statistics.median(times), "ms", most=30)
    row("resident memory, idle", statistics.median(memory), "MiB", most=20)
