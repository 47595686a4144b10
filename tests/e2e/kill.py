"""Server and engine get kill -9 at points of the chain and are started again; the chain must end green,
with one build, one job, one execution, and the word once.

--sample   all points in one run of the chain (./dev test)
--all      a run of its own for each point
--only N   the run of point N
Ends with `N passed, M failed`: a point passes when the run that it was killed in ends as it must."""
import argparse
import secrets
import sys
import threading
import time
import traceback

from chain import NAME, POLL_SECONDS, Chain
from server import Failed, Server

WORKFLOW_LOGS = f"/stepmill/workflows/{NAME}"


class Eyes:
    """What a point can be seen by. Everything is "has at least come so far", so no point is missed."""

    def __init__(self, server, chain):
        self.server, self.chain = server, chain

    def reached(self, attribute):
        return getattr(self.chain, attribute) is not None

    def status(self, fragment, *states):
        statuses = self.chain.statuses(self.chain.head_commit) if self.chain.head_commit else {}
        return any(fragment in c and (not states or s["state"] in states) for c, s in statuses.items())

    def log_line(self, group, text):
        logs = self.server.client("logs")
        try:
            return bool(logs.filter_log_events(logGroupName=group, filterPattern=f'"{text}"', limit=1)["events"])
        except logs.exceptions.ResourceNotFoundException:
            return False

    def stack(self):
        client = self.server.client("cloudformation")
        found = [s for s in client.list_stacks()["StackSummaries"] if s["StackName"] == NAME + "-dev"]
        return found[0]["StackStatus"] if found else None

    def pipeline_version(self):
        return self.server.client("codepipeline").get_pipeline(name=NAME)["pipeline"]["version"]

    def action(self, name, *states):
        if not self.chain.merge_commit:
            return False
        runs = self.chain.executions("FromMerge")
        if not runs:
            return False
        listed = self.server.client("codepipeline").list_action_executions(
            pipelineName=NAME, filter={"pipelineExecutionId": runs[0]})["actionExecutionDetails"]
        return any(d["actionName"] == name and (not states or d["status"] in states) for d in listed)

    def build_phase(self, *phases):
        if not self.action("Build"):
            return False
        client = self.server.client("codebuild")
        ids = client.list_builds_for_project(projectName=NAME)["ids"]
        builds = client.batch_get_builds(ids=ids[:1])["builds"] if ids else []
        return bool(builds) and builds[0].get("currentPhase") in phases + ("COMPLETED",)

    def image(self):
        listed = self.server.client("ecr").list_images(repositoryName=NAME)["imageIds"]
        return any(i.get("imageTag") == "latest" for i in listed)

    def jobs(self, *states):
        jobs = self.server.client("sagemaker").list_processing_jobs()["ProcessingJobSummaries"]
        return any(not states or j["ProcessingJobStatus"] in states for j in jobs)


LATE = ("COMPLETED", "FINALIZING", "UPLOAD_ARTIFACTS")
# (where, what, how it is seen); the list that the count is made from.
POINTS = (
    ("push, start", lambda e: e.reached("pushing")),
    ("push, middle", lambda e: e.reached("pushing_soon")),
    ("push, end", lambda e: e.reached("head_commit")),
    ("pull request, end", lambda e: e.reached("pull_request")),
    ("workflow, start", lambda e: e.status("sam-codepipeline")),
    ("workflow check, middle", lambda e: e.log_line(WORKFLOW_LOGS, "py_compile") or e.status("構文", "success")),
    ("workflow check, end", lambda e: e.status("構文", "success")),
    ("workflow deploy, start", lambda e: e.status("deploy")),
    ("sam build", lambda e: e.log_line(WORKFLOW_LOGS, "Build Succeeded") or e.stack()),
    ("stack, start", lambda e: e.stack()),
    ("stack, middle", lambda e: e.stack() not in (None, "REVIEW_IN_PROGRESS")),
    ("stack, end", lambda e: e.stack() == "CREATE_COMPLETE"),
    ("update-pipeline, end", lambda e: e.pipeline_version() >= 2),
    ("workflow, end", lambda e: e.status("deploy", "success")),
    ("merge, end", lambda e: e.reached("merge_commit")),
    ("source, start", lambda e: e.action("Source")),
    ("source, end", lambda e: e.action("Source", "Succeeded")),
    ("build, start", lambda e: e.action("Build")),
    ("build, source", lambda e: e.build_phase("DOWNLOAD_SOURCE", "INSTALL", "PRE_BUILD", "BUILD", "POST_BUILD", *LATE)),
    ("build, login", lambda e: e.build_phase("PRE_BUILD", "BUILD", "POST_BUILD", *LATE)),
    ("build, docker build", lambda e: e.build_phase("BUILD", "POST_BUILD", *LATE)),
    ("build, docker push", lambda e: e.build_phase("POST_BUILD", *LATE)),
    ("build, pushed", lambda e: e.image()),
    ("build, end", lambda e: e.action("Build", "Succeeded")),
    ("execute, start", lambda e: e.action("Execute")),
    ("job, start", lambda e: e.jobs()),
    ("job, middle", lambda e: e.log_line("/aws/sagemaker/ProcessingJobs", "Hello World!")),
    ("job, end", lambda e: e.jobs("Completed")),
    ("execute, end", lambda e: e.action("Execute", "Succeeded")),
)


class PatientChain(Chain):
    """The same clients, which try again when the server is away, as a person at a keyboard would."""

    pushing = pushing_soon = None

    def aws(self, *words, **options):
        return self.again(super().aws, *words, **options)

    def git(self, *words, **options):
        return self.again(super().git, *words, **options)

    def again(self, run, *words, **options):
        deadline = time.monotonic() + 90
        while True:
            try:
                return run(*words, **options)
            except Failed as error:
                text = str(error)
                if "AlreadyExists" in text or "nothing to commit" in text or "up-to-date" in text:
                    return ""
                away = ("Could not connect", "Connection was closed", "Connection refused", "unable to access",
                        "Failed to connect", "hung up", "Empty reply", "Recv failure", "reset by peer", "RPC failed")
                if time.monotonic() > deadline or not any(word in text for word in away):
                    raise
                time.sleep(POLL_SECONDS)

    def push_branch(self):
        self.pushing = True
        threading.Timer(0.05, lambda: setattr(self, "pushing_soon", True)).start()
        super().push_branch()

    def statuses(self, commit):
        return self.until("an answer", lambda: self.try_once(super(PatientChain, self).statuses, commit), 90)[0]

    def executions(self, kind):
        return self.until("an answer", lambda: self.try_once(super(PatientChain, self).executions, kind), 90)[0]

    def execution_status(self, execution):
        return self.until("an answer", lambda: self.try_once(super(PatientChain, self).execution_status, execution), 90)[0]

    def try_once(self, ask, *arguments):
        """(answer,), or None while the server is away."""
        from botocore.exceptions import ConnectionError as Away, HTTPClientError
        try:
            return (ask(*arguments),)
        except (Away, HTTPClientError):
            return None


class Killer(threading.Thread):
    """Watches for its points in their order and kills server and engine at each."""

    def __init__(self, server, chain, points):
        super().__init__(daemon=True)
        self.server, self.points, self.hit = server, list(points), []
        self.eyes = Eyes(server, chain)
        self.chain = chain
        self.is_over = threading.Event()

    def run(self):
        while self.points and not self.is_over.is_set():
            name, is_reached = self.points[0]
            try:
                reached = is_reached(self.eyes)
            except Exception:  # whatever is not there yet, or a client caught by the last kill
                reached = False
            if not reached:
                self.is_over.wait(0.01)
                continue
            self.points.pop(0)
            engines = self.server.engine_pids()
            self.server.kill()
            self.server.start()
            self.hit.append(name)
            print(f"   killed at: {name}{' (and the engine)' if engines else ''}; ready again after {self.server.ready_seconds * 1000:.0f} ms", flush=True)


def show_trouble(server, chain):
    """What a person would look at first."""
    try:
        chain.show_red()
        logs = server.client("logs")
        for group in logs.describe_log_groups()["logGroups"]:
            print(f"   {group['logGroupName']}")
            for event in logs.filter_log_events(logGroupName=group["logGroupName"])["events"][-25:]:
                print("      " + event["message"].rstrip())
        print(server.log_text()[-2000:])
    except Exception:  # the trouble itself is said already
        traceback.print_exc()


def run_once(points):
    """A fresh server and chain; what went wrong, or None."""
    server = Server().start()
    chain = PatientChain(server, "w" + secrets.token_hex(5))
    killer = Killer(server, chain, points)
    try:
        chain.set_up()
        chain.push_base()
        killer.start()
        for _, step in Chain.STEPS[2:]:
            getattr(chain, step)()
        killer.join(20)
        if killer.points:
            raise Failed(f"never killed at: {[name for name, _ in killer.points]}")
        chain.check()
        counts = chain.counts()
        print(f"   counts: {counts}")
        if set(counts.values()) != {1}:
            raise Failed(f"each was to happen once: {counts}")
        return None
    except Exception as error:  # the verdict on these points
        traceback.print_exc()
        show_trouble(server, chain)
        return f"{type(error).__name__}: {error}"
    finally:
        killer.is_over.set()
        killer.join(30)
        try:
            server.stop()
        finally:
            chain.remove()
            server.remove()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sample", action="store_true")
    parser.add_argument("--all", action="store_true")
    parser.add_argument("--only", type=int)
    options = parser.parse_args()
    if options.all:
        runs = [[point] for point in POINTS]
    elif options.only is not None:
        runs = [[POINTS[options.only]]]
    else:
        runs = [POINTS]
    passed = failed = 0
    for points in runs:
        print(f"-- {', '.join(name for name, _ in points)}", flush=True)
        trouble = run_once(points)
        passed, failed = (passed, failed + len(points)) if trouble else (passed + len(points), failed)
        if trouble:
            print(f"   FAILED: {trouble}")
    print(f"{len(POINTS)} points known, {passed + failed} killed at, "
          f"{failed} in a run that did not end as it must")
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
