#include "service/lambda/runtime.h"

namespace stepmill::lambda {

const char kPythonRuntime[] = R"py(import decimal
import http.client
import importlib
import json
import logging
import os
import resource
import sys
import time
import traceback

API = os.environ["AWS_LAMBDA_RUNTIME_API"]
ROOT = "/2018-06-01/runtime/"
HERE = os.path.abspath(__file__)
STATE = {"request_id": ""}


class Fault(Exception):
    def __init__(self, kind, message, trace=None):
        super().__init__(message)
        self.kind, self.message, self.trace = kind, message, trace or []


def ask(method, path, body=None, headers=None):
    connection = http.client.HTTPConnection(API)
    try:
        connection.request(method, ROOT + path, body, headers or {})
        answer = connection.getresponse()
        return answer.status, answer.headers, answer.read()
    finally:
        connection.close()


def memory_mib():
    return str(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)


class ClientContext:
    def __init__(self, given):
        self.custom = given.get("custom", given.get("Custom"))
        self.env = given.get("env")
        client = given.get("client")
        self.client = type("Client", (), dict(client)) if client else None


class Identity:
    cognito_identity_id = None
    cognito_identity_pool_id = None


class Context:
    def __init__(self, headers):
        self.aws_request_id = headers["Lambda-Runtime-Aws-Request-Id"]
        self.invoked_function_arn = headers["Lambda-Runtime-Invoked-Function-Arn"]
        self.deadline_ms = int(headers["Lambda-Runtime-Deadline-Ms"])
        self.function_name = os.environ["AWS_LAMBDA_FUNCTION_NAME"]
        self.function_version = os.environ["AWS_LAMBDA_FUNCTION_VERSION"]
        self.memory_limit_in_mb = os.environ["AWS_LAMBDA_FUNCTION_MEMORY_SIZE"]
        self.log_group_name = os.environ["AWS_LAMBDA_LOG_GROUP_NAME"]
        self.log_stream_name = os.environ["AWS_LAMBDA_LOG_STREAM_NAME"]
        self.identity = Identity()
        self.client_context = None
        given = headers.get("Lambda-Runtime-Client-Context")
        if given:
            try:
                self.client_context = ClientContext(json.loads(given))
            except Exception as error:
                raise Fault("Runtime.LambdaContextUnmarshalError",
                            "Unable to parse Client Context JSON: %s" % error) from error

    def get_remaining_time_in_millis(self):
        return max(0, self.deadline_ms - int(time.time() * 1000))

    def log(self, message):
        sys.stdout.write(str(message))


def plain(value):
    if isinstance(value, decimal.Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    raise TypeError("Object of type %s is not JSON serializable" % type(value).__name__)


def find_handler(handler):
    module_name, dot, name = handler.rpartition(".")
    if not dot:
        raise Fault("Runtime.MalformedHandlerName",
                    "Bad handler '%s': not enough values to unpack (expected 2, got 1)" % handler)
    if module_name.split(".")[0] in sys.builtin_module_names:
        raise Fault("Runtime.BuiltInModuleConflict",
                    "Cannot use built-in module %s as a handler module" % module_name)
    try:
        module = importlib.import_module(module_name.replace("/", "."))
    except ImportError as error:
        raise Fault("Runtime.ImportModuleError",
                    "Unable to import module '%s': %s" % (module_name, error)) from error
    except SyntaxError as error:
        place = '  File "%s" Line %s\n    %s' % (error.filename, error.lineno, error.text)
        raise Fault("Runtime.UserCodeSyntaxError",
                    "Syntax error in module '%s': %s" % (module_name, error), [place]) from error
    if not hasattr(module, name):
        raise Fault("Runtime.HandlerNotFound", "Handler '%s' missing on module '%s'" % (name, module_name))
    return getattr(module, name)


def failure(error, request_id):
    if isinstance(error, Fault):
        kind, message, trace = error.kind, error.message, error.trace
    else:
        frames = [(one.filename, one.lineno, one.name, one.line) for one in traceback.extract_tb(error.__traceback__)]
        while frames and (os.path.abspath(frames[0][0]) == HERE or "importlib" in frames[0][0]):
            frames.pop(0)
        kind, message, trace = type(error).__name__, str(error), traceback.format_list(frames)
    return {"errorMessage": message, "errorType": kind, "requestId": request_id, "stackTrace": trace}


def log_failure(found):
    # One event of several lines: they are parted by carriage returns.
    lines = ["[ERROR] %s: %s" % (found["errorType"], found["errorMessage"]) if found["errorMessage"]
             else "[ERROR] " + found["errorType"], "Traceback (most recent call last):"]
    for part in found["stackTrace"]:
        for line in part.splitlines() or [""]:
            spaces = len(line) - len(line.lstrip(" "))
            lines.append("\u00a0" * spaces + line[spaces:])
    sys.stdout.write("\r".join(line.replace("\n", "\r") for line in lines) + "\n")
    sys.stdout.flush()


class LogHandler(logging.Handler):
    def emit(self, record):
        record.aws_request_id = STATE["request_id"]
        sys.stdout.write(self.format(record))
        sys.stdout.flush()


def prepare():
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(line_buffering=True, write_through=True, errors="backslashreplace")
    logging.Formatter.converter = time.gmtime
    handler = LogHandler()
    handler.setFormatter(logging.Formatter(
        "[%(levelname)s]\t%(asctime)s.%(msecs)03dZ\t%(aws_request_id)s\t%(message)s\n", "%Y-%m-%dT%H:%M:%S"))
    logging.getLogger().addHandler(handler)
    # As sys.path has it there: the function first, then the layers, then the packages of the image.
    for path in ("/opt/python/lib/python%d.%d/site-packages" % sys.version_info[:2], "/opt/python",
                 os.environ["LAMBDA_TASK_ROOT"]):
        sys.path.insert(0, path)
    here = os.path.dirname(HERE)
    sys.path[:] = [path for path in sys.path if path != here]
    os.chdir(os.environ["LAMBDA_TASK_ROOT"])


def serve(handler):
    while True:
        try:
            status, headers, body = ask("GET", "invocation/next")
        except (OSError, http.client.HTTPException):
            return  # the server is gone; a new one starts environments of its own
        if status != 200:
            return
        request_id = headers["Lambda-Runtime-Aws-Request-Id"]
        STATE["request_id"] = request_id
        trace = headers.get("Lambda-Runtime-Trace-Id")
        if trace:
            os.environ["_X_AMZN_TRACE_ID"] = trace
        found = None
        try:
            context = Context(headers)
            try:
                event = json.loads(body)
            except Exception as error:
                raise Fault("Runtime.UnmarshalError", "Unable to unmarshal input: %s" % error) from error
            result = handler(event, context)
            try:
                text = json.dumps(result, ensure_ascii=False, default=plain)
            except Exception as error:
                raise Fault("Runtime.MarshalError", "Unable to marshal response: %s" % error) from error
            answer = text.encode("utf-8", "surrogatepass")
        except Exception as error:
            found = failure(error, request_id)
            log_failure(found)
        sys.stdout.flush()
        sys.stderr.flush()
        more = {"Content-Type": "application/json", "X-Stepmill-Memory-Mib": memory_mib()}
        try:
            if found is None:
                ask("POST", "invocation/%s/response" % request_id, answer, more)
            else:
                more["Lambda-Runtime-Function-Error-Type"] = found["errorType"]
                ask("POST", "invocation/%s/error" % request_id,
                    json.dumps(found, ensure_ascii=False).encode("utf-8", "surrogatepass"), more)
        except (OSError, http.client.HTTPException):
            return


def main():
    prepare()
    try:
        handler = find_handler(os.environ["_HANDLER"])
    except Exception as error:
        found = failure(error, "")
        log_failure(found)
        ask("POST", "init/error", json.dumps(found, ensure_ascii=False).encode("utf-8", "surrogatepass"),
            {"Content-Type": "application/json", "Lambda-Runtime-Function-Error-Type": found["errorType"]})
        sys.exit(1)
    serve(handler)


main()
)py";

}  // namespace stepmill::lambda
