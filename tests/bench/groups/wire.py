"""Signed requests at 64 kept connections, beside nginx answering a static 200 of the same size to the same bytes."""
import json
import statistics

from load import HELLO, THREE, Nginx, create, execution_arn, load, requests
from report import row
from server import Server

DESCRIBED = 1000  # executions that are described
SECONDS = 2
NAMES = 200_000  # requests of one run at most
HEAD_BYTES = 200  # of an answer, about
PAIRS = 500


def median(figures, name):
    return statistics.median(figure[name] for figure in figures)


def operations(server):
    """Name, least ratio, the requests of run number n, what each answer has."""
    hello, three = create(server, "hello", HELLO), create(server, "three", THREE, "EXPRESS")
    start = {"stateMachineArn": hello, "name": "d{n}", "input": json.dumps({"id": 1})}
    load("all", server.port, requests=requests(server, "StartExecution", start, 0, DESCRIBED), expect="executionArn")
    describe = requests(server, "DescribeExecution", {"executionArn": execution_arn(hello, "d{n}")}, 0, DESCRIBED)
    load("dues", server.port, requests=describe, expect="SUCCEEDED", at=[0] * DESCRIBED)  # until all have ended
    sync = requests(server, "StartSyncExecution", {"stateMachineArn": three, "input": "{\"id\": {n}}"}, 0, 10_000)

    def start_of(run):
        return requests(server, "StartExecution", dict(start, name=f"run{run}-{{n}}"), 0, NAMES)
    return [("DescribeExecution", 0.5, lambda run: describe, '"status":"SUCCEEDED"'),
            ("StartSyncExecution of three states", 0.5, lambda run: sync, r'\"a\":1,\"b\":2}'),
            ("StartExecution, durable", 0.3, start_of, "executionArn")]


def rates(server, runs):
    number = 0
    for name, least, made, expect in operations(server):
        number += 1000
        first = load("closed", server.port, requests=made(number), expect=expect, seconds=0.5, once=True)
        size = int(first["answer_bytes"]) - HEAD_BYTES
        ours, floor, ceiling = [], [], []
        with Nginx(size) as nginx:
            for run in range(runs):
                same = made(number + run + 1)
                ceiling.append(load("ceiling", 0, requests=dict(same, count=1000), seconds=0.5, answer_bytes=size))
                floor.append(load("closed", nginx.port, requests=dict(same, count=10_000), seconds=SECONDS))
                ours.append(load("closed", server.port, requests=same, expect=expect, seconds=SECONDS, once=name.startswith("StartE")))
        highest = median(ours, "rate")
        row(f"wire: {name} (nginx)", highest, "1/s", median(floor, "rate"), least=least)
        row("wire:   the load client's own ceiling (nginx)", median(ceiling, "rate"), "1/s", median(floor, "rate"))
        row("wire:   p99 at saturation", median(ours, "p99_ms"), "ms", most=5)
        calm = [load("open", server.port, requests=made(number + runs + run + 1), expect=expect, seconds=SECONDS,
                     rate=highest * 0.6) for run in range(runs)]
        row("wire:   p99 at 60 % of the rate (median there)", median(calm, "p99_ms"), "ms", median(calm, "p50_ms"), most=3)


def one_execution(server, runs):
    """Start to SUCCEEDED seen, one after the other, beside two answers of nginx and one fdatasync between them."""
    hello = create(server, "single", HELLO)
    ours, floor = [], []
    with Nginx(200) as nginx:
        for run in range(runs):
            name = f"s{run}-{{n}}"
            start = requests(server, "StartExecution", {"stateMachineArn": hello, "name": name, "input": "{\"id\": 1}"}, 0, PAIRS)
            then = requests(server, "DescribeExecution", {"executionArn": execution_arn(hello, name)}, 0, PAIRS)
            floor.append(load("pairs", nginx.port, requests=start, then=then, expect="x", sync_folder=server.data))
            ours.append(load("pairs", server.port, requests=start, then=then, expect='"status":"SUCCEEDED"'))
    middle = median(ours, "p50_ms")
    row("wire: one execution to SUCCEEDED seen (2 x nginx, fdatasync)", middle, "ms", median(floor, "p50_ms"), most=2)
    row("wire:   its p99 (its median)", median(ours, "p99_ms"), "ms", middle, most=3)
    row("wire:   p99 of the floor (its median)", median(floor, "p99_ms"), "ms", median(floor, "p50_ms"))
    row("wire:   DescribeExecution asked for one execution", median(ours, "asked"), "")


def run(runs):
    server = Server().start()
    try:
        rates(server, runs)
        one_execution(server, runs)
    finally:
        server.remove()
