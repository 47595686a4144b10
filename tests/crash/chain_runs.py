"""The main job (tests/e2e/chain.py: push, pull request, workflow, stack, pipeline, build, job) under kills at counted
calls of the server and of the git programs that it starts, many in one run."""
import contextlib
import random
import secrets
import shutil
import tempfile
import threading
import traceback

from plan import CrashServer, Failed
from chain import Chain
from kill import PatientChain

RESTART_SECONDS = 0.02  # how often the watcher looks whether the server has ended


class Watcher(threading.Thread):
    """Starts the server again when it was struck."""

    def __init__(self, server):
        super().__init__(daemon=True)
        self.server, self.is_over, self.trouble = server, threading.Event(), None

    def run(self):
        while not self.is_over.wait(RESTART_SECONDS):
            try:
                self.server.wait_until_up()
            except Failed as error:
                self.trouble = str(error)
                return


def run_chain(program, strikes):
    """Calls made, what was struck, and what is wrong with the end, if anything. `strikes`: how many calls after each
    start."""
    folder = tempfile.mkdtemp(prefix="stepmill-crash-")
    server = CrashServer(program, folder)
    chain, watcher = None, Watcher(server)
    try:
        server.start()
        server.next_strikes.extend(("kill", at) for at in strikes)
        server.strike_next()
        chain = PatientChain(server, "w" + secrets.token_hex(5))
        watcher.start()
        with open(folder + "/chain.log", "w", encoding="utf-8") as log, contextlib.redirect_stdout(log):
            for _, step in Chain.STEPS:
                getattr(chain, step)()
            server.next_strikes.clear()
            chain.check()
            counts = chain.counts()
        if set(counts.values()) != {1}:
            return server.plan.count, server.struck, f"each was to happen once: {counts}"
        bad = [end for end in server.ends if end[0] != -9]
        return server.plan.count, server.struck, f"ended by itself: {bad}" if bad else watcher.trouble
    except Exception as error:  # the verdict on this run
        traceback.print_exc()
        return server.plan.count, server.struck, f"{type(error).__name__}: {error}"
    finally:
        watcher.is_over.set()
        watcher.join(60)
        server.plan.disarm()
        server.stop_hard(True)
        if chain:
            chain.remove()
        shutil.rmtree(folder, ignore_errors=True)


def run_chains(program, runs, strikes_each, seed):
    """(strikes made, runs, runs that did not end as they must)"""
    calls, _, trouble = run_chain(program, [])
    print(f"chain, undisturbed: {calls} calls{': ' + trouble if trouble else ''}", flush=True)
    if trouble:
        return 0, 1, 1
    chance, struck, bad = random.Random(seed), 0, 0
    for number in range(runs):
        strikes = [chance.randint(1, 2 * calls // strikes_each) for _ in range(strikes_each)]
        _, hit, trouble = run_chain(program, strikes)
        struck += len(hit)
        bad += bool(trouble)
        print(f"chain {number + 1}: killed at {len(hit)} calls{': FAILED: ' + trouble if trouble else ''}", flush=True)
    return struck, runs, bad
