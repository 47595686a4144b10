"""Open executions by the hundred thousand: restart to ready, and resident memory with a million of them waiting."""
import os
import statistics
import tempfile

from report import ASL, program, resident_mib, row
from server import Server


def restarts(count, runs):
    """Seconds to ready and MiB then, of a server on a data folder with `count` executions that wait."""
    with tempfile.TemporaryDirectory(prefix="stepmill-bench-") as folder:
        made = program("loop", folder, ASL, "wait-many", "--park", count)
        print(f"  ({count} executions started at {made['executions_per_s']:.0f}/s)", flush=True)
        server = Server(data=os.path.join(folder, "data"))
        ready, resident = [], []
        for _ in range(runs):
            server.start()
            ready.append(server.ready_seconds)
            resident.append(resident_mib(server.process.pid))
            server.kill()
        server.start()
        server.remove()
        return statistics.median(ready), statistics.median(resident)


def run(runs):
    ready, resident = restarts(100_000, runs)
    row("many: 100,000 open, restart to ready", ready, "s", most=1)
    row("many: 100,000 open, resident", resident, "MiB")
    ready, resident = restarts(1_000_000, max(1, runs // 2))
    row("many: 1,000,000 waiting, resident", resident, "MiB", most=256)
    row("many: 1,000,000 waiting, restart to ready", ready, "s")
