"""Lambda by boto3 and the AWS CLI with real containers: Python, Node.js and custom runtimes, their errors, timeouts, logs,
versions and aliases, asynchronous invocations, a state machine, a stack, and a kill in the middle. Ends with
`N passed, M failed`."""
import base64
import hashlib
import io
import json
import os
import re
import sys
import tarfile
import tempfile
import threading
import time
import urllib.request
import zipfile

from functions import ANSWERS, BOOTSTRAP, LATER, MODULE, NODE, PYTHON, STATIC, TEMPLATE
from server import Failed, Server, run
from test_chain import RESULTS, check

ROLE = "arn:aws:iam::000000000000:role/functions"
BUCKET = "function-code"


def zipped(files):
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        for name, text in files.items():
            entry = zipfile.ZipInfo(name)
            entry.external_attr = 0o755 << 16
            archive.writestr(entry, text)
    return data.getvalue()


def expect(value, wanted, what):
    if value != wanted:
        raise Failed(f"{what}: {value!r}, not {wanted!r}")


def expect_error(call, name, text):
    try:
        answered = call()
    except Exception as error:  # botocore makes its classes at run time
        found = f"{type(error).__name__}: {error}"
        if name not in found or text not in found:
            raise Failed(f"{found!r} has no {name!r} and {text!r}") from error
        return
    raise Failed(f"no {name}: {answered!r}")


class Lambda:
    def __init__(self, server):
        self.server, self.aws = server, server.client("lambda")
        self.s3, self.logs, self.states = server.client("s3"), server.client("logs"), server.client("stepfunctions")

    def create(self, name, files, runtime="python3.12", handler="app.handler", **more):
        made = self.aws.create_function(FunctionName=name, Runtime=runtime, Handler=handler, Role=ROLE,
                                        Code={"ZipFile": zipped(files)}, **{"Timeout": 30, **more})
        self.aws.get_waiter("function_active").wait(FunctionName=name, WaiterConfig={"Delay": 1, "MaxAttempts": 30})
        return made

    def updated(self, name):
        self.aws.get_waiter("function_updated").wait(FunctionName=name, WaiterConfig={"Delay": 1, "MaxAttempts": 30})

    def invoke(self, name, event=None, **more):
        if event is not None:
            more["Payload"] = json.dumps(event).encode()
        answer = self.aws.invoke(FunctionName=name, **more)
        text = answer["Payload"].read().decode()
        return answer, json.loads(text) if text else None

    def until(self, what, done, seconds=60):
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            found = done()
            if found:
                return found
            time.sleep(0.2)
        raise Failed(f"{what}: not within {seconds} s")

    def messages(self, name):
        try:
            events = self.logs.filter_log_events(logGroupName=f"/aws/lambda/{name}")["events"]
        except self.logs.exceptions.ResourceNotFoundException:
            return []
        return [event["message"].rstrip("\n") for event in events]

    def execute(self, name, task, event):
        machine = self.states.create_state_machine(
            name=name, roleArn=ROLE, definition=json.dumps({"StartAt": "Call", "States": {"Call": {
                "Type": "Task", "End": True, **task}}}))["stateMachineArn"]
        run_arn = self.states.start_execution(stateMachineArn=machine, input=json.dumps(event))["executionArn"]
        return self.until(name, lambda: (found := self.states.describe_execution(executionArn=run_arn))["status"]
                          != "RUNNING" and found)


def python(it):
    made = it.create("py", {"app.py": PYTHON, "data.txt": "x"}, MemorySize=256,
                     Environment={"Variables": {"MINE": "値"}})
    expect((made["State"], made["Version"], made["PackageType"]), ("Pending", "$LATEST", "Zip"), "what is created")
    answer, said = it.invoke("py", {"a": [1, 2.5, None]}, LogType="Tail")
    expect((answer["StatusCode"], answer["ExecutedVersion"], answer.get("FunctionError")), (200, "$LATEST", None), "the answer")
    expect((said["event"], said["count"], said["name"], said["version"], said["left"], said["memory"], said["mine"],
            said["files"]), ({"a": [1, 2.5, None]}, 1, "py", "$LATEST", True, "256", "値", ["app.py", "data.txt"]), "the result")
    expect(said["arn"], made["FunctionArn"], "the invoked ARN")
    tail = base64.b64decode(answer["LogResult"]).decode()
    for part in ("START RequestId: ", "こんにちは {'a'", "[INFO]\t", "counted 1", "END RequestId: ", "REPORT RequestId: ",
                 "Memory Size: 256 MB", "Init Duration: "):
        if part not in tail:
            raise Failed(f"no {part!r} in the log:\n{tail}")
    expect(it.invoke("py", {})[1]["count"], 2, "a warm environment")
    expect(it.invoke("py")[1]["event"], {}, "no payload")
    expect(it.invoke("py", {"do": "who"})[1], "arn:aws:sts::000000000000:assumed-role/functions/py", "who it is")
    it.s3.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": "ap-northeast-1"})
    it.invoke("py", {"do": "put", "bucket": BUCKET, "key": "made"})
    expect(it.s3.get_object(Bucket=BUCKET, Key="made")["Body"].read(), b"from a function", "what it put")
    it.until("its log", lambda: "counted 1" in "\n".join(it.messages("py")) and "REPORT" in "\n".join(it.messages("py")))
    stream = it.logs.describe_log_streams(logGroupName="/aws/lambda/py")["logStreams"][0]["logStreamName"]
    if not re.fullmatch(r"\d{4}/\d\d/\d\d/\[\$LATEST\][0-9a-f]{32}", stream):
        raise Failed(stream)


def mistakes(it):
    answer, said = it.invoke("py", {"do": "raise"})
    expect(answer["FunctionError"], "Unhandled", "a function that raises")
    expect((said["errorType"], said["errorMessage"]), ("NoRows", "no rows in the table"), "its error")
    trace = said["stackTrace"]
    if len(trace) != 1 or not trace[0].startswith('  File "/var/task/app.py", line '):
        raise Failed(str(trace))
    _, said = it.invoke("py", {"do": "write", "path": "/var/task/x"})
    expect(said["errorType"], "OSError", "writing to the code")
    _, said = it.invoke("py", {"do": "write", "path": "/etc/x"})
    expect(said["errorType"], "OSError", "writing to the image")
    expect(it.invoke("py", {"do": "write", "path": "/tmp/x"})[1]["name"], "py", "writing to /tmp")
    _, said = it.invoke("py", {"do": "exit"})
    expect(said["errorType"], "Runtime.ExitError", "a function that exits")
    if not said["errorMessage"].endswith(" Error: Runtime exited with error: exit status 7"):
        raise Failed(said["errorMessage"])
    _, said = it.invoke("py", {"do": "memory"})
    if said["errorType"] not in ("Runtime.OutOfMemory", "MemoryError"):
        raise Failed(str(said))
    it.create("missing", {"app.py": "import nothing_there\n"})
    _, said = it.invoke("missing", {})
    expect((said["errorType"], said["errorMessage"]), ("Runtime.ImportModuleError",
           "Unable to import module 'app': No module named 'nothing_there'"), "a module that is not there")
    it.aws.update_function_configuration(FunctionName="missing", Handler="app.other")
    it.updated("missing")
    it.aws.update_function_code(FunctionName="missing", ZipFile=zipped({"app.py": "def handler(e, c): pass\n"}))
    it.updated("missing")
    expect(it.invoke("missing", {})[1]["errorMessage"], "Handler 'other' missing on module 'app'", "a handler that is not there")
    expect_error(lambda: it.aws.invoke(FunctionName="py", Payload=b"{no"), "InvalidRequestContentException", "Could not parse")
    expect_error(lambda: it.aws.invoke(FunctionName="nobody"), "ResourceNotFoundException", "function:nobody:$LATEST")
    expect_error(lambda: it.create("py", {"app.py": ""}), "ResourceConflictException", "Function already exist: py")
    expect_error(lambda: it.aws.create_function(FunctionName="bad", Runtime="python3.12", Handler="a.b", Role=ROLE,
                                                Code={"S3Bucket": BUCKET, "S3Key": "none"}),
                 "InvalidParameterValueException", "S3 Error Code: NoSuchKey")
    expect_error(lambda: it.create("bad", {"../app.py": ""}), "InvalidParameterValueException", "Could not unzip")


def timeout(it):
    it.create("slow", {"app.py": PYTHON}, Timeout=1)
    began = time.monotonic()
    answer, said = it.invoke("slow", {"do": "sleep", "seconds": 100})
    if time.monotonic() - began > 30:
        raise Failed("it was not ended")
    expect((answer["StatusCode"], answer["FunctionError"], said["errorType"]), (200, "Unhandled", "Sandbox.Timedout"), "its end")
    if not said["errorMessage"].endswith(" Error: Task timed out after 1.00 seconds"):
        raise Failed(said["errorMessage"])
    expect(it.invoke("slow", {})[1]["count"], 1, "a new environment")


def node_and_custom(it):
    it.create("node", {"index.js": NODE}, "nodejs20.x", "index.handler")
    answer, said = it.invoke("node", {"n": 1}, LogType="Tail")
    expect(said, {"n": 2, "name": "node", "left": True}, "Node.js")
    if "\tINFO\tfrom node 1" not in base64.b64decode(answer["LogResult"]).decode():
        raise Failed(base64.b64decode(answer["LogResult"]).decode())
    _, said = it.invoke("node", {"fail": True})
    expect((said["errorType"], said["errorMessage"]), ("TypeError", "not like this"), "its error")
    it.aws.update_function_configuration(FunctionName="node", Handler="index.callback")
    it.updated("node")
    expect(it.invoke("node", {})[1], {"late": True}, "a callback")
    it.create("module", {"index.mjs": MODULE}, "nodejs22.x", "index.handler")
    expect(it.invoke("module", 5)[1], {"module": True, "event": 5}, "a module")
    it.create("shell", {"bootstrap": BOOTSTRAP}, "provided.al2023", "any")
    answer, said = it.invoke("shell", {"x": "y"}, LogType="Tail")
    expect(said, {"echo": {"x": "y"}}, "a custom runtime")
    if "shell got" not in base64.b64decode(answer["LogResult"]).decode():
        raise Failed("no line of it")
    expect(it.invoke("shell", [1])[1], {"echo": [1]}, "again")
    it.create("empty", {"readme": ""}, "provided.al2", "any")
    expect(it.invoke("empty", {})[1]["errorType"], "Runtime.InvalidEntrypoint", "no bootstrap")


def versions(it):
    it.s3.put_object(Bucket=BUCKET, Key="code.zip", Body=zipped({"app.py": "def handler(e, c): return 'one ' + c.function_version\n"}))
    it.aws.create_function(FunctionName="v", Runtime="python3.9", Handler="app.handler", Role=ROLE,
                           Code={"S3Bucket": BUCKET, "S3Key": "code.zip"})
    it.updated("v")
    expect(it.aws.publish_version(FunctionName="v")["Version"], "1", "a version")
    it.aws.create_alias(FunctionName="v", Name="live", FunctionVersion="1")
    it.aws.update_function_code(FunctionName="v", ZipFile=zipped({"app.py": "def handler(e, c): return 'two ' + c.function_version\n"}))
    it.updated("v")
    said = {name: it.invoke("v", {}, **({"Qualifier": name} if name else {})) for name in ("", "1", "live")}
    expect({name: text for name, (_, text) in said.items()}, {"": "two $LATEST", "1": "one 1", "live": "one 1"}, "what they say")
    expect(said["live"][0]["ExecutedVersion"], "1", "the alias's version")
    location = it.aws.get_function(FunctionName="v", Qualifier="1")["Code"]["Location"]
    with urllib.request.urlopen(location) as body, zipfile.ZipFile(io.BytesIO(body.read())) as archive:
        expect(archive.read("app.py"), b"def handler(e, c): return 'one ' + c.function_version\n", "the package")


def layers(it):
    layer = it.aws.publish_layer_version(LayerName="helpers", Content={"ZipFile": zipped(
        {"python/helper.py": "WORD = 'from a layer'\n", "bootstrap": BOOTSTRAP})}, CompatibleRuntimes=["python3.12"])
    it.create("layered", {"app.py": "import helper\ndef handler(event, context): return helper.WORD\n"},
              Layers=[layer["LayerVersionArn"]])
    expect(it.invoke("layered", {})[1], "from a layer", "a module of a layer")
    it.create("opt", {"readme": ""}, "provided.al2023", "any", Layers=[layer["LayerVersionArn"]])
    expect(it.invoke("opt", 3)[1], {"echo": 3}, "a layer's bootstrap")


def image(it):
    folder = tempfile.mkdtemp(prefix="image-")
    program = os.path.join(folder, "bootstrap")
    with open(program + ".cc", "w", encoding="utf-8") as file:
        file.write(STATIC)
    run(["g++", "-static", "-O1", "-o", program, program + ".cc"], it.server.environment())
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w") as archive:
        archive.add(program, "bootstrap")
    layer = data.getvalue()

    def digest(blob):
        return "sha256:" + hashlib.sha256(blob).hexdigest()
    config = json.dumps({"architecture": "amd64", "os": "linux", "config": {"Entrypoint": ["/bootstrap"]},
                         "rootfs": {"type": "layers", "diff_ids": [digest(layer)]}}).encode()
    ecr = it.server.client("ecr")
    uri = ecr.create_repository(repositoryName="function")["repository"]["repositoryUri"] + ":v1"
    for blob in (layer, config):
        upload = ecr.initiate_layer_upload(repositoryName="function")["uploadId"]
        ecr.upload_layer_part(repositoryName="function", uploadId=upload, partFirstByte=0, partLastByte=len(blob) - 1,
                              layerPartBlob=blob)
        ecr.complete_layer_upload(repositoryName="function", uploadId=upload, layerDigests=[digest(blob)])
    kind = "application/vnd.docker."
    ecr.put_image(repositoryName="function", imageTag="v1", imageManifest=json.dumps({
        "schemaVersion": 2, "mediaType": kind + "distribution.manifest.v2+json",
        "config": {"mediaType": kind + "container.image.v1+json", "size": len(config), "digest": digest(config)},
        "layers": [{"mediaType": kind + "image.rootfs.diff.tar", "size": len(layer), "digest": digest(layer)}]}))
    it.aws.create_function(FunctionName="image", PackageType="Image", Role=ROLE, Code={"ImageUri": uri}, Timeout=20)
    answer, said = it.invoke("image", {"a": 1}, LogType="Tail")
    expect(said, {"image": {"a": 1}}, "a function of an image")
    if "an image got {" not in base64.b64decode(answer["LogResult"]).decode():
        raise Failed(base64.b64decode(answer["LogResult"]).decode())
    expect_error(lambda: it.aws.create_function(FunctionName="none", PackageType="Image", Role=ROLE,
                                                Code={"ImageUri": uri[:-1] + "9"}),
                 "InvalidParameterValueException", "does not exist. Provide a valid source image.")


def command_line(it):
    env = it.server.environment()
    folder = tempfile.mkdtemp(prefix="function-")
    package, out = os.path.join(folder, "f.zip"), os.path.join(folder, "out.json")
    with open(package, "wb") as file:
        file.write(zipped({"app.py": "def handler(event, context):\n    return {'got': event}\n"}))
    aws = ["aws", "--endpoint-url", it.server.url, "lambda"]
    run([*aws, "create-function", "--function-name", "cli", "--runtime", "python3.12", "--handler", "app.handler",
         "--role", ROLE, "--zip-file", f"fileb://{package}"], env)
    run([*aws, "wait", "function-active-v2", "--function-name", "cli"], env)
    run([*aws, "invoke", "--function-name", "cli", "--cli-binary-format", "raw-in-base64-out", "--payload",
         '{"a": 1}', out], env)
    with open(out, encoding="utf-8") as file:
        expect(json.load(file), {"got": {"a": 1}}, "what the command line got")


def together(it):
    it.create("both", {"app.py": PYTHON})
    said = []
    threads = [threading.Thread(target=lambda: said.append(it.invoke("both", {"do": "sleep", "seconds": 2})[1]["count"]))
               for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    expect(said, [1, 1, 1], "three at once, each in an environment of its own")


def machines(it):
    arn = it.aws.get_function(FunctionName="py")["Configuration"]["FunctionArn"]
    good = it.execute("direct", {"Resource": arn}, {"n": 1})
    expect(json.loads(good["output"])["event"], {"n": 1}, f"a function's ARN ({good.get('cause')})")
    good = it.execute("invoke", {"Resource": "arn:aws:states:::lambda:invoke", "Parameters": {
        "FunctionName": "py", "Payload.$": "$"}, "OutputPath": "$"}, {"n": 2})
    output = json.loads(good["output"])
    expect((output["StatusCode"], output["ExecutedVersion"], output["Payload"]["event"]), (200, "$LATEST", {"n": 2}), "lambda:invoke")
    for task in ({"Resource": arn}, {"Resource": "arn:aws:states:::lambda:invoke",
                                     "Parameters": {"FunctionName": arn, "Payload.$": "$"}}):
        bad = it.execute("raises-" + str(len(task)), task, {"do": "raise"})
        expect((bad["status"], bad["error"]), ("FAILED", "NoRows"), "a function that raises")
        expect(json.loads(bad["cause"])["errorMessage"], "no rows in the table", "its cause")
    token = it.execute("token", {"Resource": "arn:aws:states:::lambda:invoke.waitForTaskToken", "TimeoutSeconds": 60,
                                 "Parameters": {"FunctionName": "answers", "Payload": {"token.$": "$$.Task.Token"}}}, {})
    expect(token["output"], '{"by":"token"}', "a callback")
    sdk = it.execute("sdk", {"Resource": "arn:aws:states:::aws-sdk:lambda:invoke",
                             "Parameters": {"FunctionName": "py", "Payload": {"do": "raise"}}}, {})
    expect(json.loads(sdk["output"])["FunctionError"], "Unhandled", "the SDK's form")
    gone = it.execute("gone", {"Resource": "arn:aws:states:::lambda:invoke", "Parameters": {"FunctionName": "nobody"}}, {})
    expect(gone["error"], "Lambda.ResourceNotFoundException", "a function that is not there")


def stack(it):
    cloud = it.server.client("cloudformation")
    cloud.create_change_set(StackName="functions", ChangeSetName="first", ChangeSetType="CREATE", TemplateBody=TEMPLATE,
                            Capabilities=["CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"])
    it.until("the change set", lambda: cloud.describe_change_set(StackName="functions", ChangeSetName="first")["Status"]
             == "CREATE_COMPLETE")
    cloud.execute_change_set(StackName="functions", ChangeSetName="first")

    def status():
        return cloud.describe_stacks(StackName="functions")["Stacks"][0]

    found = it.until("the stack", lambda: (now := status())["StackStatus"].endswith(("_COMPLETE", "_FAILED")) and now)
    if found["StackStatus"] != "CREATE_COMPLETE":
        events = cloud.describe_stack_events(StackName="functions")["StackEvents"]
        raise Failed(str([e.get("ResourceStatusReason") for e in events if "FAILED" in e["ResourceStatus"]]))
    alias = found["Outputs"][0]["OutputValue"]
    expect(it.invoke(alias, {})[1], "number 5", "the alias of a stack")
    it.server.client("events").put_events(Entries=[{"Source": "mine", "DetailType": "t", "Detail": '{"text": "by a rule"}'}])

    def made():
        try:
            return it.s3.get_object(Bucket=BUCKET, Key="rule")["Body"].read()
        except it.s3.exceptions.NoSuchKey:
            return None
    expect(it.until("the rule's function", made), b"by a rule", "what a rule started")
    cloud.delete_stack(StackName="functions")

    def is_gone():
        try:
            return status()["StackStatus"] == "DELETE_COMPLETE"
        except Exception as error:  # the stack is not found by its name any more
            return "does not exist" in str(error)
    it.until("the stack's end", is_gone)
    expect_error(lambda: it.aws.get_function(FunctionName="stack-hello"), "ResourceNotFoundException", "stack-hello")


def survives_a_kill(it):
    it.create("later", {"app.py": LATER}, Timeout=60)
    answer, _ = it.invoke("later", {"seconds": 3}, InvocationType="Event")
    expect(answer["StatusCode"], 202, "an asynchronous invocation")

    def is_there(key):
        return key in [one["Key"] for one in it.s3.list_objects_v2(Bucket=BUCKET).get("Contents", [])]
    it.until("its begin", lambda: is_there("begun"))
    it.server.kill()
    it.server.start()
    it.until("its end, after a kill", lambda: is_there("done"), 90)
    expect(it.invoke("py", {"a": 1})[1]["event"], {"a": 1}, "another, afterwards")
    folder = os.path.join(it.server.data, "jobs")
    it.until("the environments of before", lambda: len([j for j in os.listdir(folder) if j.startswith("lambda-")]) <= 2)


def main():
    server = Server().start()
    it = Lambda(server)
    try:
        check("Python", python, it)
        check("what functions do wrong", mistakes, it)
        check("a timeout", timeout, it)
        check("Node.js and custom runtimes", node_and_custom, it)
        check("versions and aliases", versions, it)
        check("layers", layers, it)
        check("an image", image, it)
        check("the AWS CLI", command_line, it)
        check("several at once", together, it)
        it.create("answers", {"app.py": ANSWERS})
        check("state machines", machines, it)
        check("a stack, and a rule", stack, it)
        check("a kill in the middle", survives_a_kill, it)
    finally:
        server.remove()
    print(f"{RESULTS['passed']} passed, {RESULTS['failed']} failed")
    return 1 if RESULTS["failed"] else 0


if __name__ == "__main__":
    sys.exit(main())
