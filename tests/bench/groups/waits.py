"""10,000 executions that wait, due times spread over 10 s: memory, processor time, lateness; and over a kill -9."""
import datetime
import json
import statistics
import subprocess
import time

from load import create, execution_arn, load, requests
from report import built, processor_seconds, resident_mib, row
from server import Server

COUNT = 10_000
SPREAD_MS = 10_000
LEAD_SECONDS = 25  # from the first start to the first due time; all must wait by then
UNTIL = {"StartAt": "W", "States": {"W": {"Type": "Wait", "TimestampPath": "$.at", "Next": "Z"}, "Z": {"Type": "Succeed"}}}


def iso(millis):
    at = datetime.datetime.fromtimestamp(millis / 1000, datetime.timezone.utc)
    return at.strftime("%Y-%m-%dT%H:%M:%S.") + f"{millis % 1000:03d}Z"


def percentile(values, share):
    values = sorted(values)
    return values[min(len(values) - 1, int(len(values) * share))] if values else 0.0


def start_all(server, machine, name):
    """Starts them by the wire; the due times in ms, and what asks for each."""
    first = int(time.time() * 1000) + LEAD_SECONDS * 1000
    at = [first + number * SPREAD_MS // COUNT for number in range(COUNT)]
    made = requests(server, "StartExecution", {})
    made["bodies"] = [json.dumps({"stateMachineArn": machine, "name": f"{name}{number}", "input": json.dumps({"at": iso(due)})})
                      for number, due in enumerate(at)]
    load("all", server.port, requests=made, expect="executionArn")
    if time.time() * 1000 > first - 5000:
        raise SystemExit(f"{COUNT} executions were not started within {LEAD_SECONDS - 5} s")
    return at, requests(server, "DescribeExecution", {"executionArn": execution_arn(machine, name + "{n}")}, 0, COUNT)


def waiting(server, machine):
    pid = server.process.pid
    load("closed", server.port, seconds=1, expect="{", requests=requests(server, "DescribeStateMachine", {"stateMachineArn": machine}))
    before = resident_mib(pid)
    at, describe = start_all(server, machine, "w")
    time.sleep(1)  # the last of them come to their wait
    row("waits: resident for each of 10,000", (resident_mib(pid) - before) * 1024 / COUNT, "KiB", most=1)
    used, since = processor_seconds(pid), time.time()
    time.sleep(max(1.0, at[0] / 1000 - time.time() - 1))
    row("waits: processor time meanwhile, of one core", 100 * (processor_seconds(pid) - used) / (time.time() - since), "%", most=1)
    late = load("dues", server.port, requests=describe, expect='"status":"SUCCEEDED"', at=at)["late_ms"]
    row("waits: from due to SUCCEEDED seen, median", statistics.median(late), "ms")
    row("waits: from due to SUCCEEDED seen, p99", percentile(late, 0.99), "ms", most=10)


def killed(server, machine):
    at, describe = start_all(server, machine, "k")
    job = {"mode": "dues", "port": server.port, "requests": describe, "expect": '"status":"SUCCEEDED"', "at": at}
    client = subprocess.Popen([built("load")], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    client.stdin.write(json.dumps(job))
    client.stdin.close()
    time.sleep(at[0] / 1000 + SPREAD_MS / 3000 - time.time())
    down = time.time() * 1000
    server.kill()
    server.start()
    ready = time.time() * 1000
    late = json.loads(client.stdout.read())["late_ms"]
    if client.wait() != 0 or len(late) != COUNT:
        raise SystemExit("not all executions ended")
    apart = [due + ms - ready for due, ms in zip(at, late) if due + ms > down and due <= ready]
    others = [ms for due, ms in zip(at, late) if due + ms <= down or due > ready]
    row("waits: kill -9 with 10,000 open, to ready again", ready - down, "ms")
    row("waits:   due during the restart: ended", float(len(apart)), "")
    row("waits:   due during the restart: p99 after ready", percentile(apart, 0.99), "ms")
    row("waits:   the others, p99", percentile(others, 0.99), "ms", most=10)


def run(_runs):
    server = Server().start()
    try:
        machine = create(server, "until", UNTIL)
        waiting(server, machine)
        killed(server, machine)
    finally:
        server.remove()
