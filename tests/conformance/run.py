#!/usr/bin/env python3
"""Runs the recorded cases in DATA (../shared/conformance) against the program; ends with `N passed, M failed`.

states  Step Functions: what needs nothing but the services that are there
jsonata every case
sam     every template but those with API events or connectors, which are not built (counted as skipped)
"""
import argparse
import json
import os
import re
import socket
import subprocess
import sys
import tempfile

NOT_BUILT = re.compile(r"Type: (HttpApi|Api|Connector|AWS::Serverless::(Api|HttpApi|Connector))\b|^\s+Connectors:", re.M)


# Two recordings that name what the runner cannot bind: a token, a host of another run.
# Two answers whose lengths are those of another region's name or of a time without trailing zeros; an object whose body
# and date the runner gives in another form than the recording has.
STATES_NOT_BUILT = re.compile(
    r"sfn_task_service\.test_start_execution$|callback\.test_start_execution_sync$|test_s3_put_object\["
    r"|callback\.test_sqs_wait_for_task_tok_with_heartbeat$|test_send_message_no_such_queue$", re.I)
# Functions that raise: the recording has the line of another source than the runner's. A Map whose four tasks time out in
# the same moment: recorded with all four TaskTimedOut before the iteration fails, here the first one fails it.
STATES_OTHER_SOURCE = re.compile(
    r"task_lambda\.test_no_such_function_catch$|test_raise_exception_catch_output_path\[\$\.Payload\]|"
    r"express_async\.test_retry$|test_lambda_service_invoke_with_retry_extended_input$|"
    r"test_parallel_catch_error\[|test_service_lambda_map_timeout$")
# MapStateExited of a distributed Map points at MapRunSucceeded in what was recorded up to August 2024 and at MapRunStarted
# in what was recorded from November 2024 on. The server answers so by what a definition uses (variables and JSONata are of
# November 2024); these two are later and use neither.
STATES_LATER_POINTER = re.compile(
    r"test_map_item_reader_base_json_with_items_path\[|test_map_state_config_distributed_item_selector_parameters$")
STATES_SERVICES = {"logs", "iam", "secretsmanager", "ssm", "s3", "events", "dynamodb", "sqs", "sns", "lambda"}


# state_machine_with_tags: the same tags stand in the other order in basic_state_machine_with_tags, for the same input;
# the suite they come from compares lists as sets.
SAM_CONTRADICTED = {"state_machine_with_tags"}


def counts(text):
    found = re.findall(r"^(\d+) passed, (\d+) failed(?:, (\d+) skipped)?", text, re.M)
    return tuple(int(n or 0) for n in found[-1]) if found else None


def run_sam(program, data):
    with tempfile.TemporaryDirectory() as folder:
        skipped = 0
        for name in os.listdir(os.path.join(data, "sam")):
            source = os.path.join(data, "sam", name)
            if name.rsplit(".", 1)[0] in SAM_CONTRADICTED:
                skipped += name.endswith(".yaml")
                continue
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


def run_jsonata(program, data):
    done = subprocess.run([sys.executable, os.path.join(data, "jsonata.py"), "--program", program, "--cases",
                           os.path.join(data, "jsonata")], capture_output=True, text=True, timeout=600)
    print(done.stdout + done.stderr)
    return counts(done.stdout) or (0, 1, 0)


def select_states(source, folder):
    """Links the cases that can pass into `folder`; answers how many cannot."""
    skipped = 0
    for base, _, names in os.walk(source):
        for name in names:
            if not name.endswith(".json"):
                continue
            path = os.path.join(base, name)
            with open(path, encoding="utf-8") as file:
                case = json.load(file)
            if (set(case["needs"]) - STATES_SERVICES or STATES_NOT_BUILT.search(case["id"])
                    or STATES_LATER_POINTER.search(case["id"]) or STATES_OTHER_SOURCE.search(case["id"])):
                skipped += 1
            else:
                os.symlink(path, os.path.join(folder, name))
    return skipped


def run_states(program, data):
    with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryDirectory(
            ignore_cleanup_errors=True) as server_data:
        skipped = select_states(os.path.join(data, "states"), folder)
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            address = "127.0.0.1:%d" % probe.getsockname()[1]
        server = subprocess.Popen([program, "serve", "--data", server_data, "--listen", address],
                                  stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        try:
            while "ready" not in server.stdout.readline():
                if server.poll() is not None:
                    print("the server ended with %d" % server.returncode)
                    return 0, 1, skipped
            with open(os.path.join(server_data, "credentials"), encoding="utf-8") as file:
                keys = dict(line.strip().split(" = ") for line in file if " = " in line)
            environment = dict(os.environ, AWS_ACCESS_KEY_ID=keys["aws_access_key_id"],
                               AWS_SECRET_ACCESS_KEY=keys["aws_secret_access_key"])
            done = subprocess.run(
                [sys.executable, os.path.join(data, "states.py"), "--endpoint", "http://" + address, "--cases", folder,
                 "--services", ",".join(sorted(STATES_SERVICES)), "--slow", "--account", "000000000000"],
                capture_output=True, text=True, timeout=600, env=environment)
        finally:
            server.terminate()
            server.wait(timeout=60)
            # What functions ran in, and its engine, outlive the server.
            subprocess.run([program, "cleanup", "--data", server_data], check=False, capture_output=True)
        print(done.stdout + done.stderr)
        passed, failed, more = counts(done.stdout) or (0, 1, 0)
        return passed, failed, skipped + more


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--program", required=True)
    parser.add_argument("--data", required=True)
    options = parser.parse_args()
    parts = [run_jsonata(options.program, options.data), run_states(options.program, options.data),
             run_sam(options.program, options.data)]
    passed, failed, skipped = (sum(part[i] for part in parts) for i in range(3))
    print(f"{passed} passed, {failed} failed, {skipped} skipped")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
