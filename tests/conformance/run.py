#!/usr/bin/env python3
"""Runs the recorded cases in DATA (../shared/conformance) against the program; ends with `N passed, M failed`.

sam     every template but those with API events or connectors, which are not built (counted as skipped)
"""
import argparse
import os
import re
import subprocess
import sys
import tempfile

NOT_BUILT = re.compile(r"Type: (HttpApi|Api|Connector|AWS::Serverless::(Api|HttpApi|Connector))\b|^\s+Connectors:", re.M)


def counts(text):
    found = re.findall(r"^(\d+) passed, (\d+) failed(?:, (\d+) skipped)?", text, re.M)
    return tuple(int(n or 0) for n in found[-1]) if found else None


def run_sam(program, data):
    with tempfile.TemporaryDirectory() as folder:
        skipped = 0
        for name in os.listdir(os.path.join(data, "sam")):
            source = os.path.join(data, "sam", name)
            with open(source[:-4] + "yaml" if name.endswith("json") else source, encoding="utf-8") as file:
                if NOT_BUILT.search(file.read()):
                    skipped += name.endswith(".yaml")
                    continue
            os.symlink(source, os.path.join(folder, name))
        done = subprocess.run([sys.executable, os.path.join(data, "sam.py"), "--program", program, "--cases", folder],
                              capture_output=True, text=True, timeout=300)
        print(done.stdout + done.stderr)
        passed, failed, _ = counts(done.stdout) or (0, 1, 0)
        return passed, failed, skipped


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--program", required=True)
    parser.add_argument("--data", required=True)
    options = parser.parse_args()
    passed, failed, skipped = run_sam(options.program, options.data)
    print(f"{passed} passed, {failed} failed, {skipped} skipped")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
