"""The load client (load_bench.cc) and nginx, the floor of its requests."""
import json
import os
import subprocess
import tempfile
import time

from report import program
from server import ACCOUNT, REGION, free_port

ROLE = f"arn:aws:iam::{ACCOUNT}:role/bench"
HELLO = {"StartAt": "A", "States": {"A": {"Type": "Pass", "Result": {"greeting": "hi"}, "ResultPath": "$.out", "Next": "Z"},
                                    "Z": {"Type": "Succeed"}}}
THREE = {"StartAt": "A", "States": {"A": {"Type": "Pass", "Result": 1, "ResultPath": "$.a", "Next": "B"},
                                    "B": {"Type": "Pass", "Result": 2, "ResultPath": "$.b", "Next": "C"},
                                    "C": {"Type": "Succeed"}}}


def load(mode, port, **what):
    """One run of the load client; its figures."""
    return program("load", stdin=json.dumps({"mode": mode, "port": port, **what}))


def requests(server, operation, body, first=0, count=1):
    """`body` with "{n}" in it, for `count` numbers."""
    key, secret = server.credentials()
    return {"target": "AWSStepFunctions." + operation, "body": json.dumps(body), "first": first, "count": count,
            "sign": {"id": key, "secret": secret, "region": REGION, "service": "states"}}


def create(server, name, definition, kind="STANDARD"):
    return server.client("stepfunctions").create_state_machine(
        name=name, definition=json.dumps(definition), roleArn=ROLE, type=kind)["stateMachineArn"]


def execution_arn(machine_arn, name):
    return machine_arn.replace(":stateMachine:", ":execution:") + ":" + name


class Nginx:
    """Answers every request with a static 200 of `size` bytes, or with the files of a folder, on loopback."""

    def __init__(self, size, files=None):
        self.folder = tempfile.TemporaryDirectory(prefix="stepmill-nginx-")
        self.port = free_port()
        folder = self.folder.name
        temporary = "".join(f"{kind}_temp_path {folder}/{kind};\n"
                            for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
        answers = f"root {files}; autoindex on; autoindex_format json; sendfile on;" if files else f"return 200 \"{'x' * size}\";"
        user = "user root;\n" if files and os.getuid() == 0 else ""  # the folder is ours alone
        with open(folder + "/nginx.conf", "w", encoding="ascii") as file:
            file.write(f"""{user}daemon off; worker_processes auto; pid {folder}/pid; error_log {folder}/error.log;
events {{ worker_connections 1024; }}
http {{
{temporary}access_log off; keepalive_requests 1000000000; keepalive_timeout 600;
server {{ listen 127.0.0.1:{self.port}; default_type application/x-amz-json-1.0; location / {{ {answers} }} }}
}}
""")
        self.process = subprocess.Popen(["/usr/sbin/nginx", "-e", folder + "/error.log", "-c", folder + "/nginx.conf"])
        while not os.path.exists(folder + "/pid") or not open(folder + "/pid", encoding="ascii").read().strip():
            if self.process.poll() is not None:
                raise SystemExit("nginx did not start")
            time.sleep(0.01)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait()
        self.folder.cleanup()
