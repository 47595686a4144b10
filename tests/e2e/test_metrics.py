"""CloudWatch by its three protocols: Query (Debian's aws), JSON (by hand, signed by botocore), RPC v2 CBOR and
JSON again (the SDK for JavaScript v3). Ends with `N passed, M failed`."""
import json
import os
import subprocess
import sys
import time

from server import REGION, ROOT, Server, run
from test_chain import RESULTS, check
from test_clients import AWS, expect, refused

FOLDER = os.path.join(ROOT, "tests", "e2e", "js")


def iso(seconds):
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))


def by_query(server, env):
    aws = [AWS, "--endpoint-url", server.url, "cloudwatch"]
    hour = int(time.time()) // 3600 * 3600 - 3600
    run(aws + ["put-metric-data", "--namespace", "q", "--metric-name", "m", "--value", "2.5", "--unit", "Seconds",
               "--dimensions", "a=1,b=2", "--timestamp", iso(hour + 30)], env)
    run(aws + ["put-metric-data", "--namespace", "q", "--metric-data",
               json.dumps([{"MetricName": "m", "Dimensions": [{"Name": "b", "Value": "2"}, {"Name": "a", "Value": "1"}],
                            "Timestamp": iso(hour + 31), "Unit": "Seconds", "Values": [1, 7.5], "Counts": [2, 1]}])],
        env)
    answer = json.loads(run(aws + ["get-metric-statistics", "--namespace", "q", "--metric-name", "m", "--dimensions",
                                   "Name=a,Value=1", "Name=b,Value=2", "--start-time", iso(hour), "--end-time",
                                   iso(hour + 3600), "--period", "60", "--statistics", "Sum", "SampleCount",
                                   "--output", "json"], env))
    points = answer["Datapoints"]
    if [(p["Sum"], p["SampleCount"], p["Unit"]) for p in points] != [(12.0, 4.0, "Seconds")]:
        raise AssertionError(points)
    expect(run(aws + ["list-metrics", "--namespace", "q", "--output", "json"], env), '"Value": "2"')
    refused(aws + ["put-metric-data", "--namespace", "AWS/x", "--metric-name", "m", "--value", "1"], env,
            "(InvalidParameterValue)")
    refused(aws + ["set-alarm-state", "--alarm-name", "none", "--state-value", "OK", "--state-reason", "x"], env,
            "(ResourceNotFound)")
    refused(aws + ["set-alarm-state", "--alarm-name", "none", "--state-value", "BAD", "--state-reason", "x"], env,
            "(ValidationError)")


JSON_CALL = """
import json, sys, urllib.request, botocore.session
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
url, region, operation, body = sys.argv[1:]
request = AWSRequest("POST", url, data=body.encode(), headers={
    "X-Amz-Target": "GraniteServiceVersion20100801." + operation, "Content-Type": "application/x-amz-json-1.0"})
SigV4Auth(botocore.session.get_session().get_credentials(), "monitoring", region).add_auth(request)
try:
    answer = urllib.request.urlopen(urllib.request.Request(url, data=body.encode(), headers=dict(request.headers)))
except urllib.error.HTTPError as error:
    answer = error
print(answer.status, answer.headers.get("x-amzn-query-error"), answer.read().decode())
"""


def by_json(server, env):
    def call(operation, body):
        return run(["/usr/bin/python3", "-c", JSON_CALL, server.url, REGION, operation, json.dumps(body)], env)

    expect(call("PutMetricData", {"Namespace": "j", "MetricData": [{"MetricName": "m", "Value": 3}]}), "200")
    expect(call("ListMetrics", {"Namespace": "j"}), '"MetricName":"m"')
    expect(call("PutMetricData", {"Namespace": "j", "MetricData": [{"MetricName": "m", "Value": "NaN"}]}),
           '400 InvalidParameterValue;Sender {"__type":"InvalidParameterValueException"')


def by_sdk(server, env):
    if not os.path.isdir(os.path.join(FOLDER, "node_modules", "@aws-sdk", "client-cloudwatch")):
        subprocess.run(["npm", "ci", "--no-audit", "--no-fund"], cwd=FOLDER, check=True, stdout=subprocess.DEVNULL)
    env = {**env, "AWS_ENDPOINT_URL": server.url, "AWS_REGION": REGION, "NODE_NO_WARNINGS": "1"}
    for protocol in ("cbor", "json"):
        expect(run(["node", "metrics.mjs", protocol], env, cwd=FOLDER), " 0 failed")


def main():
    server = Server().start()
    try:
        env = server.environment()
        check("metrics by Query", by_query, server, env)
        check("metrics by JSON", by_json, server, env)
        check("metrics by RPC v2 CBOR and JSON from the SDK", by_sdk, server, env)
    finally:
        server.remove()
    print(f"{RESULTS['passed']} passed, {RESULTS['failed']} failed")
    return 1 if RESULTS["failed"] else 0


if __name__ == "__main__":
    sys.exit(main())
