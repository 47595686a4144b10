"""A small signing client for the crash test: one connection, and a request that is tried again, as it was, while the
server is away. An answer may then tell that the first try had been done: see `Client.call`."""
import datetime
import hashlib
import hmac
import http.client
import json
import re
import time
from urllib.parse import quote, urlencode

from server import REGION, Failed

TARGETS = {  # service -> (signing name, prefix of X-Amz-Target, content type)
    "states": ("states", "AWSStepFunctions.", "application/x-amz-json-1.0"),
    "ssm": ("ssm", "AmazonSSM.", "application/x-amz-json-1.1"),
    "logs": ("logs", "Logs_20140328.", "application/x-amz-json-1.1"),
    "events": ("events", "AWSEvents.", "application/x-amz-json-1.1"),
    "codepipeline": ("codepipeline", "CodePipeline_20150709.", "application/x-amz-json-1.1"),
    "sagemaker": ("sagemaker", "SageMaker.", "application/x-amz-json-1.1"),
    "secretsmanager": ("secretsmanager", "secretsmanager.", "application/x-amz-json-1.1"),
}
AWAY_MAX_SECONDS = 20


class Refused(Failed):
    """An answer that is an error; `name` is AWS's."""

    def __init__(self, operation, status, name, message):
        super().__init__(f"{operation}: {status} {name}: {message}")
        self.status, self.name, self.message = status, name, message


def hmac_of(key, text):
    return hmac.new(key, text.encode(), hashlib.sha256).digest()


class Client:
    """Not for two threads at once."""

    def __init__(self, server):
        self.server = server
        self.connection = None
        self.keys = None  # (key id, secret, day, signing keys by service)
        self.is_unsure = False  # the last call was sent more than once
        self.unsure_calls = 0

    # -- the wire

    def sign(self, service, method, path, query, headers, body):
        now = datetime.datetime.utcnow().strftime("%Y%m%dT%H%M%SZ")
        day = now[:8]
        if not self.keys or self.keys[2] != day:
            self.keys = (*self.server.credentials(), day, {})
        key_id, secret, _, cached = self.keys
        if service not in cached:
            key = hmac_of(("AWS4" + secret).encode(), day)
            for part in (REGION, service, "aws4_request"):
                key = hmac_of(key, part)
            cached[service] = key
        digest = hashlib.sha256(body).hexdigest()
        headers = {**headers, "host": f"127.0.0.1:{self.server.port}", "x-amz-date": now, "x-amz-content-sha256": digest}
        names = ";".join(sorted(headers))
        lines = "".join(f"{name}:{headers[name]}\n" for name in sorted(headers))
        canonical = f"{method}\n{path}\n{query}\n{lines}\n{names}\n{digest}"
        scope = f"{day}/{REGION}/{service}/aws4_request"
        text = f"AWS4-HMAC-SHA256\n{now}\n{scope}\n{hashlib.sha256(canonical.encode()).hexdigest()}"
        signature = hmac.new(cached[service], text.encode(), hashlib.sha256).hexdigest()
        headers["authorization"] = (f"AWS4-HMAC-SHA256 Credential={key_id}/{scope}, SignedHeaders={names}, "
                                    f"Signature={signature}")
        del headers["host"]
        return headers

    def send_once(self, service, method, path, query, headers, body, timeout):
        if self.connection is None:
            self.connection = http.client.HTTPConnection("127.0.0.1", self.server.port, timeout=timeout)
        elif self.connection.sock:
            self.connection.sock.settimeout(timeout)
        signed = self.sign(service, method, path, query, headers, body)
        try:
            self.connection.request(method, path + ("?" + query if query else ""), body, signed)
            answer = self.connection.getresponse()
            return answer.status, dict(answer.getheaders()), answer.read()
        except Exception:
            self.close()
            raise

    def send(self, service, method, path, query="", headers=None, body=b"", timeout=30, tries_again=True):
        """Status, headers and body. Sends again while nobody answers, and after a 5xx or a throttling, as an SDK
        does."""
        deadline = time.monotonic() + AWAY_MAX_SECONDS
        self.is_unsure = False
        while True:
            try:
                answer = self.send_once(service, method, path, query, headers or {}, body, timeout)
                if answer[0] < 500 or not tries_again:
                    return answer
                trouble = f"{answer[0]} {answer[2][:300]!r}"
            except (OSError, http.client.HTTPException) as error:
                if not tries_again:
                    raise
                trouble = repr(error)
            if time.monotonic() > deadline:
                raise Failed(f"no good answer from the server for {AWAY_MAX_SECONDS} s: {trouble}")
            if not self.is_unsure:
                self.unsure_calls += 1
            self.is_unsure = True
            self.server.wait_until_up()
            time.sleep(0.01)

    def close(self):
        if self.connection:
            self.connection.close()
        self.connection = None

    # -- protocols

    def call(self, service, operation, payload, fine=(), timeout=30, tries_again=True):
        """The answer of a JSON operation. `fine`: names of errors that, when the request was sent more than once, say
        that an earlier one was done; the answer is then None."""
        name, prefix, content = TARGETS[service]
        headers = {"x-amz-target": prefix + operation, "content-type": content}
        status, _, body = self.send(name, "POST", "/", "", headers, json.dumps(payload).encode(), timeout, tries_again)
        answer = json.loads(body or b"{}")
        if status == 200:
            return answer
        error = str(answer.get("__type", "")).rsplit("#", 1)[-1]
        if self.is_unsure and error in fine:
            return None
        raise Refused(operation, status, error, answer.get("message", answer.get("Message", "")))

    def query(self, service, operation, version, parameters, fine=()):
        """The XML text of a Query operation."""
        body = urlencode({"Action": operation, "Version": version, **parameters}).encode()
        headers = {"content-type": "application/x-www-form-urlencoded"}
        status, _, answer = self.send(service, "POST", "/", "", headers, body)
        text = answer.decode()
        if status == 200:
            return text
        name = first(text, "Code")
        if self.is_unsure and name in fine:
            return ""
        raise Refused(operation, status, name, first(text, "Message"))

    def s3(self, method, path, body=b"", query="", headers=None, fine=()):
        status, _, answer = self.send("s3", method, quote(path), query, headers or {}, body)
        if status < 300:
            return answer
        name = first(answer.decode(errors="replace"), "Code")
        if self.is_unsure and name in fine:
            return b""
        raise Refused(f"{method} {path}", status, name, answer[:300].decode(errors="replace"))


def first(xml, tag):
    found = re.search(f"<{tag}>(.*?)</{tag}>", xml, re.S)
    return found.group(1) if found else ""


def every(xml, tag):
    return re.findall(f"<{tag}>(.*?)</{tag}>", xml, re.S)
