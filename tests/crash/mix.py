"""The mixed run: machines, a stack and a pipeline, driven to their ends by a client that tries again; and what is to be
compared afterwards. `Mix(server).run()` gives the observations."""
import hashlib
import io
import json
import re
import threading
import time
import zipfile

from client import Client, Refused, every, first
from server import ACCOUNT, REGION, Failed

STATES = f"arn:aws:states:{REGION}:{ACCOUNT}"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/crash"
GROUP, BUCKET = "/crash", "crash-objects"
END_SECONDS = 30  # from the last start to the last end, restarts included
POLL_SECONDS = 0.08


def machine_arn(name):
    return f"{STATES}:stateMachine:{name}"


def task(resource, parameters, **more):
    return {"Type": "Task", "Resource": f"arn:aws:states:::{resource}", "Parameters": parameters,
            **({} if "Next" in more else {"End": True}), **more}


def put_log(step, **more):
    """A line that says who wrote it: the receiver's count of this effect."""
    return task("aws-sdk:cloudwatchlogs:putLogEvents", {
        "LogGroupName": GROUP, "LogStreamName": "effects", "LogEvents": [
            {"Timestamp.$": "$$.Execution.Input.ts", "Message.$": f"States.Format('{{}}/{step}', $$.Execution.Name)"}]},
        ResultPath=None, **more)


def item_log(name, **more):
    return task("aws-sdk:cloudwatchlogs:putLogEvents", {
        "LogGroupName": GROUP, "LogStreamName": "effects", "LogEvents": [
            {"Timestamp.$": "$.ts", "Message.$": f"States.Format('{{}}/{name}/{{}}', $.who, $.item)"}]},
        ResultPath=None, **more)


def put_parameter(prefix, **more):
    """Each put counts a version up: a second one shows."""
    return task("aws-sdk:ssm:putParameter", {
        "Name.$": f"States.Format('{prefix}/{{}}', $$.Execution.Name)", "Value": "v", "Type": "String",
        "Overwrite": True}, ResultPath=None, **more)


def machine(start, **states):
    return {"StartAt": start, "States": states}


ITEM = {"who.$": "$$.Execution.Name", "ts.$": "$.ts", "item.$": "$$.Map.Item.Value"}

LOOP = machine(
    "Zero",
    Zero={"Type": "Pass", "Result": 0, "ResultPath": "$.n", "Next": "Add"},
    Add={"Type": "Pass", "Parameters": {"n.$": "States.MathAdd($.n, 1)", "text": "かぞえる"}, "Next": "More"},
    More={"Type": "Choice", "Choices": [{"Variable": "$.n", "NumericLessThan": 8, "Next": "Add"}], "Default": "Done"},
    Done={"Type": "Succeed"})

MACHINES = {
    "loop": LOOP,
    "wait": machine("Wait", Wait={"Type": "Wait", "Seconds": 1, "Next": "Log"}, Log=put_log("after")),
    "until": machine("Wait", Wait={"Type": "Wait", "TimestampPath": "$.until", "Next": "Log"}, Log=put_log("after")),
    "parallel": machine("All", All={"Type": "Parallel", "End": True, "Branches": [
        machine("Log", Log=put_log("branch")),
        machine("Put", Put=put_parameter("/parallel")),
        machine("Rest", Rest={"Type": "Wait", "Seconds": 1, "Next": "Done"}, Done={"Type": "Pass", "End": True})]}),
    "map": machine("Each", Each={
        "Type": "Map", "ItemsPath": "$.items", "MaxConcurrency": 3, "End": True, "ItemSelector": ITEM,
        "ItemProcessor": machine("Log", Log=item_log("item"))}),
    "retry": machine(
        "Look",
        Look=task("aws-sdk:ssm:getParameter", {"Name": "/absent"},
                  Retry=[{"ErrorEquals": ["States.TaskFailed"], "IntervalSeconds": 1, "MaxAttempts": 1}],
                  Catch=[{"ErrorEquals": ["States.ALL"], "Next": "Log", "ResultPath": "$.error"}]),
        Log=put_log("caught")),
    "token": machine(
        "Ask",
        Ask=task("aws-sdk:ssm:putParameter.waitForTaskToken",
                 {"Name.$": "States.Format('/token/{}', $$.Execution.Name)", "Value.$": "$$.Task.Token",
                  "Type": "String"}, ResultPath="$.answer", Next="Log"),
        Log=put_log("answered")),
    "tokenfail": machine(
        "Ask",
        Ask=task("aws-sdk:ssm:putParameter.waitForTaskToken",
                 {"Name.$": "States.Format('/token/{}', $$.Execution.Name)", "Value.$": "$$.Task.Token",
                  "Type": "String"}, Catch=[{"ErrorEquals": ["Wrong"], "Next": "Log", "ResultPath": "$.error"}]),
        Log=put_log("refused")),
    "activity": machine(
        "Work",
        Work={"Type": "Task", "Resource": f"{STATES}:activity:work", "HeartbeatSeconds": 3, "ResultPath": "$.done",
              "Retry": [{"ErrorEquals": ["States.Timeout", "States.HeartbeatTimeout"], "IntervalSeconds": 1,
                         "BackoffRate": 1, "MaxAttempts": 5}], "Next": "Log"},
        Log=put_log("worked")),
    "redrive": machine(
        "Before",
        Before=put_log("before", Next="Look"),
        Look=task("aws-sdk:ssm:getParameter", {"Name.$": "States.Format('/late/{}', $$.Execution.Name)"},
                  ResultSelector={"Value.$": "$.Parameter.Value"}, ResultPath="$.found", Next="Log"),
        Log=put_log("after")),
    "nested": machine(
        "Child",
        Child=task("states:startExecution.sync:2",
                   {"StateMachineArn": machine_arn("loop"), "Input.$": "$",
                    "Name.$": "States.Format('{}-child', $$.Execution.Name)"}, ResultPath="$.child", Next="Log"),
        Log=put_log("after")),
    "distributed": machine("Each", Each={
        "Type": "Map", "ItemsPath": "$.items", "MaxConcurrency": 3, "End": True, "ItemSelector": ITEM,
        "ItemProcessor": {"ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"},
                          **machine("Log", Log=item_log("child"))}}),
    "distexpress": machine("Each", Each={
        "Type": "Map", "ItemsPath": "$.items", "MaxConcurrency": 3, "End": True, "ItemSelector": ITEM,
        "ItemProcessor": {"ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "EXPRESS"},
                          **machine("P", P={"Type": "Pass", "End": True})}}),
    "fail": machine("Fail", Fail={"Type": "Fail", "Error": "Sorry", "Cause": "失敗"}),
    "stop": machine("Wait", Wait={"Type": "Wait", "Seconds": 3600, "End": True}),
    "timeout": machine(
        "Ask",
        Ask=task("aws-sdk:ssm:putParameter.waitForTaskToken",
                 {"Name.$": "States.Format('/silent/{}', $$.Execution.Name)", "Value": "x", "Type": "String"},
                 TimeoutSeconds=1, Catch=[{"ErrorEquals": ["States.Timeout"], "Next": "Log", "ResultPath": "$.error"}]),
        Log=put_log("timeout")),
    "s3": machine(
        "Put",
        Put=task("aws-sdk:s3:putObject", {"Bucket": BUCKET, "Key.$": "States.Format('task/{}', $$.Execution.Name)",
                                          "Body.$": "$.name"}, ResultPath="$.put", Next="Get"),
        Get=task("aws-sdk:s3:getObject", {"Bucket": BUCKET, "Key.$": "States.Format('task/{}', $$.Execution.Name)"},
                 ResultSelector={"Body.$": "$.Body"})),
    "event": machine("Put", Put=task("events:putEvents", {"Entries": [
        {"Source": "crash", "DetailType": "made", "Detail": {"ts.$": "$.ts", "name.$": "$.name"}}]})),
    "ruled": machine("Done", Done={"Type": "Pass", "Parameters": {"name.$": "$.detail.name"}, "End": True}),
    "large": machine(
        "One", One={"Type": "Pass", "ResultPath": "$.one", "Next": "Two"},
        Two={"Type": "Wait", "Seconds": 1, "Next": "Log"}, Log=put_log("large")),
    "jsonata": {"QueryLanguage": "JSONata", **machine(
        "Sum",
        Sum={"Type": "Pass", "Assign": {"total": "{% $sum($states.input.items) %}"}, "Next": "Rest"},
        Rest={"Type": "Wait", "Seconds": 1, "Next": "Each"},
        Each={"Type": "Map", "Items": "{% $states.input.items %}", "ItemProcessor": machine(
            "P", P={"Type": "Pass", "Output": "{% $states.input * $total %}", "End": True}), "Next": "Out"},
        Out={"Type": "Pass", "Output": "{% {'each': $states.input, 'total': $total} %}", "End": True})},
}
EXPRESS = {
    "quick": machine("Add", Add={"Type": "Pass", "Parameters": {"n.$": "States.MathAdd(1, 2)"}, "End": True}),
    "behind": machine("Log", Log=put_log("express")),
}
# Executions of each machine; with their children and those that a rule, a pipeline and a parent start there are over 100.
COUNTS = {"loop": 6, "wait": 4, "until": 4, "parallel": 5, "map": 4, "retry": 4, "token": 4, "tokenfail": 2,
          "activity": 5, "redrive": 4, "nested": 3, "distributed": 3, "distexpress": 1, "fail": 2, "stop": 3,
          "timeout": 3, "s3": 3, "event": 3, "large": 2, "jsonata": 4, "quick": 4, "behind": 3}

# Each start of the container is a line of its own in the job's log.
JOB = machine("Job", Job=task("sagemaker:createProcessingJob.sync", {
    "ProcessingJobName.$": "$$.Execution.Name", "RoleArn": ROLE,
    "AppSpecification": {"ImageUri": "debian:12", "ContainerEntrypoint": [
        "/bin/sh", "-c", "echo started; sleep 0.3; echo ended"]},
    "ProcessingResources": {"ClusterConfig": {"InstanceCount": 1, "InstanceType": "ml.m5.large",
                                              "VolumeSizeInGB": 1}}},
    ResultSelector={"Status.$": "$.ProcessingJobStatus"}))
FAILING_JOB = json.loads(json.dumps(JOB).replace("echo ended", "echo ended; exit 3"))
JOB_MACHINES = {"job": JOB, "jobfail": FAILING_JOB}
JOB_COUNTS = {"job": 4, "jobfail": 1}
JOB_GROUP = "/aws/sagemaker/ProcessingJobs"

TEMPLATE = {
    "Parameters": {"Word": {"Type": "String"}},
    "Resources": {
        "Group": {"Type": "AWS::Logs::LogGroup", "Properties": {"LogGroupName": "/crash/stack"}},
        "Role": {"Type": "AWS::IAM::Role", "Properties": {
            "RoleName": "crash-stack", "AssumeRolePolicyDocument": {
                "Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {
                    "Service": "states.amazonaws.com"}}]}}},
        "Parameter": {"Type": "AWS::SSM::Parameter", "Properties": {
            "Name": "/stack/word", "Type": "String", "Value": {"Ref": "Word"}}},
        "Machine": {"Type": "AWS::StepFunctions::StateMachine", "DependsOn": "Parameter", "Properties": {
            "StateMachineName": "deployed", "RoleArn": {"Fn::GetAtt": ["Role", "Arn"]},
            "DefinitionString": json.dumps(LOOP)}}},
    "Outputs": {"Arn": {"Value": {"Ref": "Machine"}}}}
CF_VERSION, IAM_VERSION = "2010-05-15", "2010-05-08"

PIPELINE = {
    "name": "line", "roleArn": ROLE, "artifactStore": {"type": "S3", "location": BUCKET}, "stages": [
        {"name": "Source", "actions": [{
            "name": "Fetch", "actionTypeId": {"category": "Source", "owner": "AWS", "provider": "S3", "version": "1"},
            "configuration": {"S3Bucket": BUCKET, "S3ObjectKey": "source.zip", "PollForSourceChanges": "false"},
            "inputArtifacts": [], "outputArtifacts": [{"name": "Source"}]}]},
        {"name": "Execute", "actions": [{
            "name": "Run", "actionTypeId": {"category": "Invoke", "owner": "AWS", "provider": "StepFunctions",
                                            "version": "1"},
            "configuration": {"StateMachineArn": machine_arn("wait"), "InputType": "Literal",
                              "Input": "PIPELINE_INPUT"},
            "inputArtifacts": [{"name": "Source"}], "outputArtifacts": [{"name": "Out"}]}]}]}

NORMALISED = (
    (re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}(_[0-9a-f-]{36})?"), "UUID"),
    (re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z?"), "TIME"),
    (re.compile(r"\b\d{13,}\b"), "NUMBER"),
    (re.compile(r"\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT"), "TIME"),
    (re.compile(r'(Content-Length\\*": ?\[?\\*")\d+'), r"\1LENGTH"),
    (re.compile(r'((?:[Dd]ate|[Tt]imestamp|LastModified|Time)\\*": ?)[0-9.E]+'), r"\1TIME"),
    (re.compile(r'(VersionId\\*": ?\\*")[^"\\]+'), r"\1VERSION"),
    (re.compile(r'(Value\\*": ?\\*")A[\w+/=-]{60,}'), r"\1TOKEN"),
    (re.compile(r'(RequestId\\*": ?\\*")[^"\\]+'), r"\1REQUEST"),
    (re.compile(r'(BillingDetails\\*": ?\{)[^}]+'), r"\1"),
)


LARGE = "large" * 8000  # above what stands in a record itself


def plain(text):
    """Without what differs from run to run: times, random ids, tokens."""
    text = text.replace(LARGE, "LARGE")
    for pattern, replacement in NORMALISED:
        text = pattern.sub(replacement, text)
    return text


# What follows one of these in time depends on which branch ended last.
JOINS = ("ParallelStateSucceeded", "MapStateSucceeded", "ParallelStateExited", "MapStateExited")


def history_shape(events):
    """Each event with its chain of causes, as a sorted list: equal for equal runs, whatever the order in which
    branches came. `events`: of GetExecutionHistory."""
    known, shape = {}, []
    for event in events:
        details = next((value for key, value in event.items() if key.endswith("EventDetails")), {})
        text = event["type"] + " " + plain(json.dumps(details, sort_keys=True))
        parent = "" if event["type"] in JOINS else known.get(event["previousEventId"], "")
        known[event["id"]] = hashlib.sha1((text + parent).encode()).hexdigest()[:12]
        shape.append(f"{known[event['id']]} {text}")
    return sorted(shape)


class Mix:
    """`has_jobs`: processing jobs in containers too."""

    def __init__(self, server, has_jobs=False):
        self.server = server
        self.has_jobs = has_jobs
        self.machines = {**MACHINES, **(JOB_MACHINES if has_jobs else {})}
        self.executions = {**COUNTS, **(JOB_COUNTS if has_jobs else {})}
        self.client = Client(server)
        self.now = int(time.time() * 1000)
        self.arns = {}  # "machine-number" -> execution
        self.answers = {}  # of StartSyncExecution
        self.worker_unsure = 0
        self.is_over = threading.Event()
        self.open_machines = set(self.machines) - {"ruled"}
        self.trouble = []

    def states(self, operation, payload, fine=()):
        return self.client.call("states", operation, payload, fine)

    def ssm(self, operation, payload, fine=()):
        return self.client.call("ssm", operation, payload, fine)

    # -- the run

    def run(self):
        self.set_up()
        worker = threading.Thread(target=self.work, daemon=True)
        worker.start()
        try:
            self.start_all()
            self.drive()
        finally:
            self.is_over.set()  # it ends with its poll or with the server
        if self.trouble:
            raise Failed(self.trouble[0])
        return self.observe()

    def set_up(self):
        call = self.client.call
        self.client.query("iam", "CreateRole", IAM_VERSION, {
            "RoleName": "crash", "AssumeRolePolicyDocument": json.dumps({
                "Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {
                    "Service": ["states.amazonaws.com", "codepipeline.amazonaws.com", "events.amazonaws.com"]}}]})},
            fine=("EntityAlreadyExists",))
        call("logs", "CreateLogGroup", {"logGroupName": GROUP}, ("ResourceAlreadyExistsException",))
        call("logs", "CreateLogStream", {"logGroupName": GROUP, "logStreamName": "effects"},
             ("ResourceAlreadyExistsException",))
        self.client.s3("PUT", f"/{BUCKET}", (
            f'<CreateBucketConfiguration><LocationConstraint>{REGION}</LocationConstraint>'
            '</CreateBucketConfiguration>').encode(), fine=("BucketAlreadyOwnedByYou",))
        self.client.s3("PUT", f"/{BUCKET}", b"<VersioningConfiguration><Status>Enabled</Status>"
                       b"</VersioningConfiguration>", "versioning=")
        call("states", "CreateActivity", {"name": "work"})
        for kind, machines in (("STANDARD", self.machines), ("EXPRESS", EXPRESS)):
            for name, definition in machines.items():
                call("states", "CreateStateMachine", {"name": name, "roleArn": ROLE, "type": kind,
                                                      "definition": json.dumps(definition)})
        call("events", "PutRule", {"Name": "crash", "EventPattern": json.dumps({"source": ["crash"]})})
        call("events", "PutTargets", {"Rule": "crash", "Targets": [
            {"Id": "ruled", "Arn": machine_arn("ruled"), "RoleArn": ROLE}]})
        for n in range(4):
            self.ssm("PutParameter", {"Name": f"/kept/{n}", "Value": f"kept {n}", "Type": "SecureString" if n % 2
                                      else "String"}, ("ParameterAlreadyExists",))
            self.client.s3("PUT", f"/{BUCKET}/kept/{n}", f"kept {n} ".encode() * 20000)
        call("secretsmanager", "CreateSecret", {"Name": "kept", "SecretString": "kept secret",
                                                "ClientRequestToken": "0" * 32 + "kept"})
        self.make_stack()
        self.make_pipeline()

    def make_stack(self):
        self.client.query("cloudformation", "CreateStack", CF_VERSION, {
            "StackName": "deploy", "TemplateBody": json.dumps(TEMPLATE), "ClientRequestToken": "create",
            "Capabilities.member.1": "CAPABILITY_NAMED_IAM", "Parameters.member.1.ParameterKey": "Word",
            "Parameters.member.1.ParameterValue": "first"}, fine=("AlreadyExistsException",))

    def make_pipeline(self):
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w") as archive:
            archive.writestr(zipfile.ZipInfo("README.md"), "# crash\n")
        self.client.s3("PUT", f"/{BUCKET}/source.zip", packed.getvalue())
        text = json.dumps(PIPELINE).replace("PIPELINE_INPUT", json.dumps(json.dumps({"ts": self.now}))[1:-1])
        self.client.call("codepipeline", "CreatePipeline", {"pipeline": json.loads(text)},
                         ("PipelineNameInUseException",))

    def start_all(self):
        until = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 2))
        for name, count in self.executions.items():
            for n in range(count):
                given = {"ts": self.now, "name": f"{name}-{n}", "until": until, "items": [1, 2, 3, 4, 5, 6]}
                if name == "large":
                    given["text"] = LARGE
                request = {"stateMachineArn": machine_arn(name), "name": f"{name}-{n}", "input": json.dumps(given)}
                if name == "quick":
                    self.answers[f"{name}-{n}"] = self.states("StartSyncExecution", request)
                    continue
                answer = self.states("StartExecution", request, ("ExecutionAlreadyExists",))
                if name != "behind":
                    arn = f"{STATES}:execution:{name}:{name}-{n}"
                    if answer and answer["executionArn"] != arn:
                        raise Failed(f"StartExecution answered {answer}")
                    self.arns[f"{name}-{n}"] = arn

    def work(self):
        """The worker of the activity. A task whose answer was lost with the server is given out no more (at most once,
        as AWS has it): the state's heartbeat brings it back."""
        client = Client(self.server)
        while not self.is_over.is_set():
            try:
                given = client.call("states", "GetActivityTask", {"activityArn": f"{STATES}:activity:work"},
                                    timeout=90, tries_again=False)
            except (OSError, Refused) as error:
                if isinstance(error, Refused) and error.status < 500:
                    self.trouble.append(f"the worker: {error}")
                    return
                self.worker_unsure += 1
                if not self.is_over.wait(0.02):
                    try:
                        self.server.wait_until_up()
                    except Failed as trouble:
                        self.trouble.append(f"the worker: {trouble}")
                        return
                continue
            except Exception as error:  # a connection that ended amid an answer
                self.worker_unsure += 1
                if "HTTP" not in type(error).__name__ and "Incomplete" not in type(error).__name__ and \
                        "Disconnected" not in type(error).__name__:
                    self.trouble.append(f"the worker: {error!r}")
                    return
                continue
            if given.get("taskToken"):
                try:
                    client.call("states", "SendTaskSuccess", {
                        "taskToken": given["taskToken"], "output": json.dumps({"of": json.loads(given["input"])["name"]})},
                        ("TaskTimedOut", "InvalidToken", "TaskDoesNotExist"))
                except Refused as error:
                    if error.name != "TaskTimedOut":
                        self.trouble.append(f"the worker: {error}")

    def drive(self):
        """Answers tokens, redrives, stops, until all has ended."""
        for n in range(COUNTS["stop"]):
            self.states("StopExecution", {"executionArn": self.arns[f"stop-{n}"], "error": "Enough", "cause": "a test"})
        answered, redriven, is_updated, is_run_again = set(), set(), False, False
        deadline = time.monotonic() + END_SECONDS * (3 if self.has_jobs else 1)
        while True:
            self.answer_tokens(answered)
            self.redrive(redriven)
            if not is_updated and self.stack_status() == "CREATE_COMPLETE":
                is_updated = True
                self.update_stack()
            if not is_run_again and not self.open_pipelines():
                is_run_again = True
                self.client.call("codepipeline", "StartPipelineExecution", {"name": "line",
                                                                            "clientRequestToken": "again"})
            left = self.left(redriven, is_updated, is_run_again)
            if not left or time.monotonic() > deadline or self.trouble:
                self.left_open = left
                return
            time.sleep(POLL_SECONDS)
            self.server.wait_until_up()

    def answer_tokens(self, answered):
        found = self.pages("ssm", "GetParametersByPath", {"Path": "/token"}, "Parameters", "NextToken")
        for parameter in found:
            name = parameter["Name"].rsplit("/", 1)[-1]
            if name in answered:
                continue
            fine = ("TaskTimedOut", "InvalidToken", "TaskDoesNotExist")
            if name.startswith("tokenfail"):
                self.states("SendTaskFailure", {"taskToken": parameter["Value"], "error": "Wrong", "cause": "no"}, fine)
            else:
                self.states("SendTaskSuccess", {"taskToken": parameter["Value"], "output": '{"yes": true}'}, fine)
            answered.add(name)

    def redrive(self, redriven):
        if len(redriven) == COUNTS["redrive"]:
            return
        listed = self.list_executions("redrive")
        for execution in listed:
            name = execution["name"]
            if execution["status"] != "FAILED" or name in redriven:
                continue
            self.ssm("PutParameter", {"Name": f"/late/{name}", "Value": "here", "Type": "String"},
                     ("ParameterAlreadyExists",))
            self.states("RedriveExecution", {"executionArn": execution["executionArn"], "clientToken": name},
                        ("ExecutionNotRedrivable",))
            redriven.add(name)

    def pages(self, service, operation, payload, member, token):
        found, payload = [], dict(payload)
        while True:
            answer = self.client.call(service, operation, payload)
            found += answer[member]
            if not answer.get(token):
                return found
            payload[token] = answer[token]

    def list_executions(self, name):
        return self.pages("states", "ListExecutions", {"stateMachineArn": machine_arn(name)}, "executions", "nextToken")

    def stack_status(self):
        text = self.client.query("cloudformation", "DescribeStacks", CF_VERSION, {"StackName": "deploy"})
        return first(text, "StackStatus")

    def update_stack(self):
        try:
            self.client.query("cloudformation", "UpdateStack", CF_VERSION, {
                "StackName": "deploy", "UsePreviousTemplate": "true", "ClientRequestToken": "update",
                "Capabilities.member.1": "CAPABILITY_NAMED_IAM", "Parameters.member.1.ParameterKey": "Word",
                "Parameters.member.1.ParameterValue": "second"})
        except Refused as error:  # sent again while, or after, the first one is carried out
            if not self.client.is_unsure or error.name != "ValidationError":
                raise

    def open_pipelines(self):
        listed = self.client.call("codepipeline", "ListPipelineExecutions", {"pipelineName": "line"})
        return [e for e in listed["pipelineExecutionSummaries"] if e["status"] == "InProgress"]

    def left(self, redriven, is_updated, is_run_again):
        """What has not ended yet."""
        left = []
        for name in sorted(self.open_machines):
            running = [e["name"] for e in self.pages("states", "ListExecutions", {
                "stateMachineArn": machine_arn(name), "statusFilter": "RUNNING"}, "executions", "nextToken")]
            left += running
            if not running and name != "redrive":
                self.open_machines.discard(name)
        ruled = self.list_executions("ruled")
        if len(ruled) < COUNTS["event"] or any(e["status"] == "RUNNING" for e in ruled):
            left.append("ruled")
        if len(redriven) < COUNTS["redrive"]:
            left.append("redrive")
        if not is_updated or not self.stack_status().startswith("UPDATE_COMPLETE"):
            left.append("the stack")
        elif "CLEANUP" in self.stack_status():
            left.append("the stack's cleanup")
        if not is_run_again or self.open_pipelines():
            left.append("the pipeline")
        messages = set(self.messages())
        left += [f"behind-{n}" for n in range(COUNTS["behind"]) if f"behind-{n}/express" not in messages]
        return left

    # -- what came of it

    def messages(self):
        found, token = [], None
        while True:
            asked = {"logGroupName": GROUP, "logStreamName": "effects", "startFromHead": True}
            if token:
                asked["nextToken"] = token
            answer = self.client.call("logs", "GetLogEvents", asked)
            found += [event["message"] for event in answer["events"]]
            if not answer["events"] or answer["nextForwardToken"] == token:
                return found
            token = answer["nextForwardToken"]

    def observe(self):
        executions, counts, facts = {}, {}, {}
        for name in list(self.machines) + ["deployed"]:
            for listed in self.list_executions(name):
                self.observe_execution(name, listed, executions)
        for message in self.messages():
            # Express executions are done at least once.
            key = "log " + plain(message)
            counts[key] = 1 if message.endswith("/express") else counts.get(key, 0) + 1
        for prefix in ("/parallel", "/token", "/silent", "/stack"):
            for parameter in self.pages("ssm", "GetParametersByPath", {"Path": prefix, "Recursive": True},
                                        "Parameters", "NextToken"):
                counts["versions of " + parameter["Name"]] = parameter["Version"]
        if self.has_jobs:
            self.observe_jobs(counts)
        self.observe_objects(counts, facts)
        self.observe_stack(counts, facts)
        self.observe_pipeline(counts, facts)
        for n in range(4):
            found = self.ssm("GetParameter", {"Name": f"/kept/{n}", "WithDecryption": True})
            facts[f"parameter {n}"] = found["Parameter"]["Value"]
        facts["secret"] = self.client.call("secretsmanager", "GetSecretValue", {"SecretId": "kept"})["SecretString"]
        for name, answer in self.answers.items():
            facts[name] = f"{answer['status']} {answer.get('output')}"
        children = sum(len(e.get("children", ())) for e in executions.values())
        return {"executions": executions, "counts": counts, "facts": facts, "open": self.left_open,
                "total": len(executions) + children + len(self.answers) + COUNTS["behind"]}

    def observe_execution(self, name, listed, executions):
        arn = listed["executionArn"]
        described = self.states("DescribeExecution", {"executionArn": arn})
        if described["status"] != listed["status"]:
            raise Failed(f"{arn}: listed as {listed['status']}, described as {described['status']}")
        events = self.pages("states", "GetExecutionHistory", {"executionArn": arn, "maxResults": 1000}, "events",
                            "nextToken")
        if [e["id"] for e in events] != list(range(1, len(events) + 1)):
            raise Failed(f"{arn}: the history has gaps: {[e['id'] for e in events]}")
        known = plain(listed["name"])
        shown = {"status": described["status"], "output": plain(described.get("output", "")),
                 "error": plain(described.get("error", "") + ": " + described.get("cause", "")),
                 "history": history_shape(events)}
        if name == "activity" and self.worker_unsure and any(e["type"].startswith("ActivityTimedOut") for e in events):
            shown["history"] = None  # a task was lost on its way to the worker, and came again
        runs = self.states("ListMapRuns", {"executionArn": arn})["mapRuns"] if name.startswith("dist") else []
        for run in runs:
            about = self.states("DescribeMapRun", {"mapRunArn": run["mapRunArn"]})
            shown["map run"] = [about["status"], about["itemCounts"], about["executionCounts"]]
            if name == "distributed":
                children = self.pages("states", "ListExecutions", {"mapRunArn": run["mapRunArn"]}, "executions",
                                      "nextToken")
                shown["children"] = sorted(
                    plain(json.dumps({k: self.states("DescribeExecution", {"executionArn": c["executionArn"]}).get(k)
                                      for k in ("status", "input", "output")}, sort_keys=True)) for c in children)
        shown["map runs"] = len(runs)
        if "UUID" in known:  # of a rule or a pipeline: known by what it was given
            known += " " + plain(described.get("input", ""))
        while known in executions:
            known += "+"
        executions[known] = shown

    def observe_jobs(self, counts):
        listed = self.pages("sagemaker", "ListProcessingJobs", {}, "ProcessingJobSummaries", "NextToken")
        for job in listed:
            name = job["ProcessingJobName"]
            counts[f"job {name} {job['ProcessingJobStatus']}"] = 1
            streams = self.pages("logs", "DescribeLogStreams", {
                "logGroupName": JOB_GROUP, "logStreamNamePrefix": name + "/"}, "logStreams", "nextToken")
            for stream in streams:
                for line in self.client.call("logs", "GetLogEvents", {
                        "logGroupName": JOB_GROUP, "logStreamName": stream["logStreamName"],
                        "startFromHead": True})["events"]:
                    key = f"job {name} said {line['message']}"
                    counts[key] = counts.get(key, 0) + 1

    def observe_objects(self, counts, facts):
        text = self.client.s3("GET", f"/{BUCKET}", query="prefix=task%2F&versions=").decode()
        for key in every(text, "Key"):
            counts["versions of " + key] = counts.get("versions of " + key, 0) + 1
        for n in range(4):
            body = self.client.s3("GET", f"/{BUCKET}/kept/{n}")
            facts[f"object {n}"] = hashlib.sha1(body).hexdigest()

    def observe_stack(self, counts, facts):
        facts["stack"] = self.stack_status()
        text = self.client.query("cloudformation", "DescribeStackEvents", CF_VERSION, {"StackName": "deploy"})
        for event in every(text, "member"):
            key = f"stack event {first(event, 'LogicalResourceId')} {first(event, 'ResourceStatus')}"
            counts[key] = counts.get(key, 0) + 1
        facts["stack's word"] = self.ssm("GetParameter", {"Name": "/stack/word"})["Parameter"]["Value"]
        self.states("DescribeStateMachine", {"stateMachineArn": machine_arn("deployed")})

    def observe_pipeline(self, counts, facts):
        listed = self.client.call("codepipeline", "ListPipelineExecutions", {"pipelineName": "line"})
        for execution in listed["pipelineExecutionSummaries"]:
            key = f"pipeline {execution['status']}"
            counts[key] = counts.get(key, 0) + 1
        actions = self.client.call("codepipeline", "ListActionExecutions", {"pipelineName": "line"})
        for action in actions["actionExecutionDetails"]:
            key = f"action {action['actionName']} {action['status']}"
            counts[key] = counts.get(key, 0) + 1
