"""An S3 server (moto, in its own process), and a proxy before it that breaks what it is told."""

import http.client
import re
import socket
import struct
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

import boto3
from botocore.config import Config
from with_parent import end_with_parent

KEY, SECRET = "AKIACANARYCANARY0000", "canary/secret/0123456789abcdefghijklmnop"
REGION = "eu-central-1"
CREDENTIALS = {
    "AWS_ACCESS_KEY_ID": KEY,
    "AWS_SECRET_ACCESS_KEY": SECRET,
    "AWS_DEFAULT_REGION": REGION,
}


class ObjectStore:
    """moto's server on a free port of loopback."""

    def __init__(self):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        self.url = f"http://127.0.0.1:{port}"
        self.process = subprocess.Popen(
            [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            preexec_fn=end_with_parent(),
        )
        self._wait(port)
        self.client = boto3.client(
            "s3",
            endpoint_url=self.url,
            region_name=REGION,
            aws_access_key_id=KEY,
            aws_secret_access_key=SECRET,
            config=Config(s3={"addressing_style": "path"}),
        )

    def _wait(self, port):
        for _ in range(600):
            try:
                socket.create_connection(("127.0.0.1", port), 1).close()
                return
            except OSError:
                if self.process.poll() is not None:
                    break
                time.sleep(0.05)
        raise RuntimeError("moto's server does not start")

    def make_bucket(self, name):
        self.client.create_bucket(
            Bucket=name, CreateBucketConfiguration={"LocationConstraint": REGION}
        )

    def put(self, bucket, key, body):
        self.client.put_object(Bucket=bucket, Key=key, Body=body)

    def keys(self, bucket, prefix=""):
        pages = self.client.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
        return [item["Key"] for page in pages for item in page.get("Contents", [])]

    def body(self, bucket, key):
        return self.client.get_object(Bucket=bucket, Key=key)["Body"].read()

    def close(self):
        self.client.close()
        self.process.terminate()
        self.process.wait(10)


ERROR = "<?xml version='1.0'?><Error><Code>{code}</Code><Message>{code}</Message></Error>"
STS_ERROR = (
    "<ErrorResponse><Error><Code>{code}</Code><Message>{code}</Message></Error></ErrorResponse>"
)
ANSWERS = {
    "AccessDenied": 403,
    "InvalidAccessKeyId": 403,
    "SignatureDoesNotMatch": 403,
    "RequestTimeTooSkewed": 403,
    "ExpiredToken": 400,
    "PermanentRedirect": 301,
    "InternalError": 500,
    "ServiceUnavailable": 503,
    "SlowDown": 503,
    "TooManyRequests": 429,
    # Azure's words
    "AuthenticationFailed": 403,
    "AuthorizationFailure": 403,
    "AuthorizationPermissionMismatch": 403,
    "BlobArchived": 409,
    "OperationTimedOut": 500,
    "ServerBusy": 503,
    "ExpiredLogin": 401,
}
BROKEN_BODIES = ("reset", "reset in body", "cut body", "short body", "slow body")


@dataclass
class Fault:
    """What happens to requests whose line matches; so many times, then no more."""

    kind: str
    match: str = r"^GET "
    times: int = 10**6


@dataclass
class FaultProxy:
    """Passes requests on to the store; `requests` are the lines seen, with the access key used,
    `bodies` what was posted."""

    store: ObjectStore
    faults: list = field(default_factory=list)
    requests: list = field(default_factory=list)
    bodies: list = field(default_factory=list)
    regions: set = field(default_factory=set)

    def __post_init__(self):
        proxy = self

        class Handler(_Handler):
            owner = proxy

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        self.lock = threading.Lock()
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True)
        self.thread.start()

    def reset(self):
        self.faults, self.requests, self.bodies, self.regions = [], [], [], set()

    def break_with(self, kind, match=r"^GET ", times=10**6):
        self.faults.append(Fault(kind, match, times))

    def fault_for(self, line):
        with self.lock:
            for fault in self.faults:
                if fault.times > 0 and re.search(fault.match, line):
                    fault.times -= 1
                    return fault.kind
        return None

    def count(self, match):
        return sum(1 for line, _ in self.requests if re.search(match, line))

    def close(self):
        self.server.shutdown()
        self.server.server_close()
        self.thread.join(5)


class _Handler(BaseHTTPRequestHandler):
    owner: FaultProxy
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def _handle(self):
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        line = f"{self.command} {self.path}"
        signed = re.search(
            r"Credential=([^/]+)/\d+/([^/]+)/", self.headers.get("Authorization", "")
        )
        key, region = signed.groups() if signed else ("", "")
        self.owner.requests.append((line, key))
        self.owner.regions.add(region)
        if self.command == "POST":
            self.owner.bodies.append(body)
        kind = self.owner.fault_for(line)
        if kind in ANSWERS:
            form = STS_ERROR if self.command == "POST" else ERROR
            content = form.format(code=kind).encode()
            self._answer(ANSWERS[kind], {"Content-Type": "application/xml"}, content)
        elif kind == "reset":
            self._cut()
        else:
            self._pass_on(body, kind)

    def _pass_on(self, body, kind):
        place = urlsplit(self.owner.store.url)
        upstream = http.client.HTTPConnection(place.hostname, place.port, timeout=60)
        headers = {k: v for k, v in self.headers.items() if k.lower() != "host"}
        upstream.request(self.command, self.path, body=body, headers=headers)
        answer = upstream.getresponse()
        content = answer.read()
        own = ("transfer-encoding", "connection", "server", "date")
        kept = {k: v for k, v in answer.getheaders() if k.lower() not in own}
        upstream.close()
        self._answer(answer.status, kept, content, kind)

    def _answer(self, status, headers, content, kind=None):
        half = content[: len(content) // 2]
        # "short body": the length says it is whole, but bytes of the object are missing.
        length = len(half if kind == "short body" else content)
        if self.command == "HEAD":
            length = int(headers.get("Content-Length", length))
        self.send_response(status)
        for name, value in headers.items():
            if name.lower() != "content-length":
                self.send_header(name, value)
        self.send_header("Content-Length", str(length))
        self.end_headers()
        if self.command == "HEAD":
            return
        if kind in ("reset in body", "cut body", "short body"):
            self.wfile.write(half)
            self.wfile.flush()
            if kind != "short body":
                self._cut(abrupt=kind == "reset in body")
        elif kind == "slow body":
            for start in range(0, len(content), 16):
                self.wfile.write(content[start : start + 16])
                self.wfile.flush()
                time.sleep(0.02)
        else:
            self.wfile.write(content)

    def _cut(self, *, abrupt=True):
        if abrupt:
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close_connection = True
        self.connection.shutdown(socket.SHUT_RDWR) if not abrupt else self.connection.close()

    do_GET = do_PUT = do_HEAD = do_POST = do_DELETE = _handle  # noqa: N815
