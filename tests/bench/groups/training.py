"""A training job in File mode with 100 MB, to its container's first line, beside a copy of the data and `podman run`."""
import os
import statistics
import subprocess
import tempfile
import time

from groups.jobs import IMAGE, PRINT_NOW, ROLE, podman_run
from report import row
from server import REGION, Server

BYTES = 100 * 1000 * 1000
BUCKET = "bench"


def run_job(client, logs, name):
    """Seconds from the request to the first line's own clock."""
    began = time.time()
    client.create_training_job(
        TrainingJobName=name, RoleArn=ROLE,
        AlgorithmSpecification={"TrainingImage": IMAGE, "TrainingInputMode": "File",
                                "ContainerEntrypoint": ["python3", "-c", PRINT_NOW]},
        InputDataConfig=[{"ChannelName": "train", "DataSource": {"S3DataSource": {
            "S3DataType": "S3Prefix", "S3Uri": f"s3://{BUCKET}/train/"}}}],
        OutputDataConfig={"S3OutputPath": f"s3://{BUCKET}/models"},
        ResourceConfig={"InstanceCount": 1, "InstanceType": "ml.m5.large", "VolumeSizeInGB": 1},
        StoppingCondition={"MaxRuntimeInSeconds": 600})
    while True:
        job = client.describe_training_job(TrainingJobName=name)
        if job["TrainingJobStatus"] not in ("InProgress", "Stopping"):
            break
        time.sleep(0.02)
    if job["TrainingJobStatus"] != "Completed":
        raise SystemExit(f"the job {name} is {job['TrainingJobStatus']}: {job.get('FailureReason')}")
    group = "/aws/sagemaker/TrainingJobs"
    stream = logs.describe_log_streams(logGroupName=group, logStreamNamePrefix=name + "/")["logStreams"][0]
    event = logs.get_log_events(logGroupName=group, logStreamName=stream["logStreamName"], startFromHead=True)["events"][0]
    return float(event["message"]) - began


def copy(folder):
    began = time.monotonic()
    subprocess.run(["cp", os.path.join(folder, "data"), os.path.join(folder, "copy")], check=True)
    seconds = time.monotonic() - began
    os.unlink(os.path.join(folder, "copy"))
    return seconds


def run(runs):
    server = Server().start()
    try:
        with tempfile.TemporaryDirectory(prefix="stepmill-bench-", dir=server.data) as folder:
            data = os.urandom(BYTES)
            with open(os.path.join(folder, "data"), "wb") as file:
                file.write(data)
            client, logs, s3 = (server.client(name) for name in ("sagemaker", "logs", "s3"))
            s3.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": REGION})
            s3.put_object(Bucket=BUCKET, Key="train/data", Body=data)
            run_job(client, logs, "warm-up")  # the engine starts with the first job
            podman_run(server)
            ours, floor = [], []
            for number in range(runs):
                ours.append(run_job(client, logs, f"job-{number}") * 1000)
                floor.append((copy(folder) + podman_run(server)) * 1000)
            row("training, 100 MB: created to first line (cp, podman run)", statistics.median(ours), "ms",
                statistics.median(floor), most=1.5)
    finally:
        server.remove()
