"""`./dev demo training`: a pull request trains a model, on examples/train-on-pull-request and fresh data.

--variant xgboost|container   how it trains: the built-in algorithm, or the repository's own image
--break glue|train            the same with a fault in the repository: must end red
--keep                        leaves the server running and says how to look around
"""
import argparse
import json
import os
import shutil
import sys

from chain import TRUST, Chain
from demo import title
from server import ACCOUNT, REGION, ROOT, Failed, Server, run

NAME = "train-on-pull-request"
PROJECT = "taxi-training"
BUCKET = f"sagemaker-{REGION}-{ACCOUNT}"
ROLES = {"codebuild-taxi-service-role": "codebuild.amazonaws.com", "train-glue": "glue.amazonaws.com",
         "train-sagemaker": "sagemaker.amazonaws.com", "train-states": "states.amazonaws.com"}
BUILD_CONTEXT = f"AWS CodeBuild {REGION} ({PROJECT})"


class Training(Chain):
    """One pull request on a server."""

    def __init__(self, server, variant, fault=None):
        super().__init__(server, "")
        self.variant, self.fault = variant, fault
        self.build = self.execution = self.training = None

    @property
    def tree(self):
        return os.path.join(self.work, NAME)

    # 1. set-up

    def set_up(self):
        for role, host in ROLES.items():
            self.aws("iam", "create-role", "--role-name", role, "--assume-role-policy-document", TRUST % host,
                     "--query", "Role.Arn", "--output", "text")
        data = os.path.join(self.work, "taxi.csv")
        run([sys.executable, os.path.join(ROOT, "examples", NAME, "make_data.py"), data, "4000"],
            self.server.environment())
        self.aws("s3", "mb", "s3://taxi-data")
        self.aws("s3", "cp", "--no-progress", data, "s3://taxi-data/green_tripdata_2019-06.csv")
        self.aws("codecommit", "create-repository", "--repository-name", NAME, "--query",
                 "repositoryMetadata.cloneUrlHttp", "--output", "text")
        environment = {"type": "LINUX_CONTAINER", "image": "aws/codebuild/standard:4.0",
                       "computeType": "BUILD_GENERAL1_SMALL", "privilegedMode": self.variant == "container"}
        source = {"type": "GITHUB", "location": f"https://github.com/local/{NAME}.git", "gitCloneDepth": 1,
                  "buildspec": "buildspec.yaml"}
        self.aws("codebuild", "create-project", "--name", PROJECT, "--source", json.dumps(source),
                 "--artifacts", "type=NO_ARTIFACTS", "--environment", json.dumps(environment), "--service-role",
                 f"arn:aws:iam::{ACCOUNT}:role/codebuild-taxi-service-role", "--query", "project.arn", "--output", "text")
        groups = [[{"type": "EVENT", "pattern": "PULL_REQUEST_CREATED, PULL_REQUEST_UPDATED"}]]
        self.aws("codebuild", "create-webhook", "--project-name", PROJECT, "--filter-groups", json.dumps(groups),
                 "--query", "webhook.filterGroups", "--output", "json")

    def push(self):
        shutil.copytree(os.path.join(ROOT, "examples", NAME), self.tree)
        self.git("init", "-q", "-b", "main", quiet=True)
        self.git("add", "README.md", quiet=True)
        self.git("commit", "-q", "-m", "最初のコミット", quiet=True)
        self.git("remote", "add", "origin", f"{self.server.url}/git/{NAME}.git")
        self.git("push", "-q", "-u", "origin", "main")
        self.git("switch", "-q", "-c", "train")
        self.replace("flow.yaml", "variant: xgboost ", f"variant: {self.variant} ")
        if self.fault == "glue":
            self.replace("preprocess.py", '"trip_distance", "minutes"', '"no_such_column", "minutes"')
        if self.fault == "train":
            self.replace("flow.yaml", "eta: 0.2", "eta: 7")
            self.replace("flow.yaml", "rate: 0.1", "rate: high")
        self.git("add", "-A", quiet=True)
        self.git("commit", "-q", "-m", "モデルを訓練する")
        self.git("push", "-q", "origin", "train")
        self.head_commit = self.git("rev-parse", "HEAD", quiet=True).strip()

    def open_pull_request(self):
        self.pull_request = self.aws(
            "codecommit", "create-pull-request", "--title", "モデルを訓練する", "--targets",
            f"repositoryName={NAME},sourceReference=train,destinationReference=main", "--query",
            "pullRequest.pullRequestId", "--output", "text").strip()

    # 2. build, execution

    def wait_build(self):
        builds = self.server.client("codebuild")

        def ended():
            ids = builds.list_builds_for_project(projectName=PROJECT)["ids"]
            found = builds.batch_get_builds(ids=ids[:1])["builds"] if ids else []
            return found[0] if found and found[0]["buildComplete"] else None
        self.build = self.until("the end of the build", ended, 180)
        for line in self.lines(f"/aws/codebuild/{PROJECT}", self.build["id"].split(":")[1]):
            if not line.startswith("[Container]"):
                print("    " + line)
        if self.build["buildStatus"] != "SUCCEEDED":
            raise Failed(f"the build is {self.build['buildStatus']}: {self.build['phases'][-3:]}")

    def lines(self, group, stream):
        events = self.server.client("logs").get_log_events(logGroupName=group, logStreamName=stream,
                                                           startFromHead=True)["events"]
        return [event["message"].rstrip("\n") for event in events]

    def wait_execution(self):
        """Shows Glue's and the training's lines as they come."""
        states = self.server.client("stepfunctions")
        machine = states.list_state_machines()["stateMachines"][0]["stateMachineArn"]
        self.execution = states.list_executions(stateMachineArn=machine)["executions"][0]["executionArn"]
        self.training = json.loads(states.describe_execution(executionArn=self.execution)["input"])["TrainJobName"]
        shown = {}

        def show(what, group, streams):
            for stream in streams:
                said = self.lines(group, stream)
                for line in said[shown.get(group + stream, 0):]:
                    print(f"    {what}: {line}", flush=True)
                shown[group + stream] = len(said)

        def ended():
            runs = self.server.client("glue").get_job_runs(JobName="preprocess")["JobRuns"]
            logs = self.server.client("logs")
            for kind in ("output", "error"):
                group = f"/aws-glue/python-jobs/{kind}"
                known = self.streams(logs, group, "jr_")
                show("glue", group, [r["Id"] for r in runs if r["Id"] in known])
            group = "/aws/sagemaker/TrainingJobs"
            show("training", group, self.streams(logs, group, self.training + "/"))
            found = states.describe_execution(executionArn=self.execution)
            return None if found["status"] == "RUNNING" else found
        found = self.until("the end of the execution", ended, 300)
        if found["status"] != "SUCCEEDED":
            raise Failed(f"the execution is {found['status']}: {found.get('error')}: {found.get('cause', '')[:800]}")

    def streams(self, logs, group, prefix):
        try:
            found = logs.describe_log_streams(logGroupName=group, logStreamNamePrefix=prefix)["logStreams"]
        except logs.exceptions.ResourceNotFoundException:
            return []
        return [stream["logStreamName"] for stream in found]

    # 3. what came of it

    def check(self):
        facts = []
        job = self.server.client("sagemaker").describe_training_job(TrainingJobName=self.training)
        if job["TrainingJobStatus"] != "Completed":
            raise Failed(f"the training job is {job['TrainingJobStatus']}")
        metrics = {metric["MetricName"]: metric["Value"] for metric in job.get("FinalMetricDataList", [])}
        # Without a model the fares lie some 9 dollars from their mean.
        if not 0 < metrics.get("validation:rmse", 0) < 4:
            raise Failed(f"the model has not learned: {metrics}")
        facts.append(("metrics", ", ".join(f"{name} {value:.3f}" for name, value in sorted(metrics.items()))))
        artifact = job["ModelArtifacts"]["S3ModelArtifacts"]
        key = artifact.split("/", 3)[3]
        size = self.server.client("s3").head_object(Bucket=BUCKET, Key=key)["ContentLength"]
        facts.append(("the model", f"{artifact}, {size} bytes"))
        facts.append(("the statuses", self.check_statuses("success", "success")))
        return facts

    def check_statuses(self, build, execution):
        """Of the build, and of what it started: both final, and true."""
        def final():
            statuses = self.statuses(self.head_commit)
            rest = [status for context, status in statuses.items() if context != BUILD_CONTEXT]
            done = all(status["state"] != "pending" for status in statuses.values())
            return statuses if done and BUILD_CONTEXT in statuses and rest else None
        statuses = self.until("both statuses on the commit", final, 30)
        self.show_statuses(statuses)
        for context, status in statuses.items():
            wanted = build if context == BUILD_CONTEXT else execution
            if status["state"] != wanted:
                raise Failed(f"{context}: {status['state']}, not {wanted}")
        return f"{len(statuses)} on {self.head_commit[:10]}"

    def statuses(self, commit):
        listed = self.server.ask("codecommit", "CodeCommit_20150413.ListCommitStatuses",
                                 {"repositoryName": NAME, "commitId": commit})
        return {status["context"]: status for status in listed["statuses"]}

    def again(self):
        """A push to the open pull request: the same job, a new machine, a new model."""
        with open(os.path.join(self.tree, "README.md"), "a", encoding="utf-8") as file:
            file.write("\nもう一度。\n")
        self.git("commit", "-q", "-a", "-m", "もう一度", quiet=True)
        before = self.build["id"]
        self.git("push", "-q", "origin", "train")
        self.head_commit = self.git("rev-parse", "HEAD", quiet=True).strip()
        builds = self.server.client("codebuild")
        self.until("a second build", lambda: builds.list_builds_for_project(
            projectName=PROJECT)["ids"][0] != before, 30)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--variant", choices=("xgboost", "container"), default="xgboost")
    parser.add_argument("--break", dest="fault", choices=("glue", "train"))
    parser.add_argument("--keep", action="store_true")
    options = parser.parse_args()
    server = Server().start()
    demo = Training(server, options.variant, options.fault)
    print(f"stepmill on {server.url}, data in {server.data}")
    failure = None
    try:
        title(1, "Set-up: roles, data, repository, project, webhook")
        demo.timed("set-up", demo.set_up)
        title(2, "A branch is pushed, a pull request opened: the build starts by its webhook filter")
        demo.timed("push", demo.push)
        demo.timed("pull request", demo.open_pull_request)
        demo.timed("build", demo.wait_build)
        title(3, "The execution that the build started: Glue, then training")
        if options.fault:
            try:
                demo.timed("execution", demo.wait_execution)
                raise SystemExit("the execution ended green")
            except Failed as error:
                print(f"  red, as it must be: {error}")
            demo.check_statuses("success", "failure")
        else:
            demo.timed("execution", demo.wait_execution)
            title(4, "What came of it")
            for what, evidence in demo.check():
                print(f"  ok  {what}: {evidence}")
            title(5, "A push to the pull request trains again")
            demo.timed("push", demo.again)
            demo.timed("build", demo.wait_build)
        print("\n" + "\n".join(f"  {ended - began:6.1f} s  {what}" for what, began, ended in demo.times))
    except Failed as error:
        failure = error
    except Exception as error:  # a client's own error: said, not hidden
        failure = Failed(f"{type(error).__name__}: {error}")
    if failure:
        print(f"\nThe run ended red: {failure}", flush=True)
        if demo.head_commit:
            demo.show_statuses(demo.statuses(demo.head_commit))
    if options.keep:
        print(f"\nThe server goes on: {server.url}, pid {server.process.pid}, data in {server.data}\n"
              f"  eval \"$({server.program} env --data {server.data})\"")
    else:
        demo.remove()
        server.remove()
    return 1 if failure else 0


if __name__ == "__main__":
    sys.exit(main())
