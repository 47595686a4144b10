"""The last page of a history of 25,000 events, beside its first, and beside the page of a history that has one."""
import json
import statistics

from load import create, load, requests
from report import ASL, row
from server import Server

TURNS = 6248  # of the counting loop: 24,998 events, the last page as full as the first
SHORT_TURNS = 248  # 998 events
PAGE = 1000


def loop(server, name, definition, turns):
    """Runs the counting loop; its execution's ARN."""
    definition["States"]["More"]["Choices"][0]["NumericLessThan"] = turns
    machine = create(server, name, definition)
    arn = server.client("stepfunctions").start_execution(stateMachineArn=machine, input="{}")["executionArn"]
    load("dues", server.port, requests=requests(server, "DescribeExecution", {"executionArn": arn}), at=[0],
         expect='"status":"SUCCEEDED"')
    return arn


def last_page(server, first):
    """What asks for the last page; all pages are read on the way."""
    client, last, events = server.client("stepfunctions"), dict(first), 0
    while True:
        page = client.get_execution_history(**last)
        events += len(page["events"])
        if "nextToken" not in page:
            break
        last["nextToken"] = page["nextToken"]
    if events != 4 * TURNS + 6 or page["events"][-1]["type"] != "ExecutionSucceeded":
        raise SystemExit(f"the history has {events} events and ends with {page['events'][-1]['type']}")
    return last


def run(runs):
    server = Server().start()
    try:
        with open(ASL + "/choice-loop.asl.json", encoding="utf-8") as file:
            definition = json.load(file)
        short = {"executionArn": loop(server, "short", definition, SHORT_TURNS), "maxResults": PAGE}
        first = {"executionArn": loop(server, "long", definition, TURNS), "maxResults": PAGE}
        pages = {"short": (short, "ExecutionSucceeded"), "first": (first, "ExecutionStarted"),
                 "last": (last_page(server, first), "ExecutionSucceeded"),
                 "newest": (dict(first, reverseOrder=True), "ExecutionSucceeded")}
        times = {name: [] for name in pages}
        for _ in range(runs):
            for name, (body, expect) in pages.items():
                times[name].append(load("closed", server.port, connections=1, seconds=0.5, expect=expect,
                                        requests=requests(server, "GetExecutionHistory", body))["p50_ms"])
        middle = {name: statistics.median(values) for name, values in times.items()}
        row("history: last page of 24,998 events (first page)", middle["last"], "ms", middle["first"], most=1.2)
        row("history:   newest first, first page (first page)", middle["newest"], "ms", middle["first"], most=1.2)
        row("history:   first page (the page of a history of 998)", middle["first"], "ms", middle["short"])
    finally:
        server.remove()
