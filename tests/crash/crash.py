"""Kill anywhere: a mixed run (mix.py) is ended by kill -9 at the calls by which the server changes its files, each in
turn, started again, finished, and compared with the run that nobody disturbed.

crash.py                    every point (of calls of a kind that comes in thousands every 16th), and the same points with a second kill during recovery; then the main job
                            (push to processing job) with many kills in each run
crash.py --sample N         N points spread over the run and over all kinds of calls; of these a quarter with a torn
                            write, a quarter killed twice
crash.py --point N [--torn] [--twice]     one point, with what is different in full
crash.py --errors [--sample N]            likewise with EIO, ENOSPC, short writes and failed syncs instead of kills
Ends with a table and `N passed, M failed`; a point passes when nothing is lost, stuck, repeated or wrong."""
import argparse
import collections
import concurrent.futures
import json
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile
import time
import traceback

from plan import CrashServer, Failed, ROOT, shim
from chain_runs import run_chains
from mix import Mix

KILLS, ERRORS = ("kill", "torn"), ("eio", "enospc", "short", "fsync")
CHAINS, STRIKES_OF_CHAIN = 5, 20
THOUSANDS = 2000
JOBS_SHARE = 0.15  # of the points of a sample strike what processing jobs do on the disk
COLUMNS = ("points", "struck", "lost", "stuck", "repeated", "wrong", "died")


def program():
    return os.environ.get("STEPMILL", os.path.join(ROOT, "build", "stepmill"))


def scratch(has_jobs):
    """In memory where there is room: what is killed is a process, so the kernel keeps what was written."""
    is_there = os.path.isdir("/dev/shm") and not has_jobs
    return tempfile.mkdtemp(prefix="stepmill-crash-", dir="/dev/shm" if is_there else None)


class Point:
    """What strikes at which call. `second`: a kill that many calls after the restart; `lies`: see Plan.arm."""

    def __init__(self, mode, at, second=None, lies=0, has_jobs=False):
        self.mode, self.at, self.second, self.lies, self.has_jobs = mode, at, second, lies, has_jobs

    @property
    def kind(self):
        return ("jobs: " if self.has_jobs else "") + self.mode + (", twice" if self.second else "")

    def __str__(self):
        return f"{self.kind} at {self.at}" + (f" and {self.second} later" if self.second else "")

    def arguments(self):
        option = {"kill": "", "torn": " --torn"}.get(self.mode, f" --errors --mode {self.mode}")
        return (f"--point {self.at}{option}" + (f" --twice {self.second}" if self.second else "") +
                (" --with-jobs" if self.has_jobs else ""))


def run(point=None, keeps=False, trace=False, has_jobs=False):
    """One life of a data folder: its observations, and what happened to the server."""
    has_jobs = has_jobs or bool(point and point.has_jobs)
    folder = scratch(has_jobs)
    server = CrashServer(program(), folder, trace=trace)
    try:
        if point:
            server.plan.arm(point.mode, point.at, point.lies)
            if point.second:
                server.next_strikes.append(("kill", point.second))
        server.start()
        observed = Mix(server, has_jobs).run()
        # A strike that nobody met while the run went on.
        if server.process.poll() is not None:
            server.wait_until_up()
        if server.plan.fired:
            server.struck.append(server.plan.what)
        calls = server.plan.count
        server.stop_hard()
        kinds = kinds_of_calls(server.trace) if trace else []
        return {"kinds": kinds, "observed": observed, "calls": calls, "struck": server.struck, "ends": server.ends,
                "restarts": server.restart_seconds[1:], "log": server.log_text()[-3000:], "check": check(server.data)}
    except Failed as error:
        return {"failed": str(error), "calls": server.plan.count, "struck": server.struck, "ends": server.ends,
                "log": server.log_text()[-3000:], "restarts": []}
    finally:
        server.stop_hard(has_jobs)
        if keeps:
            print(f"   kept: {folder}")
        else:
            shutil.rmtree(folder, ignore_errors=True)


def check(data):
    """What `stepmill check` finds wrong with a store that was left."""
    done = subprocess.run([program(), "check", "--data", data], capture_output=True, text=True, timeout=120,
                          check=False)
    return [] if done.returncode == 0 else (done.stdout + done.stderr).strip().splitlines()[-20:]


def kinds_of_calls(trace):
    """What each call was, without names that are random: "rename blobs/X"."""
    kinds = []
    with open(trace, encoding="utf-8", errors="replace") as file:
        for line in file:
            words = line.rstrip("\n").split(" ")
            path = re.sub(r"[0-9a-f]{32}|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|[0-9a-f]{40}|(?<=/)[0-9a-f]{2}(?=/|$)",
                          "X", " ".join(words[2:-1]))
            kinds.append(f"{words[1]} {path}")
    return kinds


# -- the comparison

def without_chain(shape):
    return collections.Counter(entry.split(" ", 1)[1] for entry in shape)


def differences(reference, observed):
    """(kind, text) of everything in which a run differs from the undisturbed one."""
    found = [("stuck", f"{name} has not ended") for name in observed["open"]]
    for name, expected in reference["executions"].items():
        came = observed["executions"].get(name)
        if came is None:
            found.append(("lost", f"execution {name}"))
        elif came["status"] in ("RUNNING", "PENDING_REDRIVE"):
            found.append(("stuck", f"execution {name} is {came['status']}"))
        else:
            found += execution_differences(name, expected, came)
    found += [("repeated", f"execution {name}: {came['status']}") for name, came in observed["executions"].items()
              if name not in reference["executions"]]
    for name in {**reference["counts"], **observed["counts"]}:
        expected, came = reference["counts"].get(name, 0), observed["counts"].get(name, 0)
        if came != expected:
            found.append(("repeated" if came > expected else "lost", f"{name}: {came} times, not {expected}"))
    for name, expected in reference["facts"].items():
        if observed["facts"].get(name) != expected:
            found.append(("wrong", f"{name}: {observed['facts'].get(name)!r}, not {expected!r}"))
    return found


def execution_differences(name, expected, came):
    found = []
    for member in expected:
        if member != "history" and came.get(member) != expected[member]:
            found.append(("wrong", f"{member} of {name}: {came.get(member)!r}, not {expected[member]!r}"))
    if came["history"] is None or came["history"] == expected["history"]:
        return found
    more = without_chain(came["history"]) - without_chain(expected["history"])
    less = without_chain(expected["history"]) - without_chain(came["history"])
    kind = "wrong" if bool(more) == bool(less) else "repeated" if more else "lost"
    text = "; ".join([f"more {entry[:300]}" for entry in more] + [f"less {entry[:300]}" for entry in less])
    return found + [(kind, f"history of {name}: {text or 'other causes'}")]


def verdict(reference, point, result):
    """What is wrong with the run of a point."""
    if "failed" in result:
        stuck = "no good answer" in result["failed"] or "did not end" in result["failed"]
        return [("stuck" if stuck else "wrong", result["failed"])]
    found = differences(reference, result["observed"])
    found += [("wrong", f"check: {line}") for line in result["check"]]
    for code, lines in result["ends"]:
        if point.mode not in ERRORS and code != -9:
            found.append(("died", f"exit {code}: {' / '.join(lines)}"))
        if point.mode in ERRORS and not (code == 1 and lines and "stepmill" in lines[-1]):
            found.append(("died", f"exit {code}: {' / '.join(lines)}"))
    return found


def measure(has_jobs):
    """The run that nobody disturbs, twice; None when it does not end as it must."""
    began = time.monotonic()
    results = [run(trace=True, has_jobs=has_jobs), run(trace=True, has_jobs=has_jobs)]
    for result in results:
        if "failed" in result or result["observed"]["open"] or result["check"]:
            print("the undisturbed run does not end as it must: " +
                  json.dumps({k: v for k, v in result.items() if k != "kinds"}, ensure_ascii=False)[-6000:])
            return None
    between = differences(results[0]["observed"], results[1]["observed"])
    if between:
        print("two undisturbed runs differ: " + "; ".join(text for _, text in between[:5]))
        return None
    longest = max(results, key=lambda result: result["calls"])
    print(f"undisturbed{', with jobs' if has_jobs else ''}: {longest['observed']['total']} executions, a stack, a "
          f"pipeline; {longest['calls']} writes, syncs, renames and unlinks; {(time.monotonic() - began) / 2:.1f} s",
          flush=True)
    return longest


def detects(undisturbed):
    """The test itself is tested: a disk that only pretends to write, then a kill, must be found out."""
    calls, reference = undisturbed["calls"], undisturbed["observed"]
    points = [Point("lie", calls * part // 10, lies=calls // 10) for part in (1, 2, 3)]
    with concurrent.futures.ProcessPoolExecutor(len(points)) as pool:
        unseen = [point for point, result in pool.map(run_point, points) if not verdict(reference, point, result)]
    print(f"a disk that pretends to write: {len(points) - len(unseen)} of {len(points)} found out or ended by the server", flush=True)
    return not unseen


def run_point(point):
    try:
        return point, run(point)
    except Exception:  # the verdict on this point; the others go on
        return point, {"failed": traceback.format_exc()[-1500:], "calls": 0, "struck": [], "ends": [], "log": "",
                       "restarts": []}


# -- which points

def spread(count, kinds, chance):
    """`count` numbers of calls: half of them one from each of as many equal parts of the run, the others of all kinds
    of calls in turn, so that rare ones have their share."""
    last = len(kinds)
    count = min(count, last)
    even = count // 2
    points = [chance.randint(1 + last * i // even, last * (i + 1) // even) for i in range(even)] if even else []
    of_kind = collections.defaultdict(list)
    for number, kind in enumerate(kinds, 1):
        of_kind[kind].append(number)
    queues = sorted(of_kind.values(), key=len)
    for queue in queues:
        chance.shuffle(queue)
    taken = set(points)
    while len(points) < count:
        for queue in queues:
            if queue and len(points) < count:
                number = queue.pop()
                if number not in taken:
                    taken.add(number)
                    points.append(number)
    chance.shuffle(points)
    return points


def thinned(calls, kinds):
    """All calls, but of a kind that comes in thousands (pages of the index, which is behind the journal) every 16th."""
    counts, seen = collections.Counter(kinds), collections.Counter()
    kept = []
    for at in calls:
        kind = kinds[at - 1]
        seen[kind] += 1
        if counts[kind] < THOUSANDS or seen[kind] % 16 == 1:
            kept.append(at)
    return kept


def choose(options, undisturbed):
    """The points; `undisturbed`: the run without and the run with jobs."""
    chance = random.Random(options.seed)
    modes = (options.mode.split(",") if options.mode else ERRORS) if options.errors else KILLS
    if options.point:
        return [Point(options.mode or ("torn" if options.torn else "kill"), options.point, options.twice,
                      has_jobs=options.with_jobs)]
    points = []
    for has_jobs, kinds in ((each, undisturbed[each]["kinds"]) for each in undisturbed):
        # With jobs: what only that run has.
        calls = [at for at, kind in enumerate(kinds, 1)
                 if not has_jobs or kind.split(" ")[1].startswith(("jobs/", "engine/"))]
        if options.sample:
            share = 0 if options.no_jobs else int(options.sample * JOBS_SHARE)
            count = share if has_jobs else options.sample - share
            chosen = spread(count, [kinds[at - 1] for at in calls], chance)
            for i, index in enumerate(chosen):
                at = calls[index - 1]
                if options.errors:
                    points.append(Point(modes[i % len(modes)], at, has_jobs=has_jobs))
                else:
                    points.append(Point("torn" if i % 4 == 1 else "kill", at,
                                        chance.randint(1, 60) if i % 4 == 3 else None, has_jobs=has_jobs))
            continue
        chosen = thinned(calls, kinds)[options.first - 1::options.step]
        points += [Point(mode, at, has_jobs=has_jobs) for at in chosen for mode in modes]
        if not options.errors:
            points += [Point("kill", at, chance.randint(1, 60), has_jobs=has_jobs) for at in chosen]
    return points


def table(rows):
    widths = [max(len(str(row[i])) for row in rows) for i in range(len(rows[0]))]
    return "\n".join("  ".join(str(cell).rjust(width) if i else str(cell).ljust(width)
                               for i, (cell, width) in enumerate(zip(row, widths))) for row in rows)


def describe(options, point, result, found):
    print(f"FAILED {point}; struck {result['struck']}: ./dev crash {point.arguments()}")
    for kind, text in found[:None if options.point else 6]:
        print(f"   {kind}: {text if options.point else text[:400]}")
    for code, lines in result["ends"]:
        print(f"   ended with {code}: {' / '.join(lines)[:400]}")
    sys.stdout.flush()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sample", type=int, help="this many points")
    parser.add_argument("--no-jobs", action="store_true", help="none of them with processing jobs")
    parser.add_argument("--point", type=int, help="the kill at this call alone")
    parser.add_argument("--torn", action="store_true", help="after half of the write")
    parser.add_argument("--twice", type=int, metavar="M", help="and again M calls after the start that follows")
    parser.add_argument("--with-jobs", action="store_true", help="with --point: in the run that has processing jobs")
    parser.add_argument("--errors", action="store_true", help="failing calls instead of kills")
    parser.add_argument("--mode", help=f"of {', '.join(ERRORS)}; with --errors")
    parser.add_argument("--first", type=int, default=1, help="leave out the points before this one")
    parser.add_argument("--step", type=int, default=1, help="every Nth point")
    parser.add_argument("--seed", type=int, default=1, help="of the sample")
    parser.add_argument("--jobs", type=int, default=2 * os.cpu_count(), help="runs side by side")
    parser.add_argument("--chains", type=int, help=f"runs of the main job, {STRIKES_OF_CHAIN} kills in each")
    parser.add_argument("--keep", action="store_true", help="with --point: keep the folder")
    options = parser.parse_args()
    shim()
    began = time.monotonic()
    undisturbed = {has_jobs: measure(has_jobs) for has_jobs in ((False,) if options.no_jobs else (False, True))}
    if None in undisturbed.values():
        return 1
    passed = failed = 0
    if not options.point:
        passed, failed = (1, 0) if detects(undisturbed[False]) else (0, 1)
    points = choose(options, undisturbed)
    sums = collections.defaultdict(lambda: dict.fromkeys(COLUMNS, 0))
    restarts = []
    tried = 0
    with concurrent.futures.ProcessPoolExecutor(min(options.jobs, len(points))) as pool:
        for point, result in (map(run_single(options), points) if options.point else pool.map(run_point, points)):
            found = verdict(undisturbed[point.has_jobs]["observed"], point, result)
            row = sums[point.kind]
            row["points"] += 1
            row["struck"] += bool(result["struck"])
            for kind in {kind for kind, _ in found}:
                row[kind] += 1
            restarts += result["restarts"]
            passed, failed = (passed, failed + 1) if found else (passed + 1, failed)
            tried += 1
            if found or options.point:
                describe(options, point, result, found)
            elif tried % 100 == 0:
                print(f"   {tried} of {len(points)} after {time.monotonic() - began:.0f} s", flush=True)
    chains = options.chains if options.chains is not None else 0 if options.sample or options.point else CHAINS
    if chains and not options.errors:
        struck, runs, bad = run_chains(program(), chains, STRIKES_OF_CHAIN, options.seed)
        sums[f"chain, {runs} runs"].update(points=runs * STRIKES_OF_CHAIN, struck=struck, wrong=bad)
        passed, failed = passed + runs - bad, failed + bad
    rows = [("", *COLUMNS)] + [(mode, *row.values()) for mode, row in sums.items()]
    if len(sums) > 1:
        rows.append(("all", *(sum(row[c] for row in sums.values()) for c in COLUMNS)))
    print(table(rows))
    if restarts:
        restarts.sort()
        print(f"{len(restarts)} restarts, ready after {restarts[len(restarts) // 2] * 1000:.0f} ms (median), "
              f"{restarts[-1] * 1000:.0f} ms (longest)")
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


def run_single(options):
    return lambda point: (point, run(point, options.keep, True))


if __name__ == "__main__":
    sys.exit(main())
