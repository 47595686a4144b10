"""Starts, kills and asks a stepmill server on fresh data; used by the demo and the end-to-end tests."""
import configparser
import json
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time

ROOT = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", ".."))
REGION = "ap-northeast-1"
ACCOUNT = "000000000000"


def free_port():
    """Below the range that the kernel gives to clients: while a killed server is away, a client that tries to
    connect to a port of that range can be given that very port, and the server cannot come back to it."""
    while True:
        port = random.randrange(10000, 32000)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
                return port
            except OSError:
                continue  # taken: another


class Failed(Exception):
    """A step that did not happen; the text says which and what came instead."""


class Server:
    def __init__(self, program=None, data=None, port=None, arguments=()):
        self.program = program or os.environ.get("STEPMILL", os.path.join(ROOT, "build", "stepmill"))
        self.data = data or tempfile.mkdtemp(prefix="stepmill-")
        self.port = port or free_port()
        self.arguments = list(arguments)
        self.process = None
        self.url = f"http://127.0.0.1:{self.port}"
        self.ready_seconds = None
        self.starts = 0

    def start(self):
        command = [self.program, "serve", "--data", self.data, "--listen", f"127.0.0.1:{self.port}",
                   "--region", REGION] + self.arguments
        self.starts += 1
        log = open(os.path.join(self.data, f"server.{self.starts}.log"), "wb")
        began = time.monotonic()
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log)
        line = self.process.stdout.readline().decode()
        self.ready_seconds = time.monotonic() - began
        if "stepmill ready on" not in line:
            self.process.wait(10)
            raise Failed(f"the server did not start: {line!r}, exit {self.process.returncode}; "
                         f"see {self.log_text()[-2000:]}")
        # What it prints later must not fill the pipe.
        threading.Thread(target=shutil.copyfileobj, args=(self.process.stdout, log), daemon=True).start()
        return self

    def log_text(self):
        text = ""
        for number in range(1, self.starts + 1):
            with open(os.path.join(self.data, f"server.{number}.log"), errors="replace") as log:
                text += log.read()
        return text

    def kill(self):
        """kill -9 of the server and of the engine that it manages; containers go on."""
        self.process.kill()
        self.process.wait()
        for pid in self.engine_pids():
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass  # it ended by itself

    def engine_pids(self):
        """The managed engine of this data folder, which writes its process id down; none before its first job."""
        try:
            with open(os.path.join(self.data, "engine", "pid"), encoding="ascii") as file:
                pid = int(file.read().split()[0])
            with open(f"/proc/{pid}/cmdline", "rb") as file:
                return [pid] if b"podman" in file.read() else []
        except (OSError, IndexError):
            return []

    def stop(self):
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(30)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
                raise Failed("the server did not end within 30 s of SIGTERM")
        return self.process.returncode if self.process else 0

    def remove(self):
        """Ends what is left of the data folder's jobs and engine, then removes the folder."""
        self.stop()
        subprocess.run([self.program, "cleanup", "--data", self.data], check=False,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        for pid in self.engine_pids():
            os.kill(pid, signal.SIGTERM)
        shutil.rmtree(self.data, ignore_errors=True)

    def credentials(self):
        parser = configparser.ConfigParser()
        parser.read(os.path.join(self.data, "credentials"))
        profile = parser["default"]
        return profile["aws_access_key_id"], profile["aws_secret_access_key"]

    def environment(self):
        key, secret = self.credentials()
        kept = {name: os.environ[name] for name in ("HOME", "LANG", "TERM", "TMPDIR") if name in os.environ}
        return {**kept, "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
                "AWS_ACCESS_KEY_ID": key, "AWS_SECRET_ACCESS_KEY": secret, "AWS_DEFAULT_REGION": REGION,
                "AWS_CONFIG_FILE": "/dev/null", "AWS_PAGER": "", "GIT_TERMINAL_PROMPT": "0",
                "GIT_CONFIG_GLOBAL": "/dev/null", "NO_PROXY": "127.0.0.1"}

    def client(self, service):
        import boto3
        from botocore.config import Config
        key, secret = self.credentials()
        return boto3.client(service, endpoint_url=self.url, region_name=REGION, aws_access_key_id=key,
                            aws_secret_access_key=secret,
                            config=Config(retries={"max_attempts": 8, "mode": "standard"},
                                          s3={"addressing_style": "path"}, proxies={}))

    def ask(self, signing_name, target, payload):
        """One signed JSON 1.1 call for operations that no SDK knows."""
        from botocore.auth import SigV4Auth
        from botocore.awsrequest import AWSRequest
        from botocore.credentials import Credentials
        from botocore.httpsession import URLLib3Session
        request = AWSRequest("POST", self.url + "/", data=json.dumps(payload).encode(),
                             headers={"X-Amz-Target": target, "Content-Type": "application/x-amz-json-1.1"})
        SigV4Auth(Credentials(*self.credentials()), signing_name, REGION).add_auth(request)
        answer = URLLib3Session().send(request.prepare())
        if answer.status_code != 200:
            raise Failed(f"{target}: {answer.status_code} {answer.text}")
        return json.loads(answer.text or "{}")


def run(command, env, cwd=None, check=True, timeout=600, quiet=False):
    """Runs a command as a user would, shows it and what it said; its standard output."""
    if not quiet:
        command_shown = [word if len(word) < 200 else word[:120] + "..." for word in command]
        shown = " ".join(word if all(c not in word for c in " ${}\"'") else "'" + word + "'" for word in command_shown)
        print(f"  $ {shown}", flush=True)
    done = subprocess.run(command, env=env, cwd=cwd, capture_output=True, text=True, timeout=timeout)
    if not quiet:
        for line in (done.stdout + done.stderr).rstrip().splitlines()[-25:]:
            print("    " + line, flush=True)
    if check and done.returncode != 0:
        raise Failed(f"{' '.join(command)}: exit {done.returncode}: {done.stdout[-2000:]}{done.stderr[-2000:]}")
    return done.stdout


if __name__ == "__main__":
    sys.exit("a module of the end-to-end tests, not a program")
