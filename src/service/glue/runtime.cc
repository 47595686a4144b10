#include "service/glue/runtime.h"

namespace stepmill::glue {

const char kLaunch[] = R"py(import collections
import importlib.util
import json
import os
import re
import shlex
import signal
import subprocess
import sys
import threading
import zipfile

ROOT = "/tmp/glue"
KEPT_BYTES = 64 * 1024  # of the errors, for the reason of a failure
LINE_BYTES = 64 * 1024
LOCK = threading.Lock()


def say(mark, line):
    with LOCK:
        view = memoryview(b"\x01" + mark + line + b"\n")
        while view:
            view = view[os.write(1, view):]


def copy(stream, mark, kept):
    """Line by line; a progress bar's line is what stands last in it."""
    size = 0
    for line in iter(lambda: stream.readline(LINE_BYTES), b""):
        line = line.rstrip(b"\r\n")
        say(mark, line[line.rfind(b"\r") + 1:])
        if kept is not None:
            kept.append(line)
            size += len(line) + 1
            while size > KEPT_BYTES and len(kept) > 1:
                size -= len(kept.popleft()) + 1


def failure(kept, code):
    """The last line of the last traceback, as far as the script has not said more since."""
    lines = [line.decode("utf-8", "replace") for line in kept]
    starts = [i for i, line in enumerate(lines) if line.startswith("Traceback (most recent call last)")]
    if starts:
        after = [line for line in lines[starts[-1] + 1:] if line and not line[0].isspace()]
        if after:
            return after[0]
    said = [line for line in lines if line.strip()]
    if said and re.match(r"[A-Za-z_][\w.]*(Error|Exception)(:|$)", said[-1]):
        return said[-1]  # a SyntaxError has no traceback
    return "Command failed with exit code %d" % code


def run(argv, env):
    """Its exit status, and why it failed."""
    try:
        child = subprocess.Popen(argv, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                 stderr=subprocess.PIPE, start_new_session=True)
    except OSError as error:
        say(b"e", ("%s: %s" % (argv[0], error.strerror)).encode())
        return 127, "%s: %s" % (argv[0], error.strerror)
    signal.signal(signal.SIGTERM, lambda number, frame: child.send_signal(number))
    kept = collections.deque()
    copies = [threading.Thread(target=copy, args=one, daemon=True)
              for one in ((child.stdout, b"o", None), (child.stderr, b"e", kept))]
    for one in copies:
        one.start()
    code = child.wait()
    if os.getpid() == 1:  # what the script left behind holds its outputs open
        try:
            os.kill(-1, signal.SIGKILL)
        except ProcessLookupError:
            pass
    for one in copies:
        one.join(None if os.getpid() == 1 else 5)
    code = code if code >= 0 else 128 - code
    return code, "" if code == 0 else failure(kept, code)


def paths(archives):
    """Where modules of --extra-py-files are found: archives unpacked, a .py file's folder."""
    found = []
    for archive in archives:
        folder = os.path.dirname(archive)
        if archive.endswith((".whl", ".egg", ".zip")):
            folder = archive + ".d"
            with zipfile.ZipFile(archive) as file:
                file.extractall(folder)
        found.append(folder)
    return found


def finish(code, why):
    if code != 0:
        with open(ROOT + "/result/error", "w") as file:
            file.write(why)
    sys.stdout.flush()
    os._exit(code)


def main():
    with open(ROOT + "/run.json") as file:
        orders = json.load(file)
    env = dict(os.environ)
    try:
        own = paths(orders["archives"])
    except (OSError, zipfile.BadZipFile) as error:
        say(b"e", str(error).encode())
        finish(1, "--extra-py-files: %s" % error)
    if orders["modules"]:
        install = [sys.executable, "-m", "pip", "install", "--disable-pip-version-check",
                   "--root-user-action=ignore", "--no-input"]
        code, why = run(install + shlex.split(orders["installer"]) + orders["modules"], env)
        if code != 0:
            finish(code, "Failed to install --additional-python-modules %s: exit code %d"
                   % (",".join(orders["modules"]), code))
    if importlib.util.find_spec("awsglue") is None:
        own.append(ROOT + "/lib")
    env["PYTHONPATH"] = os.pathsep.join(own + [p for p in [env.get("PYTHONPATH")] if p])
    command = [word for part in orders["command"] for word in (shlex.split(part) if " " in part else [part])]
    finish(*run(command + [orders["script"]] + orders["args"], env))


main()
)py";

namespace {

constexpr char kUtils[] = R"py("""Arguments of a job, as its script sees them."""
import argparse

# What Glue itself may have put on the command line: asked for or not, it is in the answer.
_BUILT_IN = ("job_bookmark_option", "job_bookmark_from", "job_bookmark_to", "JOB_ID", "JOB_RUN_ID",
             "SECURITY_CONFIGURATION", "encryption_type", "enable_data_lineage", "RedshiftTempDir",
             "TempDir")
_NAMES = {"job_bookmark_option": "--job-bookmark-option", "job_bookmark_from": "--job-bookmark-from",
          "job_bookmark_to": "--job-bookmark-to", "encryption_type": "--encryption-type",
          "enable_data_lineage": "--enable-data-lineage"}
# A script that asks for one of these by name is refused.
_RESERVED = ("job-bookmark-option", "job-bookmark-from", "job-bookmark-to", "JOB_ID", "JOB_RUN_ID",
             "SECURITY_CONFIGURATION", "encryption-type", "job_bookmark_option", "job_bookmark_from",
             "job_bookmark_to", "encryption_type")
_BOOKMARKS = ("job-bookmark-enable", "job-bookmark-pause", "job-bookmark-disable")


class GlueArgumentError(Exception):
    pass


class _Parser(argparse.ArgumentParser):
    def error(self, message):
        raise GlueArgumentError(message)


def getResolvedOptions(args, options):
    """The named options of sys.argv by their names without dashes. Each must be there; others are
    passed over."""
    for option in options:
        if option in _RESERVED:
            raise RuntimeError("Using reserved arguments " + option)
    parser = _Parser(add_help=False)
    for name in _BUILT_IN:
        choices = _BOOKMARKS if name == "job_bookmark_option" else None
        parser.add_argument(_NAMES.get(name, "--" + name), dest=name, choices=choices)
    for option in options:
        if option not in _BUILT_IN:
            parser.add_argument("--" + option, required=True)
    found = vars(parser.parse_known_args(args[1:])[0])
    if found["job_bookmark_option"] is None:
        found["job_bookmark_option"] = "job-bookmark-disable"
    return found
)py";

constexpr char kContext[] = R"py("""As much of GlueContext as a plain Spark session gives."""


class GlueContext:
    def __init__(self, sparkContext, **options):
        from pyspark.sql import SparkSession
        self._sc = sparkContext
        self.spark_session = SparkSession(sparkContext)

    def get_logger(self):
        import logging
        return logging.getLogger("GlueLogger")

    def __getattr__(self, name):
        raise NotImplementedError("GlueContext.%s is not in this image's awsglue" % name)
)py";

constexpr char kJob[] = R"py("""A job's begin and end. There are no bookmarks."""


class Job:
    def __init__(self, glue_context=None):
        self._is_open = False

    def init(self, job_name, args=None):
        self._is_open = True

    def isInitialized(self):
        return self._is_open

    def commit(self):
        self._is_open = False
)py";

constexpr RuntimeFile kFiles[] = {
    {"__init__.py", ""}, {"utils.py", kUtils}, {"context.py", kContext}, {"job.py", kJob}};

}  // namespace

std::span<const RuntimeFile> AwsGlueFiles() { return kFiles; }

}  // namespace stepmill::glue
