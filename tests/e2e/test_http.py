"""HTTP tasks of Step Functions against a real HTTPS server with a certificate authority of its own, on loopback.
Ends with `N passed, M failed`."""
import base64
import http.server
import json
import os
import shutil
import ssl
import subprocess
import sys
import tempfile
import threading
import time
import traceback
import urllib.parse

from server import Failed, Server

ROLE = "arn:aws:iam::000000000000:role/http"


class Outside:
    """The server outside: keeps what it was sent; its paths are told by name."""

    def __init__(self, folder):
        self.requests, self.tokens, self.valid, self.hold = [], 0, None, threading.Event()
        self.held = threading.Event()
        outside = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def answer(self, status, body=b"", content_type="application/json", reason=None, headers=()):
                self.send_response(status, reason)
                self.send_header("Content-Type", content_type)
                self.send_header("Content-Length", str(len(body)))
                for name, value in headers:
                    self.send_header(name, value)
                self.end_headers()
                if self.command != "HEAD":
                    self.wfile.write(body)

            def serve(self):
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                place = urllib.parse.urlsplit(self.path)
                seen = {"method": self.command, "path": place.path, "query": place.query, "body": body.decode(),
                        "headers": {name.lower(): value for name, value in self.headers.items()}}
                outside.requests.append(seen)
                if place.path == "/token":
                    outside.tokens += 1
                    outside.valid = f"token-{outside.tokens}"
                    return self.answer(200, json.dumps({"access_token": outside.valid, "expires_in": 3600}).encode())
                if place.path == "/guarded" and seen["headers"].get("authorization") != f"Bearer {outside.valid}":
                    return self.answer(401, b"{}")
                if place.path.startswith("/status/"):
                    return self.answer(int(place.path.split("/")[2]), b'{"why": "asked"}')
                if place.path == "/text":
                    return self.answer(200, "こんにちは".encode(), "text/plain; charset=utf-8", "Fine",
                                       [("Set-Cookie", "a=1"), ("Set-Cookie", "b=2")])
                if place.path == "/image":
                    return self.answer(200, b"\x89PNG", "image/png")
                if place.path == "/large":
                    return self.answer(200, b"x" * 262_145, "text/plain")
                if place.path == "/moved":
                    return self.answer(302, b"", headers=[("Location", "/echo")])
                if place.path == "/hold":
                    outside.held.set()
                    outside.hold.wait(30)
                return self.answer(200, json.dumps(seen).encode())

            do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = do_HEAD = serve

            def log_message(self, *_):
                pass

            def handle(self):
                try:
                    super().handle()
                except (ConnectionError, ssl.SSLError):
                    pass  # a client that was killed

        def openssl(*words):
            subprocess.run(["openssl", *words], cwd=folder, check=True, stderr=subprocess.DEVNULL)

        key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
        openssl("req", "-x509", *key, "-keyout", "ca.key", "-out", "ca.pem", "-days", "2", "-subj", "/CN=test CA")
        openssl("req", "-new", *key, "-keyout", "leaf.key", "-out", "leaf.csr", "-subj", "/CN=localhost")
        with open(os.path.join(folder, "names"), "w", encoding="ascii") as names:
            names.write("subjectAltName=DNS:localhost,IP:127.0.0.1\n")
        openssl("x509", "-req", "-in", "leaf.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial",
                "-out", "leaf.pem", "-days", "2", "-extfile", "names")
        self.ca = os.path.join(folder, "ca.pem")
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.load_cert_chain(os.path.join(folder, "leaf.pem"), os.path.join(folder, "leaf.key"))
        # The handshake happens in the connection's own thread.
        self.server.socket = tls.wrap_socket(self.server.socket, server_side=True, do_handshake_on_connect=False)
        self.url = f"https://localhost:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def count(self, path):
        return sum(1 for request in self.requests if request["path"] == path)


class Run:
    def __init__(self, server, outside):
        self.server, self.outside = server, outside
        self.events, self.states = server.client("events"), server.client("stepfunctions")
        self.machines = 0

    def connect(self, name, kind, auth, **more):
        answer = self.events.create_connection(Name=name, AuthorizationType=kind, AuthParameters={**auth, **more})
        until = time.monotonic() + 20
        while self.state(name) == "AUTHORIZING":
            if time.monotonic() > until:
                raise Failed(f"connection {name} stays AUTHORIZING")
            time.sleep(0.05)
        return answer["ConnectionArn"]

    def state(self, name):
        return self.events.describe_connection(Name=name)["ConnectionState"]

    def task(self, connection, path, method="GET", **more):
        return {"Type": "Task", "Resource": "arn:aws:states:::http:invoke", "End": True,
                "Parameters": {"ApiEndpoint": self.outside.url + path, "Method": method,
                               "Authentication": {"ConnectionArn": connection}, **more}}

    def machine(self, state, kind="STANDARD"):
        self.machines += 1
        definition = json.dumps({"StartAt": "Call", "States": {"Call": state}})
        return self.states.create_state_machine(name=f"m{self.machines}", definition=definition, roleArn=ROLE,
                                                type=kind)["stateMachineArn"]

    def finished(self, arn):
        until = time.monotonic() + 60
        while True:
            described = self.states.describe_execution(executionArn=arn)
            if described["status"] != "RUNNING":
                return described
            if time.monotonic() > until:
                raise Failed(f"{arn} runs on")
            time.sleep(0.05)

    def start(self, state):
        return self.states.start_execution(stateMachineArn=self.machine(state))["executionArn"]

    def done(self, state):
        return self.finished(self.start(state))

    def output(self, state):
        described = self.done(state)
        expect(described["status"], "SUCCEEDED", described)
        return json.loads(described["output"])

    def failure(self, state):
        described = self.done(state)
        return described.get("error"), described.get("cause")


def expect(got, wanted, about=""):
    if got != wanted:
        raise Failed(f"{got!r}, not {wanted!r} {about}")


def basic(run):
    connection = run.connect("basic", "BASIC", {"BasicAuthParameters": {"Username": "me", "Password": "hidden-password"}},
                             InvocationHttpParameters={
                                 "HeaderParameters": [{"Key": "x-shared", "Value": "connection"}],
                                 "QueryStringParameters": [{"Key": "q", "Value": "c d", "IsValueSecret": True}],
                                 "BodyParameters": [{"Key": "b", "Value": "connection"}]})
    out = run.output(run.task(connection, "/echo", "POST", Headers={"x-shared": "task", "x-task": ["1", "2"]},
                              QueryParameters={"own": "a+b"}, RequestBody={"b": 1, "c": [1, "二"]}))
    expect((out["StatusCode"], out["StatusText"]), (200, "OK"))
    seen = out["ResponseBody"]
    expect(seen["query"], "own=a%2Bb&q=c%20d")
    expect(seen["body"], '{"b":"connection","c":[1,"二"]}')
    for name, value in {"authorization": "Basic " + base64.b64encode(b"me:hidden-password").decode(),
                        "x-shared": "connection", "content-type": "application/json; charset=UTF-8",
                        "user-agent": "Amazon|StepFunctions|HttpInvoke|ap-northeast-1",
                        "range": "bytes=0-262144"}.items():
        expect(seen["headers"].get(name), value, name)
    form = run.output(run.task(connection, "/echo", "PUT", Headers={"Content-Type": "application/x-www-form-urlencoded"},
                               RequestBody={"a": ["x y", 2]},
                               Transform={"RequestBodyEncoding": "URL_ENCODED",
                                          "RequestEncodingOptions": {"ArrayFormat": "BRACKETS"}}))
    expect(form["ResponseBody"]["body"], "a%5B%5D=x%20y&a%5B%5D=2&b=connection")


def answers(run):
    connection = run.connect("key", "API_KEY", {"ApiKeyAuthParameters": {"ApiKeyName": "x-key", "ApiKeyValue": "hidden-key"}})
    text = run.output(run.task(connection, "/text"))
    expect((text["ResponseBody"], text["StatusText"]), ("こんにちは", "Fine"))
    expect(text["Headers"]["Set-Cookie"], ["a=1", "b=2"])
    head = run.output(run.task(connection, "/echo", "HEAD"))
    expect("ResponseBody" in head, False)
    expect(run.failure(run.task(connection, "/status/404")), ("States.Http.StatusCode.404", "Not Found"))
    expect(run.failure(run.task(connection, "/status/500", "DELETE"))[0], "States.Http.StatusCode.500")
    expect(run.failure(run.task(connection, "/moved"))[0], "States.Http.StatusCode.302")
    expect(run.failure(run.task(connection, "/image")),
           ("States.Runtime", "Unsupported response content-type 'image/png'. Please see documentation for list of "
                              "unsupported content-types."))
    expect(run.failure(run.task(connection, "/large"))[0], "States.DataLimitExceeded")
    chosen = run.output({**run.task(connection, "/echo"), "ResultSelector": {"m.$": "$.ResponseBody.method"}})
    expect(chosen, {"m": "GET"})


def refused_at_creation(run):
    for change, wanted in (({"ApiEndpoint": "http://localhost/"}, "The value for the 'ApiEndpoint' field is not valid"),
                           ({"Method": "TRACE"}, "The value for the 'Method' field is not valid"),
                           ({"Url": "x"}, 'The field "Url" is not supported by Step Functions')):
        state = run.task("arn:aws:events:ap-northeast-1:000000000000:connection/c/1", "/echo")
        state["Parameters"].update(change)
        try:
            run.machine(state)
        except run.states.exceptions.InvalidDefinition as error:
            expect(wanted in str(error), True, str(error))
        else:
            raise Failed(f"accepted: {change}")


def untrusted(run):
    """A name that the certificate does not have."""
    state = run.task(run.events.describe_connection(Name="key")["ConnectionArn"], "/echo")
    state["Parameters"]["ApiEndpoint"] = run.outside.url.replace("localhost", "127.0.0.2") + "/echo"
    before = len(run.outside.requests)
    expect(run.failure(state)[0], "States.Http.Socket")
    expect(len(run.outside.requests), before)


def oauth(run):
    connection = run.connect("oauth", "OAUTH_CLIENT_CREDENTIALS", {"OAuthParameters": {
        "ClientParameters": {"ClientID": "client", "ClientSecret": "hidden-client-secret"},
        "AuthorizationEndpoint": run.outside.url + "/token", "HttpMethod": "POST",
        "OAuthHttpParameters": {"BodyParameters": [{"Key": "scope", "Value": "all"}]}}})
    expect(run.state("oauth"), "AUTHORIZED")
    asked = [r for r in run.outside.requests if r["path"] == "/token"][0]
    expect(asked["body"], "scope=all&client_secret=hidden-client-secret&client_id=client")
    for _ in range(2):
        run.output(run.task(connection, "/guarded"))
    expect(run.outside.tokens, 1, "tokens")
    run.outside.valid = "revoked"
    run.output(run.task(connection, "/guarded"))
    expect(run.outside.tokens, 2, "tokens")


def deauthorized(run):
    connection = run.connect("refused", "API_KEY", {"ApiKeyAuthParameters": {"ApiKeyName": "x-key", "ApiKeyValue": "bad"}})
    expect(run.failure(run.task(connection, "/guarded")), ("States.Http.StatusCode.401", "Unauthorized"))
    expect(run.state("refused"), "DEAUTHORIZED")
    expect(run.failure(run.task(connection, "/echo"))[0], "Events.ConnectionResource.InvalidConnectionState")


def trace(run):
    connection = run.events.describe_connection(Name="key")["ConnectionArn"]
    definition = json.dumps(run.task(connection, "/echo", RequestBody={"a": 1}))
    for reveals in (False, True):
        answer = run.server.ask("states", "AWSStepFunctions.TestState", {
            "definition": definition, "roleArn": ROLE, "inspectionLevel": "TRACE", "revealSecrets": reveals})
        expect(answer["status"], "SUCCEEDED", answer)
        seen = answer["inspectionData"]
        expect("hidden-key" in seen["request"]["headers"], reveals)
        expect((seen["request"]["method"], seen["request"]["url"], seen["request"]["body"]),
               ("GET", run.outside.url + "/echo", '{"a":1}'))
        expect((seen["response"]["statusCode"], seen["response"]["statusMessage"]), ("200", "OK"))


def express(run):
    connection = run.events.describe_connection(Name="key")["ConnectionArn"]
    machine = run.machine(run.task(connection, "/text"), "EXPRESS")
    answer = run.server.ask("states", "AWSStepFunctions.StartSyncExecution", {"stateMachineArn": machine})
    expect(answer["status"], "SUCCEEDED", answer)


def killed(run):
    """The request is sent again after kill -9 in the middle of it."""
    connection = run.events.describe_connection(Name="key")["ConnectionArn"]
    arn = run.start(run.task(connection, "/hold"))
    if not run.outside.held.wait(30):
        raise Failed("the request did not come")
    run.server.kill()
    run.outside.hold.set()
    run.server.start()
    expect(run.finished(arn)["status"], "SUCCEEDED")
    expect(run.outside.count("/hold") >= 2, True, "requests")
    expect(run.state("oauth"), "AUTHORIZED")
    expect(run.events.describe_connection(Name="basic")["AuthParameters"]["BasicAuthParameters"], {"Username": "me"})


def nothing_in_clear(run):
    """No file of the data folder has a client's secret in clear. (What a server echoes is a result as any other.)"""
    run.server.stop()
    for folder, _, names in os.walk(run.server.data):
        for name in names:
            if not os.path.isfile(os.path.join(folder, name)):
                continue  # a socket
            with open(os.path.join(folder, name), "rb") as file:
                text = file.read()
            expect(b"hidden-client-secret" in text, False, os.path.join(folder, name))


def main():
    folder = tempfile.mkdtemp(prefix="stepmill-http-")
    outside = Outside(folder)
    os.environ["SSL_CERT_FILE"] = outside.ca
    server = Server().start()
    run = Run(server, outside)
    passed = failed = 0
    try:
        for step in (basic, answers, refused_at_creation, untrusted, oauth, deauthorized, trace, express, killed,
                     nothing_in_clear):
            try:
                step(run)
                passed += 1
                print(f"  ok {step.__name__}", flush=True)
            except Exception:  # each step says for itself what did not happen
                failed += 1
                print(f"  FAILED {step.__name__}\n{traceback.format_exc()}{server.log_text()[-2000:]}", flush=True)
    finally:
        server.remove()
        outside.server.shutdown()
        shutil.rmtree(folder, ignore_errors=True)
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
