"""The main job, step by step, with the ordinary clients. The demo shows it, test_chain.py checks it,
kill.py kills the server at points of it."""
import json
import os
import shutil
import subprocess
import tempfile
import time

from server import ACCOUNT, REGION, ROOT, Failed, run

NAME = "hello-processing"
BUCKET = "hello-processing-artifacts"
IMAGE = f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com/{NAME}"
POLL_SECONDS = 0.25  # of the clients that wait, as the AWS CLI's waiters do

TRUST = ('{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"%s"},'
         '"Action":"sts:AssumeRole"}]}')

ROLES = {
    "hello-pipeline": ("codepipeline.amazonaws.com",
                       ["codestar-connections:UseConnection", "codebuild:StartBuild", "codebuild:BatchGetBuilds",
                        "states:StartExecution", "states:DescribeExecution", "states:DescribeStateMachine",
                        "s3:GetObject", "s3:PutObject", "s3:GetBucketVersioning"]),
    "hello-build": ("codebuild.amazonaws.com",
                    ["logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents", "s3:GetObject", "s3:PutObject",
                     "ssm:GetParameters", "ecr:GetAuthorizationToken", "ecr:BatchCheckLayerAvailability",
                     "ecr:InitiateLayerUpload", "ecr:UploadLayerPart", "ecr:CompleteLayerUpload", "ecr:PutImage",
                     "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer", "ecr:DescribeImages"]),
    "hello-states": ("states.amazonaws.com",
                     ["sagemaker:CreateProcessingJob", "sagemaker:DescribeProcessingJob",
                      "sagemaker:StopProcessingJob", "sagemaker:ListTags", "sagemaker:AddTags", "iam:PassRole",
                      "events:PutTargets", "events:PutRule", "events:DescribeRule"]),
    "hello-processing": ("sagemaker.amazonaws.com",
                         ["logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents", "s3:GetObject",
                          "s3:PutObject", "s3:ListBucket", "ecr:GetAuthorizationToken", "ecr:BatchGetImage",
                          "ecr:GetDownloadUrlForLayer"]),
}


class Chain:
    """One run of the main job on a server. `word` is what the container is to print."""

    def __init__(self, server, word, change=None):
        self.server = server
        self.word = word
        self.change = change  # called with the work tree before it is committed
        self.work = tempfile.mkdtemp(prefix="stepmill-chain-")
        self.times = []  # (what, began, ended)
        self.merge_commit = self.head_commit = self.pull_request = self.execution = None

    def aws(self, *words, **options):
        return run(["/usr/bin/aws", "--endpoint-url", self.server.url, *words], self.server.environment(), **options)

    def git(self, *words, **options):
        key, secret = self.server.credentials()
        helper = "!f() { echo username=$AWS_ACCESS_KEY_ID; echo password=$AWS_SECRET_ACCESS_KEY; }; f"
        env = {**self.server.environment(), "GIT_AUTHOR_NAME": "Example Developer",
               "GIT_AUTHOR_EMAIL": "developer@example.com", "GIT_COMMITTER_NAME": "Example Developer",
               "GIT_COMMITTER_EMAIL": "developer@example.com", "GIT_CONFIG_COUNT": "1",
               "GIT_CONFIG_KEY_0": "credential.helper", "GIT_CONFIG_VALUE_0": helper}
        return run(["git", *words], env, cwd=options.pop("cwd", self.tree), **options)

    @property
    def tree(self):
        return os.path.join(self.work, NAME)

    def timed(self, what, step):
        began = time.time()
        result = step()
        self.times.append((what, began, time.time()))
        return result

    def until(self, what, probe, timeout=300):
        """Asks until `probe` answers something true."""
        deadline = time.monotonic() + timeout
        while time.monotonic() < deadline:
            result = probe()
            if result:
                return result
            time.sleep(POLL_SECONDS)
        raise Failed(f"{what} did not happen within {timeout} s")

    # 1. set-up

    def set_up(self):
        self.make_roles()
        self.make_parameters()
        self.make_services()

    def make_roles(self):
        for role, (host, actions) in ROLES.items():
            policy = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": actions, "Resource": "*"}]}
            self.aws("iam", "create-role", "--role-name", role, "--assume-role-policy-document", TRUST % host,
                     "--query", "Role.Arn", "--output", "text")
            self.aws("iam", "put-role-policy", "--role-name", role, "--policy-name", "chain",
                     "--policy-document", json.dumps(policy))

    def make_parameters(self):
        for name, value, kind in (("AWS_ACCOUNT_ID", ACCOUNT, "String"), ("IMAGE_REPO_NAME", NAME, "String"),
                                  ("BUILD_TOKEN", "token-" + self.word, "SecureString")):
            self.aws("ssm", "put-parameter", "--name", f"/CodeBuild/common/{name}", "--value", value, "--type", kind)
        # The workflow's secrets: the keys of a user of its own.
        self.aws("iam", "create-user", "--user-name", "workflow", "--query", "User.Arn", "--output", "text")
        made = json.loads(self.aws("iam", "create-access-key", "--user-name", "workflow", quiet=True))["AccessKey"]
        for name, value in (("AWS_ACCESS_KEY_ID", made["AccessKeyId"]),
                            ("AWS_SECRET_ACCESS_KEY", made["SecretAccessKey"])):
            self.aws("ssm", "put-parameter", "--name", f"/stepmill/workflows/{NAME}/secrets/{name}", "--value", value,
                     "--type", "SecureString", quiet=True)
        print("  (two secrets of the workflow are put into Parameter Store, not shown)")

    def make_services(self):
        self.aws("s3", "mb", f"s3://{BUCKET}")
        self.aws("ecr", "create-repository", "--repository-name", NAME, "--query", "repository.repositoryUri",
                 "--output", "text")
        self.aws("codebuild", "create-project", "--name", NAME,
                 "--source", "type=CODEPIPELINE,buildspec=config/buildspec.yml", "--artifacts", "type=CODEPIPELINE",
                 "--environment", "type=LINUX_CONTAINER,image=aws/codebuild/standard:7.0,"
                 "computeType=BUILD_GENERAL1_SMALL,privilegedMode=true",
                 "--service-role", f"arn:aws:iam::{ACCOUNT}:role/hello-build", "--query", "project.arn",
                 "--output", "text")
        self.connection = self.aws("codestar-connections", "create-connection", "--provider-type", "GitHub",
                                   "--connection-name", NAME, "--query", "ConnectionArn", "--output", "text").strip()
        self.aws("codecommit", "create-repository", "--repository-name", NAME, "--query",
                 "repositoryMetadata.cloneUrlHttp", "--output", "text")

    # 2. push, pull request, workflow

    def prepare_tree(self):
        """The example with this run's word and connection in it."""
        shutil.copytree(os.path.join(ROOT, "examples", NAME), self.tree)
        self.replace("container/app/src/hello.py", '"word"', f'"{self.word}"')
        self.replace("config/codepipeline-ver1.json",
                     f"arn:aws:codestar-connections:{REGION}:{ACCOUNT}:connection/00000000-0000-4000-8000-000000000000",
                     self.connection)
        if self.change:
            self.change(self.tree)

    def replace(self, path, old, new):
        path = os.path.join(self.tree, path)
        with open(path, encoding="utf-8") as file:
            text = file.read()
        if old not in text:
            raise Failed(f"{path} has no {old!r}")
        with open(path, "w", encoding="utf-8") as file:
            file.write(text.replace(old, new))

    def push_base(self):
        """dev with a README, the pipeline on it, and its first run, which ends for want of a buildspec."""
        os.makedirs(self.tree)
        self.git("init", "-q", "-b", "dev", quiet=True)
        with open(os.path.join(self.tree, "README.md"), "w", encoding="utf-8") as file:
            file.write("# hello-processing\n")
        self.git("add", "-A", quiet=True)
        self.git("commit", "-q", "-m", "最初のコミット")
        self.git("remote", "add", "origin", f"{self.server.url}/git/{NAME}.git")
        self.git("push", "-q", "-u", "origin", "dev")
        shutil.rmtree(os.path.join(self.work, "git"), ignore_errors=True)
        shutil.move(os.path.join(self.tree, ".git"), os.path.join(self.work, "git"))
        shutil.rmtree(self.tree)
        self.prepare_tree()
        shutil.move(os.path.join(self.work, "git"), os.path.join(self.tree, ".git"))
        self.aws("codepipeline", "create-pipeline", "--pipeline", "file://config/codepipeline-ver1.json",
                 "--query", "pipeline.[name,version]", "--output", "text", cwd=self.tree)
        first = self.until("the first run of the new pipeline", lambda: self.executions("FromCreate"), 60)[0]
        self.until("the end of the first run", lambda: self.execution_status(first) != "InProgress", 120)
        print(f"  (creating a pipeline starts it, as on AWS; without a buildspec on dev this run is "
              f"{self.execution_status(first)})")

    def push_branch(self):
        self.git("switch", "-q", "-c", "add-pipeline")
        self.git("add", "-A")
        self.git("commit", "-q", "-m", "パイプラインを追加する")
        self.git("push", "-q", "origin", "add-pipeline")
        self.head_commit = self.git("rev-parse", "HEAD", quiet=True).strip()

    def open_pull_request(self):
        self.pull_request = self.aws(
            "codecommit", "create-pull-request", "--title", "パイプラインを追加する", "--targets",
            f"repositoryName={NAME},sourceReference=add-pipeline,destinationReference=dev", "--query",
            "pullRequest.pullRequestId", "--output", "text").strip()

    def statuses(self, commit):
        listed = self.server.ask("codecommit", "CodeCommit_20150413.ListCommitStatuses",
                                 {"repositoryName": NAME, "commitId": commit})
        return {status["context"]: status for status in listed["statuses"]}

    def wait_workflow(self):
        """Until every job of the workflow has a final status on the head commit."""
        def ended():
            statuses = self.statuses(self.head_commit)
            done = [s for s in statuses.values() if s["state"] in ("success", "failure", "error")]
            failed = [s for s in done if s["state"] != "success"]
            return statuses if failed or len(done) >= 2 else None
        statuses = self.until("the end of the workflow", ended)
        self.show_statuses(statuses)
        bad = [s for s in statuses.values() if s["state"] != "success"]
        if bad:
            raise Failed("the workflow failed: " + ", ".join(f"{s['context']}: {s['state']}" for s in bad))

    def show_statuses(self, statuses):
        for status in statuses.values():
            print(f"    {status['state']:8} {status['context']}: {status.get('description', '')}")

    # 3. merge, pipeline

    def merge(self):
        self.aws("codecommit", "merge-pull-request-by-three-way", "--pull-request-id", self.pull_request,
                 "--repository-name", NAME, "--query", "pullRequest.pullRequestStatus", "--output", "text")
        self.merge_commit = self.aws("codecommit", "get-branch", "--repository-name", NAME, "--branch-name", "dev",
                                     "--query", "branch.commitId", "--output", "text").strip()

    def executions(self, kind):
        """Ids of the pipeline's executions: "FromCreate", or those whose source is the merge commit."""
        found = self.server.client("codepipeline").list_pipeline_executions(pipelineName=NAME)
        summaries = found["pipelineExecutionSummaries"]
        if kind == "FromCreate":
            return [s["pipelineExecutionId"] for s in summaries]
        return [s["pipelineExecutionId"] for s in summaries
                if any(r.get("revisionId") == self.merge_commit for r in s.get("sourceRevisions", []))]

    def execution_status(self, execution):
        client = self.server.client("codepipeline")
        return client.get_pipeline_execution(pipelineName=NAME, pipelineExecutionId=execution)["pipelineExecution"]["status"]

    def wait_pipeline(self):
        self.execution = self.until("a pipeline run of the merge commit", lambda: self.executions("FromMerge"), 120)[0]
        status = self.until("the end of the pipeline run", lambda: self.ended(self.execution), 300)
        if status != "Succeeded":
            raise Failed(f"the pipeline run is {status}")

    def ended(self, execution):
        status = self.execution_status(execution)
        return None if status == "InProgress" else status

    # 4. what came of it

    def actions(self):
        client = self.server.client("codepipeline")
        listed = client.list_action_executions(pipelineName=NAME, filter={"pipelineExecutionId": self.execution})
        return {d["actionName"]: d for d in listed["actionExecutionDetails"]}

    def job_name(self):
        result = self.actions()["Execute"]["output"]["executionResult"]
        return result["externalExecutionId"].rsplit(":", 1)[-1]

    def job_log(self, job=None):
        """The lines that the processing job printed, as CloudWatch Logs has them."""
        logs, group = self.server.client("logs"), "/aws/sagemaker/ProcessingJobs"
        lines = []
        for stream in logs.describe_log_streams(logGroupName=group,
                                                logStreamNamePrefix=(job or self.job_name()) + "/")["logStreams"]:
            lines += [e["message"] for e in logs.get_log_events(
                logGroupName=group, logStreamName=stream["logStreamName"], startFromHead=True)["events"]]
        return lines

    def check(self):
        """What the run claims must be true; a list of (what, evidence)."""
        facts = []
        said = [line for line in self.job_log() if self.word in line]
        if len(said) != 1:
            raise Failed(f"the word {self.word} stands {len(said)} times in the job's log: {self.job_log()}")
        facts.append(("the word in CloudWatch Logs", said[0]))
        image = self.server.client("ecr").describe_images(repositoryName=NAME, imageIds=[{"imageTag": "latest"}])
        digest = image["imageDetails"][0]["imageDigest"]
        build = self.actions()["Build"]["output"]
        pushed = build["outputVariables"]["IMAGE_DIGEST"]
        job = self.server.client("sagemaker").describe_processing_job(ProcessingJobName=self.job_name())
        ran = self.container_digest(self.job_name())
        if not digest == pushed == ran:
            raise Failed(f"digests differ: ECR {digest}, pushed {pushed}, ran {ran}")
        facts.append(("one digest in the push, in ECR and in the job's container", digest))
        if job["ProcessingJobStatus"] != "Completed":
            raise Failed(f"the processing job is {job['ProcessingJobStatus']}")
        revision = self.actions()["Source"]["output"]["outputVariables"]["CommitId"]
        if revision != self.merge_commit:
            raise Failed(f"the pipeline built {revision}, merged was {self.merge_commit}")
        statuses = self.until("the pipeline's status on the merge commit",
                              lambda: {c: s for c, s in self.statuses(self.merge_commit).items()
                                       if s["state"] != "pending"}, 30)
        if any(s["state"] != "success" for s in statuses.values()):
            raise Failed(f"statuses of the merge commit: {statuses}")
        self.show_statuses(statuses)
        facts.append(("built from the merge commit that carries the statuses", revision))
        return facts

    def container_digest(self, job):
        """The digest of the image that the job's container ran, as the server recorded it at its start."""
        described = self.server.ask("sagemaker", "SageMaker.DescribeProcessingJobContainer", {"ProcessingJobName": job})
        return described["ImageDigest"]

    def show_red(self):
        """Every place that shows how far it came; used when the chain did not end well."""
        for commit, name in ((self.head_commit, "head"), (self.merge_commit, "merge")):
            if commit:
                print(f"  statuses of the {name} commit {commit[:10]}:")
                self.show_statuses(self.statuses(commit))
        if self.execution:
            for name, action in self.actions().items():
                result = action.get("output", {}).get("executionResult", {})
                print(f"  action {name}: {action['status']} {result.get('externalExecutionSummary', '')}")

    def counts(self):
        """How often each thing happened for the merge commit: builds, jobs, executions, and the word."""
        builds = self.server.client("codebuild").list_builds_for_project(projectName=NAME)["ids"]
        of_merge = [b for b in self.server.client("codebuild").batch_get_builds(ids=builds)["builds"]
                    if b.get("resolvedSourceVersion") == self.merge_commit]
        jobs = self.server.client("sagemaker").list_processing_jobs()["ProcessingJobSummaries"]
        machine = f"arn:aws:states:{REGION}:{ACCOUNT}:stateMachine:{NAME}-dev"
        executions = self.server.client("stepfunctions").list_executions(stateMachineArn=machine)["executions"]
        words = sum(self.word in line for job in jobs for line in self.job_log(job["ProcessingJobName"]))
        return {"pipeline runs": len(self.executions("FromMerge")), "builds": len(of_merge), "jobs": len(jobs),
                "executions": len(executions), "words": words}

    def remove(self):
        shutil.rmtree(self.work, ignore_errors=True)

    STEPS = (
        ("set-up", "set_up"),
        ("the base branch and the pipeline", "push_base"),
        ("push of a branch", "push_branch"),
        ("pull request", "open_pull_request"),
        ("workflow", "wait_workflow"),
        ("merge", "merge"),
        ("pipeline", "wait_pipeline"),
    )
