"""CodeBuild by boto3 with real containers: sources as clones, a cache in S3, reports, what a build leaves behind.
Ends with `N passed, M failed`."""
import os
import subprocess
import sys
import tempfile
import time

from server import ACCOUNT, REGION, Failed, Server
from test_chain import RESULTS, check

BUCKET = "builds"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/build"
SPEC = """version: 0.2
phases:
  install:
    commands:
      - cat /root/.m2/deep/kept deps/kept || echo nothing kept
  build:
    commands:
      - git rev-parse HEAD; git rev-list --count HEAD; git config remote.origin.url
      - mkdir -p /root/.m2/deep deps; echo from-before > /root/.m2/deep/kept; echo beside > deps/kept
      - ln -sf /bin/sh /root/.m2/shell
      - echo '<testsuite name="s"><testcase name="a" time="0.25"/><testcase name="b"><skipped/></testcase></testsuite>' > r.xml
reports:
  unit: {files: [r.xml]}
cache:
  key: m2-$CODEBUILD_WEBHOOK_EVENT$(codebuild-hash-files README*)
  paths: ['/root/.m2/**/*', 'deps/**/*']
"""
DAEMON = """version: 0.2
phases:
  build:
    commands:
      - setsid sh -c "trap '' TERM; while :; do sleep 1; done" & sleep 0.2
      - echo left
"""
FULL = "version: 0.2\nphases: {build: {commands: ['dd if=/dev/zero of=/dev/shm/f bs=1M']}}\n"


def expect(value, wanted, what):
    if value != wanted:
        raise Failed(f"{what}: {value!r}, not {wanted!r}")


class Builds:
    def __init__(self, server):
        self.server = server
        self.codebuild, self.logs, self.s3 = (server.client(name) for name in ("codebuild", "logs", "s3"))
        self.folder = tempfile.mkdtemp(prefix="stepmill-builds-")

    def git(self, *words):
        key, secret = self.server.credentials()
        env = dict(self.server.environment(), GIT_AUTHOR_NAME="A", GIT_AUTHOR_EMAIL="a@example.com", GIT_COMMITTER_NAME="A",
                   GIT_COMMITTER_EMAIL="a@example.com")
        helper = f"credential.helper=!f() {{ echo username={key}; echo password={secret}; }}; f"
        done = subprocess.run(["git", "-c", helper, *words], cwd=self.folder, env=env, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise Failed(f"git {words[0]}: {done.stderr}")
        return done.stdout.strip()

    def prepare(self):
        self.s3.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": REGION})
        self.server.client("codecommit").create_repository(repositoryName="demo")
        self.git("init", "-q", "-b", "main")
        for number in range(2):
            with open(os.path.join(self.folder, "README"), "a", encoding="utf-8") as file:
                file.write(f"{number} 行\n")
            self.git("add", "-A")
            self.git("commit", "-q", "-m", str(number))
        self.git("push", "-q", f"{self.server.url}/git/demo.git", "main")
        self.codebuild.create_project(
            name="demo", serviceRole=ROLE, artifacts={"type": "NO_ARTIFACTS"},
            source={"type": "GITHUB", "location": "https://github.com/local/demo.git", "buildspec": SPEC},
            environment={"type": "LINUX_CONTAINER", "image": "aws/codebuild/standard:7.0", "computeType": "BUILD_GENERAL1_SMALL"},
            cache={"type": "S3", "location": f"{BUCKET}/cache"})

    def build(self, **more):
        """The build's record and the lines of its log."""
        build_id = self.codebuild.start_build(projectName="demo", **more)["build"]["id"]
        until = time.monotonic() + 180
        while True:
            build = self.codebuild.batch_get_builds(ids=[build_id])["builds"][0]
            if build["buildComplete"]:
                break
            if time.monotonic() > until:
                raise Failed(f"the build is still in {build['currentPhase']}")
            time.sleep(0.2)
        events = self.logs.get_log_events(logGroupName=build["logs"]["groupName"], logStreamName=build["logs"]["streamName"],
                                          startFromHead=True)["events"]
        return build, [event["message"].rstrip("\n") for event in events]


def clone_cache_report(builds):
    head = builds.git("rev-parse", "HEAD")
    first, lines = builds.build(gitCloneDepthOverride=1)
    expect(first["buildStatus"], "SUCCEEDED", "the first build: " + "\n".join(lines))
    for line in (head, "1", "https://github.com/local/demo.git", "nothing kept"):
        if line not in lines:
            raise Failed(f"no line {line!r} in " + "\n".join(lines))
    stored = builds.s3.list_objects_v2(Bucket=BUCKET, Prefix="cache/")["Contents"]
    expect(len(stored), 1, "caches")
    second, lines = builds.build()
    expect(second["buildStatus"], "SUCCEEDED", "the second build: " + "\n".join(lines))
    for line in ("2", "from-before", "beside"):
        if line not in lines:
            raise Failed(f"no line {line!r} in " + "\n".join(lines))
    report = builds.codebuild.batch_get_reports(reportArns=second["reportArns"])["reports"][0]
    expect((report["name"], report["status"]), ("demo-unit", "SUCCEEDED"), "the report")
    expect(report["testSummary"]["statusCounts"]["SKIPPED"], 1, "skipped")
    cases = builds.codebuild.describe_test_cases(reportArn=report["arn"], filter={"status": "SUCCEEDED"})["testCases"]
    expect([(one["name"], one["durationInNanoSeconds"]) for one in cases], [("a", 250_000_000)], "test cases")
    builds.s3.put_object(Bucket=BUCKET, Key=stored[0]["Key"], Body=b"damaged")
    third, lines = builds.build()
    expect(third["buildStatus"], "SUCCEEDED", "the build with a damaged cache: " + "\n".join(lines))
    if "nothing kept" not in lines:
        raise Failed("a damaged cache was used")


def daemon_and_full_disk(builds):
    left, lines = builds.build(buildspecOverride=DAEMON)
    expect(left["buildStatus"], "SUCCEEDED", "the build that leaves a daemon: " + "\n".join(lines))
    full, lines = builds.build(buildspecOverride=FULL)
    expect(full["buildStatus"], "FAILED", "the build that fills a disk")
    context = next(phase for phase in full["phases"] if phase["phaseType"] == "BUILD")["contexts"][0]
    expect(context["statusCode"], "COMMAND_EXECUTION_ERROR", "its phase")
    if not any("No space left on device" in line for line in lines):
        raise Failed("\n".join(lines))
    jobs = os.path.join(builds.server.data, "jobs")
    expect([name for name in os.listdir(jobs) if name.startswith("build-")] if os.path.isdir(jobs) else [], [], "what is left")


def main():
    server = Server().start()
    try:
        builds = Builds(server)
        builds.prepare()
        check("a clone, a cache, a report", clone_cache_report, builds)
        check("a daemon, a full disk", daemon_and_full_disk, builds)
    finally:
        server.remove()
    print(f"{RESULTS['passed']} passed, {RESULTS['failed']} failed")
    return 1 if RESULTS["failed"] else 0


if __name__ == "__main__":
    sys.exit(main())
