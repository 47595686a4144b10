"""The server under the shim of faults.c: counts what it writes, strikes at the chosen call, starts it again."""
import collections
import mmap
import os
import signal
import struct
import subprocess
import sys
import tempfile
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "e2e"))

from server import REGION, ROOT, Failed, Server  # noqa: E402  (found by the line above)

MODES = ("count", "kill", "torn", "eio", "enospc", "short", "fsync", "lie")
HERE = os.path.dirname(os.path.abspath(__file__))
FULL_SECONDS = 0.3  # how long a disk stays full for a server that goes on


def shim():
    """The compiled shim, made anew when its source is."""
    source = os.path.join(HERE, "faults.c")
    folder = os.path.join(os.environ.get("XDG_CACHE_HOME", os.path.expanduser("~/.cache")), "stepmill")
    os.makedirs(folder, exist_ok=True)
    target = os.path.join(folder, f"crash-{os.stat(source).st_mtime_ns}.so")
    if not os.path.exists(target):
        made = tempfile.mktemp(dir=folder)
        subprocess.run(["gcc", "-shared", "-fPIC", "-O1", "-Wall", "-Wextra", "-Werror", "-o", made, source, "-ldl"],
                       check=True)
        os.rename(made, target)
    return target


class Plan:
    """The page that faults.c maps (struct Plan)."""

    def __init__(self, path):
        self.path = path
        with open(path, "wb") as file:
            file.write(bytes(4096))
        with open(path, "r+b") as file:
            self.page = mmap.mmap(file.fileno(), 4096)

    def field(self, index):
        return struct.unpack_from("Q", self.page, index * 8)[0]

    def put(self, index, value):
        struct.pack_into("Q", self.page, index * 8, value)

    def arm(self, mode, at, lies=0):
        """At call number `at` from here on; 0: never. `lies`: how many calls pretend before the kill of "lie"."""
        self.put(1, 0)
        self.put(3, 0)
        self.page[48:1072] = bytes(1024)
        self.put(2, MODES.index(mode))
        self.put(5, lies)
        self.put(1, self.count + at if at else 0)

    def disarm(self):
        self.put(1, 0)

    count = property(lambda self: self.field(0))
    fired = property(lambda self: self.field(3))

    @property
    def what(self):
        return self.page[48:1072].split(b"\0")[0].decode(errors="replace")


class CrashServer(Server):
    """A server whose files are watched. Whoever finds that it is away calls `wait_until_up`."""

    def __init__(self, program, folder, arguments=(), trace=False):
        data = os.path.join(folder, "data")
        os.makedirs(data)
        super().__init__(program=program, data=data, arguments=arguments)
        self.folder = folder
        self.plan = Plan(os.path.join(folder, "plan"))
        self.trace = os.path.join(folder, "trace") if trace else None
        self.lock = threading.Lock()
        self.next_strikes = collections.deque()  # (mode, at) for the lives to come
        self.struck = []  # what was struck, in order
        self.ends = []  # (exit code, last lines) of each end that was not asked for
        self.cleared = None  # when the disk has room again, for a server that goes on
        self.is_over = False
        self.restart_seconds = []

    def start_once(self):
        command = [self.program, "serve", "--data", self.data, "--listen", f"127.0.0.1:{self.port}", "--region",
                   REGION] + self.arguments
        env = {**os.environ, "LD_PRELOAD": shim(), "FAULT_PLAN": self.plan.path, "FAULT_FOLDER": self.data}
        if self.trace:
            env["FAULT_TRACE"] = self.trace
        self.starts += 1
        with open(self.log_path(), "wb") as log:
            began = time.monotonic()
            self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, env=env)
        line = self.process.stdout.readline().decode()
        self.restart_seconds.append(time.monotonic() - began)
        if "stepmill ready on" in line:
            return True
        self.process.wait(30)
        return False

    def log_path(self):
        return os.path.join(self.folder, f"server.{self.starts}.log")

    def log_text(self):
        text = ""
        for number in range(1, self.starts + 1):
            with open(os.path.join(self.folder, f"server.{number}.log"), errors="replace") as log:
                text += log.read()
        return text

    def start(self):
        with self.lock:
            while not self.start_once():
                self.note_end()
        return self

    def note_end(self):
        """Writes down why the server ended; arms what is planned for the next life. Every second time the engine of
        its containers is killed too."""
        code = self.process.wait()
        if len(self.ends) % 2:
            for pid in self.engine_pids():
                os.kill(pid, signal.SIGKILL)
        with open(self.log_path(), errors="replace") as log:
            lines = log.read().strip().splitlines()
        self.process.stdout.close()
        self.ends.append((code, lines[-3:]))
        if self.plan.fired:
            self.struck.append(self.plan.what)
        elif len(self.ends) > 20:
            raise Failed(f"the server does not stay up: {self.ends[-1]}")
        if len(self.ends) > 60:
            raise Failed(f"the server ended {len(self.ends)} times, the last time: {self.ends[-1]}")
        self.strike_next()

    def strike_next(self):
        if self.next_strikes:
            self.plan.arm(*self.next_strikes.popleft())
        else:
            self.plan.arm("count", 0)

    def wait_until_up(self):
        """Starts the server again when it has ended, and gives a full disk its room back after a while."""
        with self.lock:
            if self.is_over:
                return
            if self.process.poll() is not None:
                self.note_end()
                while not self.start_once():
                    self.note_end()
            self.clear_in_time()

    def clear_in_time(self):
        if not self.plan.fired or not self.plan.field(1):
            return
        if self.cleared is None:
            self.cleared = time.monotonic() + FULL_SECONDS
        elif time.monotonic() > self.cleared:
            self.struck.append(self.plan.what)
            self.plan.disarm()
            self.cleared = None

    def stop_hard(self, has_jobs=False):
        with self.lock:
            self.is_over = True
        if self.process and self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        if self.process:
            self.process.stdout.close()
        if has_jobs:  # the containers that are left, and their engine
            subprocess.run([self.program, "cleanup", "--data", self.data], check=False, stdout=subprocess.DEVNULL,
                           stderr=subprocess.DEVNULL)
            for pid in self.engine_pids():
                os.kill(pid, signal.SIGTERM)
            self.unmount()

    def unmount(self):
        """What an engine that was killed left mounted."""
        with open("/proc/mounts", encoding="utf-8", errors="replace") as mounts:
            for place in [line.split(" ")[1] for line in mounts]:
                if place.startswith(self.folder + "/"):
                    subprocess.run(["umount", "-l", place], check=False, stderr=subprocess.DEVNULL)


__all__ = ["CrashServer", "Failed", "MODES", "Plan", "REGION", "ROOT", "Server", "shim"]
