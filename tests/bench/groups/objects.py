"""S3 beside nginx and dd: 100 MB written and read, 1,000 small objects listed and fetched. curl is everybody's client."""
import os
import statistics
import subprocess
import tempfile
import time

import boto3
from botocore.config import Config

from load import Nginx
from report import row
from server import REGION, Server

LARGE_BYTES = 100 * 1000 * 1000
SMALL_BYTES = 1000
SMALL = 1000
BUCKET = "bench"


def client_of(server):
    """Its signed addresses are of version 4."""
    key, secret = server.credentials()
    return boto3.client("s3", endpoint_url=server.url, region_name=REGION, aws_access_key_id=key,
                        aws_secret_access_key=secret,
                        config=Config(signature_version="s3v4", s3={"addressing_style": "path"}, proxies={}))


def timed(command):
    began = time.monotonic()
    done = subprocess.run(command, capture_output=True, check=False)
    if done.returncode != 0:
        raise SystemExit(f"{command[0]}: exit {done.returncode}: {done.stderr.decode()[-500:]}")
    return time.monotonic() - began


def curl(*arguments):
    return timed(["curl", "-q", "-sS", "--fail", "--noproxy", "*", "-o", "/dev/null", *arguments])


def signed(client, operation, **parameters):
    return client.generate_presigned_url(operation, Params=dict(Bucket=BUCKET, **parameters), ExpiresIn=3600)


def fetch_all(folder, name, urls):
    """All of them over one kept connection, one after the other."""
    config = os.path.join(folder, name + ".curl")
    with open(config, "w", encoding="ascii") as file:
        file.write("".join(f'url = "{url}"\noutput = "/dev/null"\n' for url in urls))
    return timed(["curl", "-q", "-sS", "--fail", "--noproxy", "*", "-K", config])


def large(client, nginx, folder, runs):
    path = os.path.join(folder, "large")
    with open(path, "wb") as file:
        file.write(os.urandom(LARGE_BYTES))
    written, floor_written, read, floor_read = [], [], [], []
    for number in range(runs):
        floor_written.append(timed(["dd", f"if={path}", f"of={path}.copy", "bs=1M", "conv=fsync"]))
        os.unlink(path + ".copy")
        written.append(curl("-T", path, signed(client, "put_object", Key=f"large-{number}")))
        floor_read.append(curl(nginx + "/large"))
        read.append(curl(signed(client, "get_object", Key=f"large-{number}")))
    rate = LARGE_BYTES / 1e6
    row("S3: PUT of 100 MB (dd conv=fsync)", rate / statistics.median(written), "MB/s",
        rate / statistics.median(floor_written), least=0.6)
    row("S3: GET of 100 MB (nginx)", rate / statistics.median(read), "MB/s",
        rate / statistics.median(floor_read), least=0.6)
    answer = client.get_object(Bucket=BUCKET, Key="large-0")
    with open(path, "rb") as file:
        if answer["Body"].read() != file.read():
            raise SystemExit("GET gave other bytes than PUT took")


def small(client, nginx, folder, runs):
    os.mkdir(os.path.join(folder, "small"))
    for number in range(SMALL):
        body = os.urandom(SMALL_BYTES)
        with open(os.path.join(folder, "small", f"{number:04}"), "wb") as file:
            file.write(body)
        client.put_object(Bucket=BUCKET, Key=f"small/{number:04}", Body=body)
    if len(client.list_objects_v2(Bucket=BUCKET, Prefix="small/")["Contents"]) != SMALL:
        raise SystemExit(f"the list has not {SMALL} objects")
    urls = [signed(client, "get_object", Key=f"small/{number:04}") for number in range(SMALL)]
    lists = signed(client, "list_objects_v2", Prefix="small/")
    listed, fetched, floor_listed, floor_fetched = [], [], [], []
    for _ in range(runs):
        floor_listed.append(curl(nginx + "/small/"))
        floor_fetched.append(fetch_all(folder, "nginx", [f"{nginx}/small/{number:04}" for number in range(SMALL)]))
        listed.append(curl(lists))
        fetched.append(fetch_all(folder, "own", urls))
    row("S3: 1,000 objects listed and fetched (nginx)",
        SMALL / (statistics.median(listed) + statistics.median(fetched)), "1/s",
        SMALL / (statistics.median(floor_listed) + statistics.median(floor_fetched)), least=0.6)
    row("S3:   of that the list (nginx's)", statistics.median(listed) * 1000, "ms",
        statistics.median(floor_listed) * 1000)


def run(runs):
    server = Server().start()
    try:
        with tempfile.TemporaryDirectory(prefix="stepmill-bench-") as folder, Nginx(0, files=folder) as nginx:
            os.chmod(folder, 0o755)
            client = client_of(server)
            client.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": REGION})
            url = f"http://127.0.0.1:{nginx.port}"
            large(client, url, folder, runs)
            small(client, url, folder, runs)
    finally:
        server.remove()
