"""Every operation of Step Functions through the AWS SDK for JavaScript v3, and its types by TypeScript.
Ends with `N passed, M failed`."""
import os
import subprocess
import sys

from server import REGION, ROOT, Server, run

FOLDER = os.path.join(ROOT, "tests", "e2e", "js")


def main():
    needed = [os.path.join("node_modules", *parts) for parts in (["typescript"], ["@aws-sdk", "client-cloudwatch"])]
    if not all(os.path.isdir(os.path.join(FOLDER, path)) for path in needed):
        subprocess.run(["npm", "ci", "--no-audit", "--no-fund"], cwd=FOLDER, check=True, stdout=subprocess.DEVNULL)
    tsc = os.path.join(FOLDER, "node_modules", ".bin", "tsc")
    run([tsc, "-p", FOLDER], dict(os.environ))  # raises where the SDK's types refuse a call or an answer
    server = Server().start()
    try:
        env = {**server.environment(), "AWS_ENDPOINT_URL": server.url, "AWS_REGION": REGION,
               "NODE_NO_WARNINGS": "1"}
        return subprocess.run(["node", "states.mjs"], cwd=FOLDER, env=env, timeout=300).returncode
    finally:
        server.remove()


if __name__ == "__main__":
    sys.exit(main())
