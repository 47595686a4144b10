"""SageMaker in real containers: training of our own, on two hosts and from streams, built-in XGBoost with batch transform, an
endpoint and tuning, stop, kill -9.
Ends with `N passed, M failed`."""
import hashlib
import json
import os
import random
import subprocess
import sys
import time

from botocore.exceptions import ClientError

from server import ROOT, Failed, Server
from test_chain import RESULTS, check
from training_world import BUCKET, ENDED, ROLE, XGBOOST, World, expect, predict, rows, wait_for

SCRIPT = r"""
import json, os, pathlib, sys
root = pathlib.Path("/opt/ml")
config = root / "input/config"
words = json.loads((config / "hyperparameters.json").read_text())
hosts = json.loads((config / "resourceconfig.json").read_text())
data = root / "input/data"
print("files", sorted(str(p.relative_to(data)) for p in data.rglob("*.csv")))
print("loss=0.75"); print("\tloss=0.5", flush=True)
(root / "model/weights").write_text(words.get("text", "w"))
(root / "output/data/report").write_text("r")
if words.get("fail"):
    (root / "output/failure").write_text(words["fail"])
    sys.exit(7)
"""
MEET = r"""
import json, socket, sys, time
hosts = json.load(open("/opt/ml/input/config/resourceconfig.json"))
me, all_hosts = hosts["current_host"], hosts["hosts"]
assert socket.gethostname() == me, socket.gethostname()
if me == all_hosts[0]:
    server = socket.socket(); server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    server.bind(("", 5000)); server.listen()
    for _ in all_hosts[1:]:
        peer, _ = server.accept(); print("met", peer.recv(100).decode(), flush=True); peer.sendall(b"ok")
else:
    while True:
        try:
            peer = socket.create_connection((all_hosts[0], 5000), 5); break
        except OSError as error:
            time.sleep(0.2)
    peer.sendall(me.encode()); assert peer.recv(2) == b"ok"
time.sleep(float(sys.argv[1]))
open("/opt/ml/model/" + me, "w").write("done")
"""


def own_container(world):
    job = world.train("own", script=SCRIPT, channels=["train"],
                      HyperParameters={"text": "kiwi"})
    expect(job["TrainingJobStatus"], "Completed", job.get("FailureReason"))
    expect([one["Status"] for one in job["SecondaryStatusTransitions"]],
           ["Starting", "Downloading", "Training", "Uploading", "Completed"])
    expect(world.model(job), {"weights": b"kiwi"})
    expect(world.lines("own")["algo-1"],
           ["files ['train/a.csv', 'train/deep/b.csv']", "loss=0.75", "#011loss=0.5"])
    expect([(one["MetricName"], one["Value"]) for one in job["FinalMetricDataList"]], [("loss", 0.5)])
    now = time.time()
    points = world.server.client("cloudwatch").get_metric_statistics(
        Namespace="/aws/sagemaker/TrainingJobs", MetricName="loss", StartTime=now - 3600, EndTime=now + 60, Period=7200,
        Dimensions=[{"Name": "TrainingJobName", "Value": "own"}], Statistics=["SampleCount", "Minimum", "Maximum"])
    expect([(one["SampleCount"], one["Minimum"], one["Maximum"]) for one in points["Datapoints"]], [(2.0, 0.5, 0.75)])


def failure(world):
    job = world.train("fails", script=SCRIPT, HyperParameters={"fail": "it broke"})
    expect(job["FailureReason"], "AlgorithmError: it broke, exit code: 7")
    job = world.train("no-image", image="nobody/has-this:1")
    if not job["FailureReason"].startswith("ClientError: Cannot pull algorithm container."):
        raise Failed(job["FailureReason"])
    try:
        world.train("fails")
        raise Failed("the same name was taken twice")
    except ClientError as error:
        expect(error.response["Error"]["Code"], "ResourceInUse")


def two_hosts(world):
    job = world.train("two", script=MEET, arguments=["0"], count=2)
    expect(job["TrainingJobStatus"], "Completed", job.get("FailureReason"))
    expect(world.model(job), {"algo-1": b"done", "algo-2": b"done"})
    expect(world.lines("two")["algo-1"], ["met algo-2"])


def killed_server(world):
    world.sagemaker.create_training_job(
        **world.request("killed", script=MEET, arguments=["4"], count=2))
    world.wait("killed", ("Training",))
    world.server.kill()
    world.server.start()
    world.connect()
    job = world.wait("killed")
    expect(job["TrainingJobStatus"], "Completed", job.get("FailureReason"))
    expect(world.model(job), {"algo-1": b"done", "algo-2": b"done"})


def stop(world):
    code = "import signal, sys, time\nopen('/opt/ml/model/half','w').write('h')\n" \
           "signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))\nprint('up', flush=True)\ntime.sleep(300)"
    world.sagemaker.create_training_job(**world.request("stop", script=code))
    world.wait("stop", ("Training",))
    while "up" not in sum(world.lines("stop").values(), []):
        time.sleep(0.1)
    world.sagemaker.stop_training_job(TrainingJobName="stop")
    job = world.wait("stop")
    expect(job["TrainingJobStatus"], "Stopped")
    expect(world.model(job), {"half": b"h"})


DEAF = "import signal, time\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\nprint('up', flush=True)\ntime.sleep(600)"


def deaf_begins(world):
    """A script that ignores SIGTERM has two minutes: they pass while the other tests run."""
    world.sagemaker.create_training_job(**world.request("deaf", script=DEAF))
    world.wait("deaf", ("Training",))
    while "up" not in sum(world.lines("deaf").values(), []):
        time.sleep(0.1)
    world.sagemaker.stop_training_job(TrainingJobName="deaf")
    expect(world.wait("deaf", ("Stopping",))["TrainingJobStatus"], "Stopping")


def deaf_ends(world):
    job = world.wait("deaf", seconds=180)
    expect(job["TrainingJobStatus"], "Stopped")
    expect(job.get("FailureReason"), None)


STREAM = r"""
import hashlib, sys
for epoch in range(3):
    with open(f"/opt/ml/input/data/stream_{epoch}", "rb") as pipe:
        data = pipe.read(10) if epoch == 1 else pipe.read()
    print(epoch, len(data), hashlib.sha256(data).hexdigest(), flush=True)
"""


def pipe_mode(world):
    """Three epochs of a stream, the second read for ten bytes only; then one that nobody opens."""
    chance = random.Random(5)
    parts = [chance.randbytes(3_000_000) for _ in range(4)]
    for i, part in enumerate(parts):
        world.put(f"stream/{i}", part)
    def request(name, script):
        made = world.request(name, script=script, channels=["stream"])
        made["InputDataConfig"][0]["InputMode"] = "Pipe"
        return made
    world.sagemaker.create_training_job(**request("pipe", STREAM))
    job = world.wait("pipe")
    expect(job["TrainingJobStatus"], "Completed", job.get("FailureReason"))
    whole = b"".join(parts)
    digest = hashlib.sha256(whole).hexdigest()
    expect(world.lines("pipe")["algo-1"],
           [f"0 {len(whole)} {digest}", f"1 10 {hashlib.sha256(whole[:10]).hexdigest()}", f"2 {len(whole)} {digest}"])
    code = "import signal, sys, time\nsignal.signal(signal.SIGTERM, lambda *_: sys.exit(0))\n" \
           "print('up', flush=True)\ntime.sleep(300)"
    world.sagemaker.create_training_job(**request("pipe-idle", code))
    while "up" not in sum(world.lines("pipe-idle").values(), []):
        time.sleep(0.1)
    world.sagemaker.stop_training_job(TrainingJobName="pipe-idle")
    expect(world.wait("pipe-idle", seconds=60)["TrainingJobStatus"], "Stopped")


def pipe_killed(world):
    """The reader of a stream that the server's death cut short took that for its end: the job says so."""
    script = "import time\npipe = open('/opt/ml/input/data/stream_0', 'rb')\nprint(len(pipe.read(10)), flush=True)\n" \
             "time.sleep(3)\nprint(len(pipe.read()), flush=True)"
    made = world.request("pipe-killed", script=script, channels=["stream"])
    made["InputDataConfig"][0]["InputMode"] = "Pipe"
    world.sagemaker.create_training_job(**made)
    while "10" not in sum(world.lines("pipe-killed").values(), []):
        time.sleep(0.1)
    world.server.kill()
    world.server.start()
    world.connect()
    job = world.wait("pipe-killed")
    expect(job["TrainingJobStatus"], "Failed")
    if not job["FailureReason"].startswith("InternalServerError: We encountered an internal error."):
        raise Failed(job["FailureReason"])


def xgb_channels():
    source = {"S3DataType": "S3Prefix", "S3DataDistributionType": "FullyReplicated"}
    return [{"ChannelName": name, "ContentType": "text/csv",
             "DataSource": {"S3DataSource": {**source, "S3Uri": f"s3://{BUCKET}/{prefix}/"}}}
            for name, prefix in (("train", "xgb-train"), ("validation", "xgb-valid"))]


def xgboost(world):
    world.put("xgb-train/train.csv", rows(2000, 1))
    world.put("xgb-valid/validation.csv", rows(300, 2))
    words = {"num_round": "20", "max_depth": "5", "eta": "0.3", "objective": "reg:linear", "silent": "0",
             "subsample": "0.7", "seed": "3"}
    job = world.train("xgb", image=XGBOOST, InputDataConfig=xgb_channels(), HyperParameters=words)
    expect(job["TrainingJobStatus"], "Completed", job.get("FailureReason"))
    lines = [line for line in world.lines("xgb")["algo-1"] if line.startswith("[") and "#011" in line]
    expect(len(lines), 20)
    last = dict(part.rsplit(":", 1) for part in lines[-1].split("#011")[1:])
    metrics = {one["MetricName"]: one["Value"] for one in job["FinalMetricDataList"]}
    if abs(metrics["validation:rmse"] - float(last["validation-rmse"])) > 1e-4 or metrics["validation:rmse"] > 5:
        raise Failed(f"{metrics} {last}")
    model = world.model(job)
    expect(list(model), ["xgboost-model"])
    # libxgboost itself reads it, and predicts as well as the log said.
    predictions = predict(model["xgboost-model"], rows(300, 2))
    truth = [float(line.split(",")[0]) for line in rows(300, 2).splitlines()]
    rmse = (sum((a - b) ** 2 for a, b in zip(predictions, truth)) / len(truth)) ** 0.5
    if abs(rmse - metrics["validation:rmse"]) > 1e-3:
        raise Failed(f"rmse {rmse}, the job said {metrics['validation:rmse']}")
    again = world.train("xgb-again", image=XGBOOST, InputDataConfig=xgb_channels(), HyperParameters=words)
    expect(world.model(again) == model, True, "the same seed gives the same model")


def xgboost_on_two_hosts(world):
    """Each host has half of the rows; the model is of all of them, and printed once."""
    for name, seed in (("a", 11), ("b", 12)):
        world.put(f"xgb-halves/{name}.csv", rows(1000, seed))
    source = {"S3DataType": "S3Prefix", "S3DataDistributionType": "ShardedByS3Key",
              "S3Uri": f"s3://{BUCKET}/xgb-halves/"}
    channel = {"ChannelName": "train", "ContentType": "text/csv", "DataSource": {"S3DataSource": source}}
    job = world.train("xgb-two", image=XGBOOST, count=2, InputDataConfig=[channel],
                      HyperParameters={"num_round": "20", "max_depth": "5", "eta": "0.3", "objective": "reg:linear"})
    expect(job["TrainingJobStatus"], "Completed", job.get("FailureReason"))
    lines = world.lines("xgb-two")
    rounds = {host: len([line for line in all_of if line.startswith("[") and "#011" in line])
              for host, all_of in lines.items()}
    expect(rounds, {"algo-1": 20, "algo-2": 0})
    model = world.model(job)
    expect(list(model), ["xgboost-model"])
    truth = [float(line.split(",")[0]) for line in rows(300, 2).splitlines()]
    predictions = predict(model["xgboost-model"], rows(300, 2))
    rmse = (sum((a - b) ** 2 for a, b in zip(predictions, truth)) / len(truth)) ** 0.5
    if rmse > 6:
        raise Failed(f"rmse {rmse}")


def model_of(world, name, job="xgb"):
    world.sagemaker.create_model(ModelName=name, ExecutionRoleArn=ROLE, PrimaryContainer={
        "Image": XGBOOST, "ModelDataUrl": f"s3://{BUCKET}/models/{job}/output/model.tar.gz"})


def batch_transform(world):
    model_of(world, "xgb-batch")
    lines = rows(300, 2).splitlines()
    world.put("batch/part.csv", "\n".join(line.split(",", 1)[1] for line in lines) + "\n")
    source = {"S3DataType": "S3Prefix", "S3Uri": f"s3://{BUCKET}/batch/"}
    world.sagemaker.create_transform_job(
        TransformJobName="batch", ModelName="xgb-batch",
        TransformInput={"DataSource": {"S3DataSource": source}, "ContentType": "text/csv", "SplitType": "Line"},
        TransformOutput={"S3OutputPath": f"s3://{BUCKET}/batch-out", "AssembleWith": "Line"},
        TransformResources={"InstanceType": "ml.m5.large", "InstanceCount": 1})
    job = wait_for(lambda: world.sagemaker.describe_transform_job(TransformJobName="batch"), "TransformJobStatus",
                   ENDED)
    expect(job["TransformJobStatus"], "Completed", job.get("FailureReason"))
    body = world.s3.get_object(Bucket=BUCKET, Key="batch-out/part.csv.out")["Body"].read().decode()
    model = world.model(world.sagemaker.describe_training_job(TrainingJobName="xgb"))["xgboost-model"]
    for given, wanted in zip([float(line) for line in body.splitlines()], predict(model, rows(300, 2)), strict=True):
        if abs(given - wanted) > 1e-4:
            raise Failed(f"{given} is not {wanted}")


def endpoint(world):
    """Up, asked, updated while it is asked without a single failure, deleted."""
    runtime = world.server.client("sagemaker-runtime")
    model_of(world, "xgb-live")
    for config in ("live-1", "live-2"):
        world.sagemaker.create_endpoint_config(EndpointConfigName=config, ProductionVariants=[
            {"VariantName": "AllTraffic", "ModelName": "xgb-live", "InstanceType": "ml.m5.large",
             "InitialInstanceCount": 1}])
    world.sagemaker.create_endpoint(EndpointName="live", EndpointConfigName="live-1")
    def describe():
        return world.sagemaker.describe_endpoint(EndpointName="live")
    found = wait_for(describe, "EndpointStatus", ("InService", "Failed"))
    expect(found["EndpointStatus"], "InService", found.get("FailureReason"))

    def ask():
        answer = runtime.invoke_endpoint(EndpointName="live", ContentType="text/csv", Body=b"1,2,3,4")
        return float(answer["Body"].read())
    first = ask()
    world.sagemaker.update_endpoint(EndpointName="live", EndpointConfigName="live-2")
    count = 0
    while (found := describe())["EndpointStatus"] == "Updating" or count < 50:
        expect(ask(), first)
        count += 1
    expect(found["EndpointConfigName"], "live-2")
    for _ in range(50):
        expect(ask(), first)
    try:
        runtime.invoke_endpoint(EndpointName="live", ContentType="text/csv", Body=b"1,2")
        raise Failed("too few columns were taken")
    except ClientError as error:
        expect(error.response["Error"]["Code"], "ModelError")
        expect(int(error.response["OriginalStatusCode"]), 400)
    world.sagemaker.delete_endpoint(EndpointName="live")
    until = time.monotonic() + 60
    while time.monotonic() < until:
        try:
            describe()
        except ClientError as error:
            expect(error.response["Error"]["Message"].startswith("Could not find endpoint"), True)
            return
        time.sleep(0.1)
    raise Failed("the endpoint is still there")


def tune(world, name, config, ranges, words):
    """Runs a tuning job of the built-in algorithm to its end."""
    world.sagemaker.create_hyper_parameter_tuning_job(
        HyperParameterTuningJobName=name,
        HyperParameterTuningJobConfig={
            **config, "ParameterRanges": ranges,
            "HyperParameterTuningJobObjective": {"Type": "Minimize", "MetricName": "validation:rmse"}},
        TrainingJobDefinition={
            "StaticHyperParameters": {"objective": "reg:linear", **words},
            "AlgorithmSpecification": {"TrainingImage": XGBOOST, "TrainingInputMode": "File"},
            "RoleArn": ROLE, "InputDataConfig": xgb_channels(),
            "OutputDataConfig": {"S3OutputPath": f"s3://{BUCKET}/tuned"},
            "ResourceConfig": {"InstanceCount": 1, "InstanceType": "ml.m5.large", "VolumeSizeInGB": 1},
            "StoppingCondition": {"MaxRuntimeInSeconds": 600}})
    job = wait_for(lambda: world.sagemaker.describe_hyper_parameter_tuning_job(HyperParameterTuningJobName=name),
                   "HyperParameterTuningJobStatus", ENDED)
    expect(job["HyperParameterTuningJobStatus"], "Completed", job.get("FailureReason"))
    return job


def tuning(world):
    job = tune(world, "tune",
               {"Strategy": "Random", "ResourceLimits": {"MaxNumberOfTrainingJobs": 3, "MaxParallelTrainingJobs": 2}},
               {"IntegerParameterRanges": [{"Name": "max_depth", "MinValue": "1", "MaxValue": "6"}],
                "ContinuousParameterRanges": [{"Name": "eta", "MinValue": "0.1", "MaxValue": "0.5"}]},
               {"num_round": "5"})
    values = [one["FinalHyperParameterTuningJobObjectiveMetric"]["Value"] for one in
              world.sagemaker.list_training_jobs_for_hyper_parameter_tuning_job(
                  HyperParameterTuningJobName="tune")["TrainingJobSummaries"]]
    expect(len(values), 3)
    expect(job["BestTrainingJob"]["FinalHyperParameterTuningJobObjectiveMetric"]["Value"], min(values))


def hyperband(world):
    """Training jobs that would go on for 200,000 rounds are ended when they have had nine, or fewer."""
    job = tune(world, "band",
               {"Strategy": "Hyperband",
                "StrategyConfig": {"HyperbandStrategyConfig": {"MinResource": 1, "MaxResource": 9}},
                "ResourceLimits": {"MaxNumberOfTrainingJobs": 3, "MaxParallelTrainingJobs": 1}},
               {"ContinuousParameterRanges": [{"Name": "eta", "MinValue": "0.01", "MaxValue": "0.5"}]},
               {"num_round": "200000"})
    expect(job["TrainingJobStatusCounters"]["Stopped"], 3)
    expect(job["ObjectiveStatusCounters"]["Succeeded"], 3)


def xgboost_mistakes(world):
    cases = {"ragged": ("1,2,3\n1,2\n", {}, "Failed to load csv data with exception:"),
             "text-label": ("a,2,3\n", {}, "Failed to load csv data with exception:"),
             "depth": ("1,2,3\n", {"max_depth": "deep"},
                       "Hyperparameter max_depth: could not parse value (caused by ValueError)"),
             "unknown": ("1,2,3\n", {"silence": "1"}, "Extraneous hyperparameter found: silence")}
    for name, (data, words, part) in cases.items():
        world.put(f"bad-{name}/data.csv", data)
        source = {"S3DataType": "S3Prefix", "S3Uri": f"s3://{BUCKET}/bad-{name}/"}
        channel = {"ChannelName": "train", "ContentType": "text/csv", "DataSource": {"S3DataSource": source}}
        job = world.train(name, image=XGBOOST, InputDataConfig=[channel],
                          HyperParameters={"num_round": "2", **words})
        expect(job["TrainingJobStatus"], "Failed", name)
        if not job["FailureReason"].startswith("ClientError: " + part):
            raise Failed(f"{name}: {job['FailureReason']}")


def step_functions(world):
    """createTrainingJob.sync with the shape that the Data Science SDK writes."""
    states = world.server.client("stepfunctions")
    request = world.request("by-states", script=SCRIPT, channels=["train"],
                            HyperParameters={"text": "sync"})
    del request["TrainingJobName"]
    definition = {"StartAt": "Train", "States": {"Train": {
        "Type": "Task", "Resource": "arn:aws:states:::sagemaker:createTrainingJob.sync", "End": True,
        "Parameters": {**request, "TrainingJobName.$": "$$.Execution.Input['TrainJobName']"}}}}
    machine = states.create_state_machine(name="flow", definition=json.dumps(definition),
                                          roleArn=ROLE)["stateMachineArn"]
    execution = states.start_execution(stateMachineArn=machine,
                                       input=json.dumps({"TrainJobName": "by-states"}))["executionArn"]
    until = time.monotonic() + 120
    while (done := states.describe_execution(executionArn=execution))["status"] == "RUNNING":
        if time.monotonic() > until:
            raise Failed("the execution does not end")
        time.sleep(0.1)
    expect(done["status"], "SUCCEEDED", done.get("cause"))
    output = json.loads(done["output"])
    expect(output["TrainingJobStatus"], "Completed")
    expect(output["ModelArtifacts"]["S3ModelArtifacts"], f"s3://{BUCKET}/models/by-states/output/model.tar.gz")


def main():
    subprocess.run([os.environ.get("STEPMILL", os.path.join(ROOT, "build", "stepmill")), "images", "make", "python"],
                   check=True)
    server, beside = Server().start(), Server().start()
    wanted = sys.argv[1:]
    try:
        world, deaf_world = World(server), World(beside)
        for test in (deaf_begins, own_container, failure, pipe_mode, pipe_killed, two_hosts, xgboost,
                     xgboost_on_two_hosts, batch_transform, endpoint, tuning, hyperband, xgboost_mistakes,
                     step_functions, stop, killed_server, deaf_ends):
            if not wanted or test.__name__ in wanted:
                # The job that does not stop keeps its processors for two minutes: it has a machine of its own.
                check(test.__name__.replace("_", " "), test, deaf_world if test in (deaf_begins, deaf_ends) else world)
    finally:
        server.remove()
        beside.remove()
    print(f"{RESULTS['passed']} passed, {RESULTS['failed']} failed")
    return 1 if RESULTS["failed"] else 0


if __name__ == "__main__":
    sys.exit(main())
