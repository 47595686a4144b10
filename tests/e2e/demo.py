"""`./dev demo`: the main job on examples/hello-processing, shown step by step, on fresh data.

--break hello|dockerfile|template   the same with a fault in the repository: must end red, exit 1
--keep                              leaves the server running and says how to look around
"""
import argparse
import secrets
import sys

from chain import NAME, Chain
from server import Failed, Server


def break_hello(tree):
    with open(f"{tree}/container/app/src/hello.py", "a", encoding="utf-8") as file:
        file.write("    raise SystemExit(1)\n")


def break_dockerfile(tree):
    with open(f"{tree}/container/Dockerfile", "a", encoding="utf-8") as file:
        file.write("RUN exit 3\n")


def break_template(tree):
    with open(f"{tree}/sam/env/dev/template.yaml", "r+", encoding="utf-8") as file:
        text = file.read()
        file.seek(0)
        file.write(text.replace("\nOutputs:", "\n  Odd:\n    Type: AWS::Example::Unknown\n\nOutputs:"))


BREAKS = {"hello": break_hello, "dockerfile": break_dockerfile, "template": break_template}


def title(number, text):
    print(f"\n\033[1m{number}. {text}\033[0m" if sys.stdout.isatty() else f"\n{number}. {text}", flush=True)


def show_results(chain):
    title(4, "What came of it")
    job = chain.job_name()
    chain.aws("logs", "get-log-events", "--log-group-name", "/aws/sagemaker/ProcessingJobs", "--log-stream-name",
              stream_of(chain, job), "--query", "events[].message", "--output", "text")
    execution = chain.actions()["Execute"]["output"]["executionResult"]["externalExecutionId"]
    chain.aws("stepfunctions", "get-execution-history", "--execution-arn", execution, "--query",
              "events[].[id,type]", "--output", "text")
    chain.aws("codepipeline", "get-pipeline-state", "--name", NAME, "--query",
              "stageStates[].[stageName,latestExecution.status]", "--output", "text")
    print()
    for what, evidence in chain.check():
        print(f"  ok  {what}: {evidence}")


def stream_of(chain, job):
    streams = chain.server.client("logs").describe_log_streams(
        logGroupName="/aws/sagemaker/ProcessingJobs", logStreamNamePrefix=job + "/")["logStreams"]
    if not streams:
        raise Failed(f"no log stream of the job {job}")
    return streams[0]["logStreamName"]


def show_times(chain, server):
    title(5, "The chain in time")
    first = chain.times[0][1]
    spans = list(chain.times)
    if chain.execution:
        for name, action in chain.actions().items():
            if "lastUpdateTime" in action:
                spans.append(("  " + name, action["startTime"].timestamp(), action["lastUpdateTime"].timestamp()))
    for what, began, ended in sorted(spans, key=lambda span: span[1]):
        print(f"  {began - first:7.1f} s  {ended - began:6.1f} s  {what}")
    print(f"  {chain.times[-1][2] - first:7.1f} s  in all; the server was ready {server.ready_seconds * 1000:.0f} ms "
          f"after its start")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--break", dest="fault", choices=sorted(BREAKS))
    parser.add_argument("--keep", action="store_true")
    options = parser.parse_args()
    word = "w" + secrets.token_hex(5)
    server = Server().start()
    chain = Chain(server, word, BREAKS.get(options.fault))
    print(f"stepmill on {server.url}, data in {server.data}; the word of this run is {word}")
    failure = None
    try:
        title(1, "Set-up: roles, parameters, bucket, repository, project, connection")
        chain.timed("set-up", chain.set_up)
        chain.timed("base branch, pipeline", chain.push_base)
        title(2, "A branch is pushed, a pull request opened: the workflow deploys the stack")
        chain.timed("push", chain.push_branch)
        chain.timed("pull request", chain.open_pull_request)
        chain.timed("workflow", chain.wait_workflow)
        title(3, "The pull request is merged: the pipeline builds the image and runs the state machine")
        chain.timed("merge", chain.merge)
        chain.timed("pipeline", chain.wait_pipeline)
        show_results(chain)
    except Failed as error:
        failure = error
    except Exception as error:  # a client's own error: said, not hidden
        failure = Failed(f"{type(error).__name__}: {error}")
    if chain.times:
        show_times(chain, server)
    if failure:
        print(f"\nThe chain ended red: {failure}", flush=True)
        chain.show_red()
    if options.keep:
        print(f"\nThe server goes on: {server.url}, pid {server.process.pid}, data in {server.data}\n"
              f"  eval \"$({server.program} env --data {server.data})\"")
    else:
        chain.remove()
        server.remove()
        if not failure:
            print("\nWhere to look next: ./dev demo --keep leaves the server running; docs/architecture.md; "
                  "examples/hello-processing")
    return 1 if failure else 0


if __name__ == "__main__":
    sys.exit(main())
