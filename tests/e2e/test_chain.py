"""The chain as a test: it must end green with what it shows true, and red wherever the repository is broken.
Ends with `N passed, M failed`."""
import json
import os
import secrets
import subprocess
import sys
import time
import traceback

import demo
from chain import NAME, Chain
from server import ROOT, Failed, Server

RESULTS = {"passed": 0, "failed": 0}


def check(name, test, *arguments):
    print(f"-- {name}", flush=True)
    try:
        test(*arguments)
        RESULTS["passed"] += 1
        print(f"   passed: {name}", flush=True)
    except Exception as error:  # the test's verdict; everything else goes on
        RESULTS["failed"] += 1
        print(f"   FAILED: {name}: {type(error).__name__}: {error}", flush=True)
        if not isinstance(error, Failed):
            traceback.print_exc()


def run_steps(chain, names):
    for what, step in Chain.STEPS:
        if what in names or names == "all":
            chain.timed(what, getattr(chain, step))


def green(server):
    chain = Chain(server, "w" + secrets.token_hex(5))
    try:
        run_steps(chain, "all")
        for what, evidence in chain.check():
            print(f"   ok  {what}: {evidence}")
        counts = chain.counts()
        if set(counts.values()) != {1}:
            raise Failed(f"each was to happen once: {counts}")
    except Exception:
        chain.show_red()
        raise
    finally:
        chain.remove()


def red(fault, where):
    """With a fault in the repository the chain fails, in each place that shows it."""
    server = Server().start()
    chain = Chain(server, "w" + secrets.token_hex(5), demo.BREAKS[fault])
    try:
        try:
            run_steps(chain, "all")
        except Failed as error:
            print(f"   red, as it must be: {str(error)[:200]}")
        else:
            raise Failed("the chain ended green")
        where(chain)
    finally:
        chain.remove()
        server.remove()


def red_in_execution(chain):
    statuses = {name: action["status"] for name, action in chain.actions().items()}
    if statuses.get("Build") != "Succeeded" or statuses.get("Execute") != "Failed":
        raise Failed(f"actions: {statuses}")
    expect_red_status(chain, chain.merge_commit)


def red_in_build(chain):
    statuses = {name: action["status"] for name, action in chain.actions().items()}
    if statuses.get("Build") != "Failed" or "Execute" in statuses:
        raise Failed(f"actions: {statuses}")
    expect_red_status(chain, chain.merge_commit)


def red_in_workflow(chain):
    expect_red_status(chain, chain.head_commit)


def expect_red_status(chain, commit):
    chain.until("a red status on the commit",
                lambda: any(s["state"] in ("failure", "error") for s in chain.statuses(commit).values()), 30)


SPEC = """version: 0.2
phases:
  build:
    commands:
      - printf 'FROM python:3.8-slim-bullseye\\nRUN python3 --version > /v\\n' > Dockerfile
      - docker build --pull -t word .
      - echo "pulled-$(docker image inspect -f '{{index .RepoTags 0}}' python:3.8-slim-bullseye)"
      - docker pull example.invalid/nothing:1 || echo refused-$?
"""
# Each line is what was said and what came of it.
RUN_SPEC = """version: 0.2
phases:
  build:
    commands:
      - printf 'FROM python:3.8-slim-bullseye\\nRUN echo built-here > /word\\n' > Dockerfile
      - docker build -t word .
      - echo "removed-$(docker run --rm word cat /word)-$?"
      - code=0; docker run --rm --name failing -e A=b word sh -c 'exit $1' --rm 7 || code=$?; echo "code-$code"
      - docker run --name failing word sh -c 'exit 8' || echo "kept-$?"
      - docker rm failing
      - docker run -d --name behind word sh -c 'cat /word; exit 9'
      - echo "waited-$(docker wait behind)-$(docker logs behind)"
      - docker rm behind
      - docker run -d --rm --name gone word true
      - for i in $(seq 100); do docker inspect gone > /dev/null 2>&1 || break; done
      - echo "left-$(docker ps --all --quiet --filter ancestor=word | wc -l)"
      - docker run --rm word sh -c 'exit 3'
"""
RUN_LINES = ("removed-built-here-0", "code-7", "kept-8", "waited-9-built-here", "left-0", "exit status 3")
TRUST = {"Version": "2012-10-17", "Statement": [
    {"Effect": "Allow", "Principal": {"Service": "codebuild.amazonaws.com"}, "Action": "sts:AssumeRole"}]}


def build_without_source(server, name, spec):
    """Runs the spec with docker; the build's end and its log."""
    iam = server.client("iam")
    if not any(role["RoleName"] == "puller" for role in iam.list_roles()["Roles"]):
        iam.create_role(RoleName="puller", AssumeRolePolicyDocument=json.dumps(TRUST))
    builds = server.client("codebuild")
    builds.create_project(
        name=name, source={"type": "NO_SOURCE", "buildspec": spec}, artifacts={"type": "NO_ARTIFACTS"},
        environment={"type": "LINUX_CONTAINER", "image": "aws/codebuild/standard:7.0",
                     "computeType": "BUILD_GENERAL1_SMALL", "privilegedMode": True},
        serviceRole="arn:aws:iam::000000000000:role/puller")
    build = builds.start_build(projectName=name)["build"]["id"]
    until = time.monotonic() + 180
    while not (state := builds.batch_get_builds(ids=[build])["builds"][0])["buildComplete"]:
        if time.monotonic() > until:
            raise Failed(f"the build does not end: {state['currentPhase']}")
        time.sleep(0.5)
    return state["buildStatus"], "".join(event["message"] for event in server.client("logs").filter_log_events(
        logGroupName=f"/aws/codebuild/{name}")["events"])


def base_images(server):
    """`FROM` and `--pull` of a public image in a build; where no registry is reachable the server serves its own table."""
    status, lines = build_without_source(server, "base-images", SPEC)
    for part in ("pulled-docker.io/library/python:3.8-slim-bullseye", "refused-"):
        if part not in lines:
            raise Failed(f"{status}: no {part!r} in {lines[-2000:]}")


def containers_of_builds(server):
    """A build runs the image that it has built: what it says, how it ends, and nothing is left of it."""
    status, lines = build_without_source(server, "containers", RUN_SPEC)
    for part in RUN_LINES:
        if part not in lines:
            raise Failed(f"{status}: no {part!r} in {lines[-3000:]}")
    if status != "FAILED":
        raise Failed(f"its last container failed, and the build {status}")


def javascript(server):
    """The AWS SDK for JavaScript v3 against the same server."""
    folder = os.path.join(ROOT, "tests", "e2e", "js")
    if not os.path.isdir(os.path.join(folder, "node_modules")):
        subprocess.run(["npm", "ci", "--no-audit", "--no-fund"], cwd=folder, check=True, stdout=subprocess.DEVNULL)
    key, secret = server.credentials()
    env = {**os.environ, "AWS_ENDPOINT_URL": server.url, "AWS_ACCESS_KEY_ID": key, "AWS_SECRET_ACCESS_KEY": secret,
           "AWS_REGION": "ap-northeast-1", "PIPELINE": NAME}
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"):
        env.pop(name, None)
    done = subprocess.run(["node", "chain.mjs"], cwd=folder, env=env, capture_output=True, text=True, timeout=120)
    print("   " + done.stdout.strip().replace("\n", "\n   "))
    if done.returncode != 0:
        raise Failed(f"chain.mjs: exit {done.returncode}: {done.stderr[-2000:]}")


def main():
    server = Server().start()
    try:
        check("the chain, green", green, server)
        check("the AWS SDK for JavaScript sees it", javascript, server)
        check("a base image by its public name, with --pull", base_images, server)
        check("docker run in a build", containers_of_builds, server)
    finally:
        server.remove()
    check("a program that exits 1", red, "hello", red_in_execution)
    check("a Dockerfile that does not build", red, "dockerfile", red_in_build)
    check("a template with an unknown resource", red, "template", red_in_workflow)
    print(f"{RESULTS['passed']} passed, {RESULTS['failed']} failed")
    return 1 if RESULTS["failed"] else 0


if __name__ == "__main__":
    sys.exit(main())
