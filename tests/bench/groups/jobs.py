"""A processing job: accepted to its first line, beside `podman run` of the same image; its end to the recorded end."""
import os
import statistics
import subprocess
import tempfile
import time

from report import missing, row
from server import ACCOUNT, Server

ROLE = f"arn:aws:iam::{ACCOUNT}:role/bench"
IMAGE = "python:3.8"
PRINT_NOW = "import time; print('%.6f' % time.time(), flush=True)"


def run_job(client, logs, name):
    """Seconds from accepted to the first line's own clock, and from its exit to the recorded end."""
    began = time.time()
    client.create_processing_job(
        ProcessingJobName=name, RoleArn=ROLE,
        AppSpecification={"ImageUri": IMAGE, "ContainerEntrypoint": ["python3", "-c", PRINT_NOW]},
        ProcessingResources={"ClusterConfig": {"InstanceCount": 1, "InstanceType": "ml.t3.medium", "VolumeSizeInGB": 1}})
    while True:
        job = client.describe_processing_job(ProcessingJobName=name)
        if job["ProcessingJobStatus"] not in ("InProgress", "Stopping"):
            break
        time.sleep(0.02)
    if job["ProcessingJobStatus"] != "Completed":
        raise SystemExit(f"the job {name} is {job['ProcessingJobStatus']}: {job.get('FailureReason')}")
    group = "/aws/sagemaker/ProcessingJobs"
    stream = logs.describe_log_streams(logGroupName=group, logStreamNamePrefix=name + "/")["logStreams"][0]
    event = logs.get_log_events(logGroupName=group, logStreamName=stream["logStreamName"], startFromHead=True)["events"][0]
    printed = float(event["message"])
    return printed - began, job["ProcessingEndTime"].timestamp() - printed


def podman_run(server):
    """The peer: `podman run` of the same image, started by hand, to its first line."""
    began = time.time()
    env = dict(os.environ, CONTAINERS_CONF=os.path.join(server.data, "engine", "containers.conf"))
    store = "/var/cache/stepmill/images" if os.getuid() == 0 else os.path.expanduser("~/.cache/stepmill/images")
    root = tempfile.mkdtemp(prefix="stepmill-bench-")
    command = ["podman", "--root", root, "--runroot", root + "/run", "--storage-opt", f"additionalimagestore={store}",
               "run", "--rm", "--network", "none", "docker.io/library/" + IMAGE, "python3", "-c", PRINT_NOW]
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
    subprocess.run(["umount", "--quiet", "--recursive", root + "/overlay"], check=False, stderr=subprocess.DEVNULL)
    subprocess.run(["rm", "-rf", root], check=False)
    if done.returncode != 0:
        raise SystemExit("podman run: " + done.stderr)
    return float(done.stdout) - began


def run(runs):
    server = Server().start()
    try:
        client, logs = server.client("sagemaker"), server.client("logs")
        run_job(client, logs, "warm-up")  # the engine starts with the first job
        podman_run(server)
        accepted, recorded, peer = [], [], []
        for number in range(runs):
            first, end = run_job(client, logs, f"job-{number}")
            accepted.append(first * 1000)
            recorded.append(end * 1000)
            peer.append(podman_run(server) * 1000)
        row("processing job: accepted to first line (podman run)", statistics.median(accepted), "ms",
            statistics.median(peer), most=1.5)
        row("processing job: last line to recorded end", statistics.median(recorded), "ms", most=20)
    finally:
        server.remove()
    missing("process job: accepted to exit recorded of /bin/true (bwrap)", "not measured: the process backend is not built")
