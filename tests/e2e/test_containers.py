"""Batch and ECS by boto3 with real containers, alone and from a state machine that waits for them. Ends with
`N passed, M failed`."""
import json
import sys
import time

from server import Failed, Server
from test_chain import RESULTS, check

IMAGE = "python:3.8"
STATES = {"Version": "2012-10-17", "Statement": [
    {"Effect": "Allow", "Principal": {"Service": "states.amazonaws.com"}, "Action": "sts:AssumeRole"}]}


def expect(what, wanted, name=""):
    if what != wanted:
        raise Failed(f"{name}: expected {wanted!r}, got {what!r}")


def until(look, seconds=120):
    """What `look` gives once it is true."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        found = look()
        if found:
            return found
        time.sleep(0.1)
    raise Failed(f"nothing came in {seconds} s")


class World:
    def __init__(self, server):
        self.batch, self.ecs, self.logs, self.states, self.iam = (
            server.client(name) for name in ("batch", "ecs", "logs", "stepfunctions", "iam"))

    def lines(self, group, stream):
        return [event["message"] for event in self.logs.get_log_events(
            logGroupName=group, logStreamName=stream, startFromHead=True)["events"]]

    def job(self, job_id):
        def look():
            job = self.batch.describe_jobs(jobs=[job_id])["jobs"][0]
            return job if job["status"] in ("SUCCEEDED", "FAILED") else None
        return until(look)

    def task(self, arn):
        def look():
            task = self.ecs.describe_tasks(tasks=[arn])["tasks"][0]
            return task if task["lastStatus"] == "STOPPED" else None
        return until(look)


def set_up(world):
    world.batch.create_compute_environment(
        computeEnvironmentName="ce", type="MANAGED", computeResources={
            "type": "EC2", "minvCpus": 0, "maxvCpus": 2, "subnets": ["subnet-1"], "instanceTypes": ["optimal"],
            "instanceRole": "arn:aws:iam::000000000000:instance-profile/batch"})
    world.batch.create_job_queue(jobQueueName="q", priority=1,
                                 computeEnvironmentOrder=[{"order": 1, "computeEnvironment": "ce"}])
    world.batch.register_job_definition(
        jobDefinitionName="hello", type="container", parameters={"word": "hello"},
        containerProperties={"image": IMAGE, "vcpus": 1, "memory": 128,
                             "command": ["python3", "-c", "import sys; print(sys.argv[1:]); sys.exit(len(sys.argv) - 2)",
                                         "Ref::word"]})
    world.ecs.create_cluster()
    world.ecs.register_task_definition(family="hello", containerDefinitions=[{
        "name": "app", "image": IMAGE, "memory": 128, "command": ["python3", "-c", "print('from a task')"],
        "logConfiguration": {"logDriver": "awslogs", "options": {
            "awslogs-group": "/ecs/hello", "awslogs-region": "ap-northeast-1", "awslogs-stream-prefix": "ecs"}}}])


def a_job(world):
    job = world.job(world.batch.submit_job(jobName="one", jobQueue="q", jobDefinition="hello",
                                           parameters={"word": "日本"})["jobId"])
    expect((job["status"], job["container"]["exitCode"]), ("SUCCEEDED", 0))
    expect(world.lines("/aws/batch/job", job["container"]["logStreamName"]), ["['日本']"])


def an_array_that_fails(world):
    submitted = world.batch.submit_job(
        jobName="many", jobQueue="q", jobDefinition="hello", arrayProperties={"size": 3}, containerOverrides={
            "command": ["python3", "-c", "import os, sys; sys.exit(int(os.environ['AWS_BATCH_JOB_ARRAY_INDEX']) // 2)"]})
    job = world.job(submitted["jobId"])
    summary = job["arrayProperties"]["statusSummary"]
    expect((job["status"], summary["SUCCEEDED"], summary["FAILED"]), ("FAILED", 2, 1))


def a_task(world):
    arn = world.ecs.run_task(taskDefinition="hello")["tasks"][0]["taskArn"]
    task = world.task(arn)
    expect((task["stopCode"], task["containers"][0]["exitCode"]), ("EssentialContainerExited", 0))
    expect(world.lines("/ecs/hello", "ecs/app/" + arn.rsplit("/", 1)[1]), ["from a task"])


def a_task_that_is_stopped(world):
    arn = world.ecs.run_task(taskDefinition="hello", overrides={"containerOverrides": [
        {"name": "app", "command": ["sleep", "1000"]}]})["tasks"][0]["taskArn"]
    until(lambda: world.ecs.describe_tasks(tasks=[arn])["tasks"][0]["lastStatus"] == "RUNNING")
    world.ecs.stop_task(task=arn, reason="enough")
    task = world.task(arn)
    expect((task["stopCode"], task["stoppedReason"]), ("UserInitiated", "enough"))


def a_state_machine(world):
    world.iam.create_role(RoleName="states", AssumeRolePolicyDocument=json.dumps(STATES))
    definition = {"StartAt": "Job", "States": {
        "Job": {"Type": "Task", "Resource": "arn:aws:states:::batch:submitJob.sync", "ResultPath": "$.job",
                "Parameters": {"JobName": "from-states", "JobQueue": "q", "JobDefinition": "hello"}, "Next": "Task"},
        "Task": {"Type": "Task", "Resource": "arn:aws:states:::ecs:runTask.sync", "ResultPath": "$.task",
                 "Parameters": {"TaskDefinition": "hello"}, "Next": "Fails"},
        "Fails": {"Type": "Task", "Resource": "arn:aws:states:::batch:submitJob.sync", "End": True, "ResultPath": "$.x",
                  "Parameters": {"JobName": "fails", "JobQueue": "q", "JobDefinition": "hello", "ContainerOverrides": {
                      "Command": ["python3", "-c", "raise SystemExit(9)"]}},
                  "Catch": [{"ErrorEquals": ["States.TaskFailed"], "ResultPath": "$.caught", "Next": "End"}]},
        "End": {"Type": "Pass", "End": True}}}
    machine = world.states.create_state_machine(name="m", definition=json.dumps(definition),
                                                roleArn="arn:aws:iam::000000000000:role/states")["stateMachineArn"]
    execution = world.states.start_execution(stateMachineArn=machine)["executionArn"]

    def look():
        answer = world.states.describe_execution(executionArn=execution)
        return answer if answer["status"] != "RUNNING" else None
    answer = until(look)
    expect(answer["status"], "SUCCEEDED", answer.get("cause", ""))
    output = json.loads(answer["output"])
    expect(output["job"]["Status"], "SUCCEEDED")
    expect(output["task"]["Containers"][0]["ExitCode"], 0)
    expect(json.loads(output["caught"]["Cause"])["Container"]["ExitCode"], 9)


def main():
    server = Server().start()
    try:
        world = World(server)
        check("an environment, a queue, definitions", set_up, world)
        check("a Batch job", a_job, world)
        check("an array of jobs", an_array_that_fails, world)
        check("an ECS task", a_task, world)
        check("an ECS task that is stopped", a_task_that_is_stopped, world)
        check("a state machine waits for both", a_state_machine, world)
    finally:
        server.remove()
    print(f"{RESULTS['passed']} passed, {RESULTS['failed']} failed")
    return 1 if RESULTS["failed"] else 0


if __name__ == "__main__":
    sys.exit(main())
