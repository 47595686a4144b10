"""The built-in XGBoost beside Python's: the same rows as CSV, rounds and threads; read, trained, model written."""
import glob
import json
import os
import random
import statistics
import subprocess
import tempfile
import time

from report import BUILD, missing, row

ROWS, COLUMNS, ROUNDS = 60_000, 20, 50
WORDS = {"num_round": str(ROUNDS), "max_depth": "6", "eta": "0.2", "objective": "reg:squarederror",
         "tree_method": "hist", "nthread": str(os.cpu_count())}
PACKAGES = ["python3-xgboost", "libxgboost0", "python3-numpy", "python3-scipy"]
PEER = """
import json, sys
import xgboost
words = json.loads(sys.argv[1])
rounds = int(words.pop("num_round"))
data = xgboost.DMatrix(sys.argv[2] + "?format=csv&label_column=0")
model = xgboost.train(words, data, rounds, evals=[(data, "train")], verbose_eval=True)
model.save_model(sys.argv[3])
"""


def python_xgboost():
    """The folder of Debian's package, taken out of its archive: it cannot be installed beside what a build needs
    (its numpy and this build's Boost exclude one another on some machines)."""
    folder = os.path.join(BUILD, "bench-debs")
    packages = os.path.join(folder, "usr/lib/python3/dist-packages")
    if not os.path.isdir(packages + "/xgboost"):
        os.makedirs(folder, exist_ok=True)
        subprocess.run(["apt-get", "download", *PACKAGES], cwd=folder, check=True, stdout=subprocess.DEVNULL,
                       stderr=subprocess.DEVNULL)
        for archive in glob.glob(folder + "/*.deb"):
            subprocess.run(["dpkg", "-x", archive, folder], check=True)
    return packages


def write_rows(path):
    draw = random.Random(1)
    with open(path, "w", encoding="ascii") as file:
        for _ in range(ROWS):
            values = [draw.random() for _ in range(COLUMNS)]
            label = 3 * values[0] + values[1] * values[2] + (values[3] > 0.5)
            file.write(f"{label:.4f}," + ",".join(f"{value:.4f}" for value in values) + "\n")


def prepare(root, data):
    for folder in ("input/config", "input/data/train", "model", "output"):
        os.makedirs(os.path.join(root, folder), exist_ok=True)
    os.link(data, os.path.join(root, "input/data/train/train.csv"))
    channel = {"ContentType": "text/csv", "TrainingInputMode": "File", "S3DistributionType": "FullyReplicated",
               "RecordWrapperType": "None"}
    hosts = {"current_host": "algo-1", "hosts": ["algo-1"], "network_interface_name": "eth0"}
    for name, value in (("hyperparameters", WORDS), ("inputdataconfig", {"train": channel}), ("resourceconfig", hosts)):
        with open(os.path.join(root, "input/config", name + ".json"), "w", encoding="ascii") as file:
            json.dump(value, file)


def timed(command, env):
    began = time.monotonic()
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise SystemExit(f"{command[0]}: exit {done.returncode}: {done.stdout[-500:]}{done.stderr[-1000:]}")
    return time.monotonic() - began


def run(runs):
    name = "built-in XGBoost, CSV to model (Python's xgboost)"
    try:
        packages = python_xgboost()
    except (subprocess.CalledProcessError, OSError) as error:
        return missing(name, f"not measured: Debian's python3-xgboost cannot be had: {error}")
    with tempfile.TemporaryDirectory(prefix="stepmill-bench-") as folder:
        data, root = os.path.join(folder, "train.csv"), os.path.join(folder, "ml")
        write_rows(data)
        prepare(root, data)
        own, peer = [], []
        for _ in range(runs):
            own.append(timed([os.path.join(BUILD, "stepmill-xgboost"), "train"],
                             dict(os.environ, STEPMILL_ML_ROOT=root)))
            peer.append(timed(["/usr/bin/python3", "-c", PEER, json.dumps(WORDS), data, folder + "/model.json"],
                              dict(os.environ, PYTHONPATH=packages)))
        if not os.path.getsize(root + "/model/xgboost-model"):
            raise SystemExit("no model was written")
        row(name, statistics.median(own) * 1000, "ms", statistics.median(peer) * 1000, most=1.2)
