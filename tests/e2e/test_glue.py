"""Glue by boto3 with real containers: Python shell jobs, their arguments, logs, ends, and a state machine that waits for
one. Ends with `N passed, M failed`."""
import json
import sys
import time

from server import Failed, Server
from test_chain import RESULTS, check

BUCKET = "glue-scripts"
ROLE = "arn:aws:iam::000000000000:role/glue"
ENDS = ("SUCCEEDED", "FAILED", "TIMEOUT", "STOPPED", "ERROR")
TRUST = {"Version": "2012-10-17", "Statement": [
    {"Effect": "Allow", "Principal": {"Service": "glue.amazonaws.com"}, "Action": "sts:AssumeRole"}]}

PREPROCESS = """
import sys
import boto3
import numpy as np
import pandas as pd
from awsglue.utils import getResolvedOptions
import helper

args = getResolvedOptions(sys.argv, ['bucket_name', 'rows'])
print('名前', args['bucket_name'], args['TempDir'], args['JOB_RUN_ID'].startswith('jr_'))
print('for the other log', file=sys.stderr)
data = pd.DataFrame({'y': np.arange(int(args['rows'])), 'x': helper.TWO})
data.to_csv('train.csv', header=False, index=False)
boto3.resource('s3').Bucket(args['bucket_name']).upload_file('train.csv', 'out/train.csv')
"""
RAISES = "def f():\n    raise ValueError('no rows in the table')\nf()\n"
MISSING = "import sys\nfrom awsglue.utils import getResolvedOptions\ngetResolvedOptions(sys.argv, ['not_given'])\n"
DEAF = ("import signal, subprocess, time\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        "subprocess.Popen(['sleep', '1000'], start_new_session=True)\nprint('deaf', flush=True)\ntime.sleep(1000)\n")
DAEMON = "import subprocess\nsubprocess.Popen(['sleep', '1000'], start_new_session=True)\nprint('left')\n"


def expect(value, wanted, what):
    if value != wanted:
        raise Failed(f"{what}: {value!r}, not {wanted!r}")


class Glue:
    def __init__(self, server):
        self.server, self.glue = server, server.client("glue")
        self.s3, self.logs = server.client("s3"), server.client("logs")

    def prepare(self):
        self.server.client("iam").create_role(RoleName="glue", AssumeRolePolicyDocument=json.dumps(TRUST))
        self.s3.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": "ap-northeast-1"})

    def job(self, name, script, **more):
        self.s3.put_object(Bucket=BUCKET, Key=f"{name}.py", Body=script.encode())
        self.glue.create_job(Name=name, Role=ROLE, Command={
            "Name": "pythonshell", "ScriptLocation": f"s3://{BUCKET}/{name}.py", "PythonVersion": "3"}, **more)

    def run(self, name, **more):
        return self.glue.start_job_run(JobName=name, **more)["JobRunId"]

    def until(self, name, run, states=ENDS, seconds=90):
        until = time.monotonic() + seconds
        while True:
            state = self.glue.get_job_run(JobName=name, RunId=run)["JobRun"]
            if state["JobRunState"] in states:
                return state
            if time.monotonic() > until:
                raise Failed(f"{name} is still {state['JobRunState']}")
            time.sleep(0.2)

    def lines(self, run, kind):
        events = self.logs.get_log_events(logGroupName=f"/aws-glue/python-jobs/{kind}", logStreamName=run)["events"]
        return [event["message"].rstrip("\n") for event in events]


def preprocess(glue):
    glue.s3.put_object(Bucket=BUCKET, Key="helper.py", Body=b"TWO = 2\n")
    arguments = {"--bucket_name": "nowhere", "--rows": "3", "--extra-py-files": f"s3://{BUCKET}/helper.py"}
    glue.job("preprocess", PREPROCESS, DefaultArguments=arguments)
    run = glue.run("preprocess", Arguments={"--bucket_name": BUCKET})
    state = glue.until("preprocess", run)
    expect(state["JobRunState"], "SUCCEEDED", f"the run ({state.get('ErrorMessage')})")
    expect(glue.lines(run, "output"), [f"名前 {BUCKET} None True"], "its output")
    expect(glue.lines(run, "error"), ["for the other log"], "its errors")
    body = glue.s3.get_object(Bucket=BUCKET, Key="out/train.csv")["Body"].read()
    expect(body, b"0,2\n1,2\n2,2\n", "its file")


def failures(glue):
    for name, script, message in (
            ("raises", RAISES, "ValueError: no rows in the table"),
            ("missing", MISSING, "awsglue.utils.GlueArgumentError: the following arguments are required: --not_given"),
            ("exits", "import sys\nsys.exit(7)\n", "Command failed with exit code 7"),
            ("broken", "def (:\n", "SyntaxError: invalid syntax")):
        glue.job(name, script)
        state = glue.until(name, glue.run(name))
        expect((state["JobRunState"], state["ErrorMessage"]), ("FAILED", message), name)
    glue.s3.delete_object(Bucket=BUCKET, Key="exits.py")
    state = glue.until("exits", glue.run("exits"))
    if "(404)" not in state["ErrorMessage"]:
        raise Failed(state["ErrorMessage"])


def leaves_a_daemon(glue):
    glue.job("daemon", DAEMON)
    state = glue.until("daemon", glue.run("daemon"), seconds=30)
    expect(state["JobRunState"], "SUCCEEDED", "a script that leaves a process behind")


def ignores_the_signal(glue):
    glue.job("deaf", DEAF)
    run = glue.run("deaf")
    glue.until("deaf", run, ("RUNNING",))
    try:
        glue.run("deaf")
        raise Failed("two at once")
    except glue.glue.exceptions.ConcurrentRunsExceededException as error:
        if "Concurrent runs exceeded for deaf" not in str(error):
            raise Failed(str(error)) from error
    expect(len(glue.glue.batch_stop_job_run(JobName="deaf", JobRunIds=[run])["SuccessfulSubmissions"]), 1, "stopped")
    state = glue.until("deaf", run, seconds=40)
    expect(state["JobRunState"], "STOPPED", "a script that ignores SIGTERM")


def survives_a_kill(glue):
    glue.job("long", "import time\nprint('begun', flush=True)\ntime.sleep(4)\nprint('done')\n")
    run = glue.run("long")
    glue.until("long", run, ("RUNNING",))
    glue.server.kill()
    glue.server.start()
    state = glue.until("long", run)
    expect(state["JobRunState"], "SUCCEEDED", f"found again ({state.get('ErrorMessage')})")
    expect(glue.lines(run, "output"), ["begun", "done"], "its output")


def state_machine(glue):
    states = glue.server.client("stepfunctions")
    definition = {"StartAt": "Run", "States": {"Run": {
        "Type": "Task", "Resource": "arn:aws:states:::glue:startJobRun.sync", "End": True,
        "Parameters": {"JobName": "preprocess",
                       "Arguments": {"--bucket_name.$": "$$.Execution.Input['bucket_name']"}}}}}
    machine = states.create_state_machine(name="glue", definition=json.dumps(definition), roleArn=ROLE)["stateMachineArn"]

    def end(bucket):
        execution = states.start_execution(stateMachineArn=machine, input=json.dumps({"bucket_name": bucket}))
        until = time.monotonic() + 90
        while (found := states.describe_execution(executionArn=execution["executionArn"]))["status"] == "RUNNING":
            if time.monotonic() > until:
                raise Failed("the execution does not end")
            time.sleep(0.2)
        return found

    good = end(BUCKET)
    expect(good["status"], "SUCCEEDED", "the execution")
    output = json.loads(good["output"])
    expect((output["JobName"], output["JobRunState"]), ("preprocess", "SUCCEEDED"), "its output")
    bad = end("no-such-bucket")
    expect((bad["status"], bad["error"]), ("FAILED", "States.TaskFailed"), "the execution of a run that fails")
    cause = json.loads(bad["cause"])
    expect(cause["JobRunState"], "FAILED", "its cause")
    if "NoSuchBucket" not in cause["ErrorMessage"]:
        raise Failed(cause["ErrorMessage"])


def main():
    server = Server().start()
    try:
        glue = Glue(server)
        glue.prepare()
        check("pandas, awsglue.utils, both logs, a file in S3", preprocess, glue)
        check("a run from a state machine", state_machine, glue)
        check("why runs fail", failures, glue)
        check("what a script leaves behind", leaves_a_daemon, glue)
        check("stop, and one run at a time", ignores_the_signal, glue)
        check("a killed server", survives_a_kill, glue)
    finally:
        server.remove()
    print(f"{RESULTS['passed']} passed, {RESULTS['failed']} failed")
    return 1 if RESULTS["failed"] else 0


if __name__ == "__main__":
    sys.exit(main())
