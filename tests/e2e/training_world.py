"""What the tests of SageMaker in real containers share: a server with a bucket, training requests, rows to learn from."""
import io
import random
import tarfile
import tempfile
import time

from server import ACCOUNT, REGION, Failed

ROLE = f"arn:aws:iam::{ACCOUNT}:role/sagemaker"
XGBOOST = f"501404015308.dkr.ecr.{REGION}.amazonaws.com/xgboost:1"
BUCKET = "training"
ENDED = ("Completed", "Failed", "Stopped")


class World:
    def __init__(self, server):
        self.server = server
        self.connect()
        self.s3.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": REGION})
        self.put("train/a.csv", "1,2\n")
        self.put("train/deep/b.csv", "3,4\n")

    def connect(self):
        self.sagemaker, self.s3, self.logs = (self.server.client(name) for name in ("sagemaker", "s3", "logs"))

    def put(self, key, body):
        self.s3.put_object(Bucket=BUCKET, Key=key, Body=body)

    def request(self, name, image="python:3.8", script=None, arguments=("-",), channels=(), count=1, **more):
        algorithm = {"TrainingImage": image, "TrainingInputMode": "File",
                     "MetricDefinitions": [{"Name": "loss", "Regex": "loss=([0-9.]+)"}]}
        if image == XGBOOST:
            del algorithm["MetricDefinitions"]
        if script:
            # An item of an entry point has at most 256 characters: the code comes by a channel, as toolkits do it.
            self.put(f"code-{name}/main.py", script)
            algorithm["ContainerEntrypoint"] = ["python3", f"/opt/ml/input/data/code-{name}/main.py"]
            algorithm["ContainerArguments"] = list(arguments)
            channels = [*channels, f"code-{name}"]
        source = {"S3DataType": "S3Prefix", "S3DataDistributionType": "FullyReplicated"}
        request = {"TrainingJobName": name, "RoleArn": ROLE, "AlgorithmSpecification": algorithm,
                   "OutputDataConfig": {"S3OutputPath": f"s3://{BUCKET}/models"},
                   "ResourceConfig": {"InstanceCount": count, "InstanceType": "ml.m5.large", "VolumeSizeInGB": 1},
                   "StoppingCondition": {"MaxRuntimeInSeconds": 600}}
        if channels:
            request["InputDataConfig"] = [
                {"ChannelName": channel, "ContentType": "text/csv",
                 "DataSource": {"S3DataSource": {**source, "S3Uri": f"s3://{BUCKET}/{channel}/"}}}
                for channel in channels]
        return {**request, **more}

    def wait(self, name, wanted=ENDED, seconds=120):
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            job = self.sagemaker.describe_training_job(TrainingJobName=name)
            if job["TrainingJobStatus"] in wanted or job["SecondaryStatus"] in wanted:
                return job
            time.sleep(0.1)
        raise Failed(f"{name} is still {job['TrainingJobStatus']} {job['SecondaryStatus']}")

    def train(self, name, **arguments):
        self.sagemaker.create_training_job(**self.request(name, **arguments))
        return self.wait(name)

    def lines(self, name):
        group = "/aws/sagemaker/TrainingJobs"
        streams = self.logs.describe_log_streams(logGroupName=group, logStreamNamePrefix=name + "/")["logStreams"]
        return {stream["logStreamName"].split("/")[1].rsplit("-", 1)[0]:
                [event["message"] for event in self.logs.get_log_events(
                    logGroupName=group, logStreamName=stream["logStreamName"], startFromHead=True)["events"]]
                for stream in streams}

    def model(self, job):
        key = job["ModelArtifacts"]["S3ModelArtifacts"].split(f"s3://{BUCKET}/")[1]
        body = self.s3.get_object(Bucket=BUCKET, Key=key)["Body"].read()
        with tarfile.open(fileobj=io.BytesIO(body), mode="r:gz") as archive:
            return {member.name: archive.extractfile(member).read() for member in archive if member.isfile()}


def expect(what, wanted, name=""):
    if what != wanted:
        raise Failed(f"{name}: expected {wanted!r}, got {what!r}")


def rows(count, seed):
    chance = random.Random(seed)
    lines = []
    for _ in range(count):
        x = [chance.random() * 10 for _ in range(4)]
        lines.append(",".join(f"{value:.4f}" for value in [3 * x[0] - 2 * x[1] + x[2] * x[3], *x]))
    return "\n".join(lines) + "\n"


def predict(model, text):
    """By libxgboost's C interface, as Python's xgboost uses it."""
    import ctypes
    library = ctypes.CDLL("libxgboost.so.0")
    table = [[float(value) for value in line.split(",")[1:]] for line in text.splitlines()]
    flat = (ctypes.c_float * (len(table) * 4))(*sum(table, []))
    matrix, booster = ctypes.c_void_p(), ctypes.c_void_p()
    count, values = ctypes.c_uint64(), ctypes.POINTER(ctypes.c_float)()
    with tempfile.NamedTemporaryFile(suffix="-xgboost-model") as file:
        file.write(model)
        file.flush()
        for status in (library.XGDMatrixCreateFromMat(flat, ctypes.c_uint64(len(table)), ctypes.c_uint64(4),
                                                      ctypes.c_float(float("nan")), ctypes.byref(matrix)),
                       library.XGBoosterCreate(None, ctypes.c_uint64(0), ctypes.byref(booster)),
                       library.XGBoosterLoadModel(booster, file.name.encode())):
            expect(status, 0, "libxgboost")
    expect(library.XGBoosterPredict(booster, matrix, 0, 0, 0, ctypes.byref(count), ctypes.byref(values)), 0)
    return [values[i] for i in range(count.value)]


def wait_for(describe, member, wanted, seconds=120):
    until = time.monotonic() + seconds
    while (found := describe())[member] not in wanted:
        if time.monotonic() > until:
            raise Failed(f"still {found[member]}")
        time.sleep(0.1)
    return found
