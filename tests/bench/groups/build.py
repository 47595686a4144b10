"""A clean build without cache and an incremental one."""
import os
import subprocess
import tempfile
import time

from report import ROOT, row


def run(_runs):
    with tempfile.TemporaryDirectory() as folder:
        env = dict(os.environ, CCACHE_DISABLE="1")
        subprocess.run(["cmake", "-S", ROOT, "-B", folder, "-G", "Ninja", "-DCMAKE_CXX_FLAGS=-O2 -g1"], env=env,
                       check=True, stdout=subprocess.DEVNULL)
        began = time.monotonic()
        subprocess.run(["ninja", "-C", folder], env=env, check=True, stdout=subprocess.DEVNULL)
        row("clean build without cache", time.monotonic() - began, "s", most=720)
        touched = os.path.join(ROOT, "src", "service", "ssm")
        source = sorted(name for name in os.listdir(touched) if name.endswith(".cc") and "_test" not in name)[0]
        os.utime(os.path.join(touched, source))
        began = time.monotonic()
        subprocess.run(["ninja", "-C", folder], env=env, check=True, stdout=subprocess.DEVNULL)
        row("incremental build, one service touched", time.monotonic() - began, "s", most=25)
