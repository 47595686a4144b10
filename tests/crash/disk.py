"""A disk that is really full, a database with flipped bytes, a backup of a server that runs, SIGTERM during a long poll.
Ends with `N passed, M failed, K skipped`."""
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import traceback

from plan import Failed, ROOT, Server
from client import Client, Refused

PARAMETER_BYTES = 4000


class Away(Exception):
    """The server has ended."""


class Plain(Server):
    """A server that stays away once it has ended."""

    def wait_until_up(self):
        if self.process.poll() is not None:
            raise Away()


def program():
    return os.environ.get("STEPMILL", os.path.join(ROOT, "build", "stepmill"))


def command(*words):
    done = subprocess.run([program(), *words], capture_output=True, text=True, timeout=120, check=False)
    return done.returncode, done.stdout, done.stderr


def expect(is_so, what):
    if not is_so:
        raise Failed(what)


def put(client, n):
    client.call("ssm", "PutParameter", {"Name": f"/p/{n}", "Value": str(n).ljust(PARAMETER_BYTES, "x"), "Type": "String"},
                ("ParameterAlreadyExists",))


def full_disk(folder):
    """Acknowledged puts until the disk is full; the server says so; with room again all of them are there."""
    data = os.path.join(folder, "small")
    os.makedirs(data)
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=24m", "tmpfs", data], check=True)
    try:
        server = Plain(program(), data).start()
        client, acknowledged = Client(server), 0
        try:
            for n in range(20000):
                put(client, n)
                acknowledged = n + 1
            raise Failed("the disk was never full")
        except (Away, Refused, Failed):
            pass
        server.process.wait(20)
        said = server.log_text().strip().splitlines()[-1]
        expect(server.process.returncode == 1 and "full" in said and data in said,
               f"exit {server.process.returncode}, last line {said!r}")
        subprocess.run(["mount", "-o", "remount,size=200m", data], check=True)
        server.start()
        found = Client(server)
        for n in range(acknowledged):
            value = found.call("ssm", "GetParameter", {"Name": f"/p/{n}"})["Parameter"]["Value"]
            expect(value.split("x")[0] == str(n), f"parameter {n} is {value[:20]}")
        expect(server.stop() == 0, "SIGTERM")
        print(f"   {acknowledged} acknowledged, all there; it said: {said}")
    finally:
        subprocess.run(["umount", "-l", data], check=False)


def flipped_bytes(folder):
    """Bytes flipped in the index: server and check name the file and what to do; the backup brings it back."""
    data, copy = os.path.join(folder, "flipped"), os.path.join(folder, "copy")
    server = Plain(program(), data)
    os.makedirs(data)
    server.start()
    client = Client(server)
    for n in range(200):
        put(client, n)
    code, said, trouble = command("backup", copy, "--data", data)
    expect(code == 0, f"backup: {said}{trouble}")
    expect(command("check", "--data", data)[0] == 1, "check took a folder in use")
    expect(server.stop() == 0, "SIGTERM")
    expect(command("check", "--data", data)[0] == 0, "check of a whole store")
    index = os.path.join(data, "store", "index.sqlite")
    with open(index, "r+b") as file:
        for page in range(1, os.path.getsize(index) // 4096):
            file.seek(page * 4096)
            file.write(b"\xff\xff\xff\xff")
    code, said, trouble = command("check", "--data", data)
    expect(code == 1 and "index.sqlite" in said and "restore" in trouble, f"check: {code} {said[:300]} {trouble}")
    try:
        server.start()
        Client(server).call("ssm", "GetParameter", {"Name": "/p/7"}, tries_again=False)
        raise Failed("it answered from a damaged store")
    except (Refused, Failed, OSError, Away) as error:
        if "answered from" in str(error):
            raise
    server.process.kill()
    server.process.wait()
    last = server.log_text().strip().splitlines()[-1]
    expect("index.sqlite" in last and "stepmill check" in last, f"the server's last line: {last}")
    shutil.rmtree(data)
    code, said, trouble = command("restore", copy, "--data", data)
    expect(code == 0, f"restore: {said}{trouble}")
    server.start()
    for n in range(200):
        Client(server).call("ssm", "GetParameter", {"Name": f"/p/{n}"})
    expect(server.stop() == 0, "SIGTERM")
    print(f"   it said: {last}")


def long_poll(folder):
    """SIGTERM while a worker waits for a task: it gets an empty answer, the server ends at once."""
    server = Plain(program(), tempfile.mkdtemp(dir=folder)).start()
    client = Client(server)
    arn = client.call("states", "CreateActivity", {"name": "work"})["activityArn"]
    answers = []
    worker = threading.Thread(target=lambda: answers.append(
        Client(server).call("states", "GetActivityTask", {"activityArn": arn}, timeout=60)))
    worker.start()
    time.sleep(0.5)
    began = time.monotonic()
    server.process.send_signal(signal.SIGTERM)
    code = server.process.wait(30)
    worker.join(5)
    seconds = time.monotonic() - began
    expect(code == 0 and seconds < 5, f"exit {code} after {seconds:.1f} s")
    expect(len(answers) == 1 and not answers[0].get("taskToken"), f"the worker got {json.dumps(answers)}")
    print(f"   ended after {seconds * 1000:.0f} ms")


def main():
    passed = failed = skipped = 0
    for test in (full_disk, flipped_bytes, long_poll):
        print(f"-- {test.__name__}", flush=True)
        if test is full_disk and os.geteuid() != 0:
            print("   skipped: mounting needs root")
            skipped += 1
            continue
        folder = tempfile.mkdtemp(prefix="stepmill-disk-")
        try:
            test(folder)
            passed += 1
        except Exception:  # the verdict on this test
            traceback.print_exc()
            failed += 1
        finally:
            shutil.rmtree(folder, ignore_errors=True)
    print(f"{passed} passed, {failed} failed, {skipped} skipped")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
