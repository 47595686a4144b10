"""`./dev bench`: figures, each beside a floor or peer of the same shape measured in the same run.

Prints a table and writes build/bench.json. --runs N (5) counted runs of each; --build also times a clean build
without cache and an incremental one."""
import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", ".."))
sys.path.insert(0, os.path.join(ROOT, "tests", "e2e"))
from server import ACCOUNT, Server  # noqa: E402

ROLE = f"arn:aws:iam::{ACCOUNT}:role/bench"
IMAGE = "python:3.8"
PRINT_NOW = "import time; print('%.6f' % time.time(), flush=True)"
ROWS = []


def row(name, value, unit, against=None, wanted=None):
    ratio = value / against if against else None
    ROWS.append({"name": name, "value": value, "unit": unit, "floor": against, "ratio": ratio, "wanted": wanted})
    floor = f"{against:10.2f}   {ratio:6.2f}x" if against else " " * 21
    print(f"{name:52} {value:10.2f} {unit:4} {floor}  {wanted or ''}", flush=True)


def resident_mib(pid):
    with open(f"/proc/{pid}/status", encoding="ascii") as file:
        return next(int(line.split()[1]) for line in file if line.startswith("VmRSS")) / 1024


def starts(runs):
    times, memory = [], []
    for _ in range(runs):
        server = Server().start()
        times.append(server.ready_seconds * 1000)
        memory.append(resident_mib(server.process.pid))
        server.remove()
    row("start to ready, empty data", statistics.median(times), "ms", wanted="<= 100 ms")
    row("resident memory, idle", statistics.median(memory), "MiB", wanted="<= 48 MiB")


def store():
    """Turns a second that the store makes durable, beside a bare log with the same number a sync."""
    build = os.path.join(ROOT, "build")
    subprocess.run(["ninja", "-C", build, "stepmill_store_bench"], check=True, stdout=subprocess.DEVNULL)
    with tempfile.TemporaryDirectory(prefix="stepmill-bench-") as folder:
        out = subprocess.run([os.path.join(build, "stepmill_store_bench"), folder], check=True, capture_output=True, text=True)
    for figure in json.loads(out.stdout):
        row(f"store: turns a second, {figure['in_flight']} in flight (bare log)", figure["turns_per_s"], "1/s",
            figure["bare_log_records_per_s"])


def interpreter():
    """Transitions per processor-second of the states language alone, with history events."""
    build = os.path.join(ROOT, "build")
    subprocess.run(["ninja", "-C", build, "stepmill_asl_bench"], check=True, stdout=subprocess.DEVNULL)
    out = subprocess.run([os.path.join(build, "stepmill_asl_bench")], check=True, capture_output=True, text=True)
    figures = json.loads(out.stdout)
    row("asl: transitions a second, Pass chain", figures["pass_per_s"], "1/s", wanted=">= 1,000,000")
    row("asl: transitions a second, Choice and Pass loop", figures["loop_per_s"], "1/s", wanted=">= 1,000,000")
    row("asl: item transitions a second, Map of 1,000", figures["items_per_s"], "1/s", wanted=">= 500,000")
    row("asl: ten states with 200 KB (with 200 bytes)", figures["large_us"], "us", figures["small_us"], "<= 2x")


def npm_folder(*packages):
    """A folder under build/ with npm packages in it."""
    folder = os.path.join(ROOT, "build", "bench-npm")
    os.makedirs(folder, exist_ok=True)
    if not all(os.path.isdir(os.path.join(folder, "node_modules", package)) for package in packages):
        subprocess.run(["npm", "install", "--prefix", folder, "--no-audit", "--no-fund", *packages], check=True,
                       stdout=subprocess.DEVNULL)
    return folder


def queries(milliseconds=100):
    """Evaluations and compilations a second of processor time, beside npm's jsonata and jsonpath-plus under node."""
    build = os.path.join(ROOT, "build")
    subprocess.run(["ninja", "-C", build, "stepmill_query_bench"], check=True, stdout=subprocess.DEVNULL)
    shared = os.path.join(ROOT, "..", "shared", "bench", "jsonata", "cases.json")
    ratios, parse_ratios = [], []
    for file in filter(os.path.exists, (shared, os.path.join(ROOT, "tests", "bench", "query_cases.json"))):
        ours = json.loads(subprocess.run([os.path.join(build, "stepmill_query_bench"), file, str(milliseconds)],
                                         check=True, capture_output=True, text=True).stdout)
        peer = json.loads(subprocess.run(
            ["node", os.path.join(ROOT, "tests", "bench", "query_peer.mjs"), npm_folder("jsonata", "jsonpath-plus"), str(milliseconds),
             file], check=True, capture_output=True, text=True).stdout)
        with open(file, encoding="utf-8") as cases:
            of_jsonata = {case["id"] for case in json.load(cases)["jsonata"]}
        for name, figure in ours.items():
            if figure["result"] != peer[name]["result"]:
                raise SystemExit(f"{name}: {figure['result']} is not the peer's {peer[name]['result']}")
            if name not in of_jsonata:  # a path
                wanted = ">= 5x" if name in ("jp-field", "jp-index", "jp-slice") else ">= 20x"
                row(f"jsonpath {name}: evaluations (npm jsonpath-plus)", figure["cpuOps"], "1/s", peer[name]["cpuOps"],
                    wanted)
                continue
            row(f"jsonata {name}: evaluations (npm jsonata)", figure["cpuOps"], "1/s", peer[name]["cpuOps"], ">= 3x")
            row(f"jsonata {name}: compilations (npm jsonata)", figure["parseOps"], "1/s", peer[name]["parseOps"])
            ratios.append(figure["cpuOps"] / peer[name]["cpuOps"])
            parse_ratios.append(figure["parseOps"] / peer[name]["parseOps"])
    row("jsonata: evaluations, geometric mean of the ratios", statistics.geometric_mean(ratios), "x", wanted=">= 20")
    row("jsonata: evaluations, least ratio", min(ratios), "x", wanted=">= 3")
    row("jsonata: compilations, geometric mean of the ratios", statistics.geometric_mean(parse_ratios), "x",
        wanted=">= 10")


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


def jobs(runs):
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
            statistics.median(peer), "<= 1.5x")
        row("processing job: last line to recorded end", statistics.median(recorded), "ms", wanted="<= 20 ms + exit")
    finally:
        server.remove()


def builds():
    with tempfile.TemporaryDirectory() as folder:
        env = dict(os.environ, CCACHE_DISABLE="1")
        subprocess.run(["cmake", "-S", ROOT, "-B", folder, "-G", "Ninja", "-DCMAKE_CXX_FLAGS=-O2 -g1"], env=env,
                       check=True, stdout=subprocess.DEVNULL)
        began = time.monotonic()
        subprocess.run(["ninja", "-C", folder], env=env, check=True, stdout=subprocess.DEVNULL)
        row("clean build without cache", time.monotonic() - began, "s", wanted="<= 720 s")
        touched = os.path.join(ROOT, "src", "service", "ssm")
        source = sorted(name for name in os.listdir(touched) if name.endswith(".cc") and "_test" not in name)[0]
        os.utime(os.path.join(touched, source))
        began = time.monotonic()
        subprocess.run(["ninja", "-C", folder], env=env, check=True, stdout=subprocess.DEVNULL)
        row("incremental build, one service touched", time.monotonic() - began, "s", wanted="<= 25 s")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--build", action="store_true")
    options = parser.parse_args()
    print(f"{'figure':52} {'median':>10}      {'floor':>10}    ratio  wanted")
    starts(options.runs)
    store()
    interpreter()
    queries()
    jobs(options.runs)
    if options.build:
        builds()
    with open(os.path.join(ROOT, "build", "bench.json"), "w", encoding="utf-8") as file:
        json.dump(ROWS, file, indent=2)


if __name__ == "__main__":
    main()
