"""The table that `./dev bench` prints and keeps: a figure, the floor or peer measured beside it, what is wanted."""
import json
import os
import subprocess
import sys

ROOT = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", ".."))
BUILD = os.path.join(ROOT, "build")
ASL = os.path.join(ROOT, "tests", "bench", "asl")
sys.path.insert(0, os.path.join(ROOT, "tests", "e2e"))
ROWS = []


def heading():
    print(f"{'figure':58} {'median':>12}       {'floor':>12}    ratio  wanted")


def row(name, value, unit, floor=None, least=None, most=None):
    """`least` or `most`: what is wanted of the ratio to the floor; of the value where there is no floor."""
    ratio = value / floor if floor else None
    judged = ratio if floor else value
    wanted = "" if least is None and most is None else f">= {least:g}" if most is None else f"<= {most:g}"
    is_met = None if not wanted else judged >= least if most is None else judged <= most
    if wanted:
        wanted += "x" if floor else " " + unit
    ROWS.append({"name": name, "value": value, "unit": unit, "floor": floor, "ratio": ratio, "wanted": wanted or None,
                 "is_met": is_met})
    beside = f"{floor:12.2f}  {ratio:6.2f}x" if floor else " " * 21
    print(f"{name:58} {value:12.2f} {unit:5} {beside}  {wanted}{'' if is_met in (None, True) else '  MISSED'}", flush=True)


def missing(name, why):
    """A figure that cannot be taken: said in its place in the table."""
    ROWS.append({"name": name, "value": None, "why": why})
    print(f"{name:58} {why}", flush=True)


def built(name):
    """The path of tests/bench/NAME_bench.cc, built."""
    subprocess.run(["ninja", "-C", BUILD, f"stepmill_{name}_bench"], check=True, stdout=subprocess.DEVNULL)
    return os.path.join(BUILD, f"stepmill_{name}_bench")


def program(name, *arguments, stdin=None):
    """Builds tests/bench/NAME_bench.cc and runs it; the JSON that it prints."""
    done = subprocess.run([built(name), *map(str, arguments)], capture_output=True, text=True, input=stdin)
    if done.returncode != 0:
        raise SystemExit(f"stepmill_{name}_bench {' '.join(map(str, arguments))}: {done.stderr} {done.stdout}")
    return json.loads(done.stdout)


def npm_folder(*packages):
    """A folder under build/ with npm packages in it."""
    folder = os.path.join(BUILD, "bench-npm")
    os.makedirs(folder, exist_ok=True)
    missing_ones = [package for package in packages if not os.path.isdir(os.path.join(folder, "node_modules", package))]
    if missing_ones:
        subprocess.run(["npm", "install", "--prefix", folder, "--no-audit", "--no-fund", *missing_ones], check=True,
                       stdout=subprocess.DEVNULL)
    return folder


def resident_mib(pid):
    with open(f"/proc/{pid}/status", encoding="ascii") as file:
        return next(int(line.split()[1]) for line in file if line.startswith("VmRSS")) / 1024


def processor_seconds(pid):
    with open(f"/proc/{pid}/stat", encoding="ascii") as file:
        fields = file.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def keep(path):
    with open("/proc/cpuinfo", encoding="utf-8") as file:
        cores = sum(1 for line in file if line.startswith("processor"))
    with open(path, "w", encoding="utf-8") as file:
        json.dump({"cores": cores, "rows": ROWS}, file, indent=1)
        file.write("\n")
