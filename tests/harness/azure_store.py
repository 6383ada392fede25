"""Azure Blob Storage (azurite, in its own process), with a key, and over TLS with tokens."""

import base64
import datetime
import http.server
import ipaddress
import json
import shutil
import socket
import subprocess
import threading
import time
from pathlib import Path

from azure.storage.blob import BlobServiceClient
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from with_parent import end_with_parent

AZURITE = (
    Path(__file__).parents[2] / ".emulators/azurite/node_modules/azurite/dist/src/blob/main.js"
)
ACCOUNT = "billsaccount"
KEY = base64.b64encode(b"canary/secret/azure/0123456789abcdefghijklmnop").decode()


def why_not():
    """Why azurite cannot be started; empty when it can."""
    if not shutil.which("node"):
        return "Node.js is not installed (apt-get install nodejs npm)"
    return "" if AZURITE.exists() else "azurite is not installed (make emulators)"


class AzureStore:
    """azurite on a free port of loopback; `certificate`: (certificate, key) files, for TLS."""

    def __init__(self, certificate=None):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        self.root = f"{'https' if certificate else 'http'}://127.0.0.1:{port}"
        self.url = self.root
        command = [
            "node", str(AZURITE), "--blobHost", "127.0.0.1", "--blobPort", str(port), "--silent",
            "--inMemoryPersistence", "--skipApiVersionCheck", "--disableTelemetry",
        ]  # fmt: skip
        if certificate:
            command += ["--oauth", "basic", "--cert", certificate[0], "--key", certificate[1]]
        self.process = subprocess.Popen(
            command,
            env={"AZURITE_ACCOUNTS": f"{ACCOUNT}:{KEY}", "PATH": "/usr/local/bin:/usr/bin:/bin"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            preexec_fn=end_with_parent(),
        )
        self._wait(port)
        self.client = BlobServiceClient(
            f"{self.root}/{ACCOUNT}",
            credential={"account_name": ACCOUNT, "account_key": KEY},
            connection_verify=certificate[0] if certificate else True,
        )

    def _wait(self, port):
        for _ in range(1200):
            try:
                socket.create_connection(("127.0.0.1", port), 1).close()
                return
            except OSError:
                if self.process.poll() is not None:
                    break
                time.sleep(0.05)
        raise RuntimeError("azurite does not start")

    def make_bucket(self, name):
        self.client.create_container(name)

    def put(self, bucket, key, body, **options):
        blob = self.client.get_blob_client(bucket, key)
        blob.upload_blob(body, overwrite=True, **options)

    def close(self):
        self.client.close()
        self.process.kill()
        self.process.wait(10)


def self_signed(folder):
    """A certificate of 127.0.0.1 and its key, as files."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.datetime.now(datetime.UTC)
    address = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(address, critical=False)
        .sign(key, hashes.SHA256())
    )
    files = folder / "certificate.pem", folder / "key.pem"
    files[0].write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    form = serialization.PrivateFormat.PKCS8
    plain = serialization.NoEncryption()
    files[1].write_bytes(key.private_bytes(serialization.Encoding.PEM, form, plain))
    return tuple(map(str, files))


class TokenServer:
    """The managed identity of a machine: gives tokens azurite takes, or `refuse`s."""

    def __init__(self):
        self.refuse = False
        self.requests = []
        owner = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def log_message(self, *_):
                pass

            def do_GET(self):
                owner.requests.append(self.path)
                body = {"error": "invalid_scope"} if owner.refuse else owner.token()
                self.send_response(400 if owner.refuse else 200)
                self.send_header("Content-Type", "application/json")
                self.end_headers()
                self.wfile.write(json.dumps(body).encode())

            do_POST = do_GET  # noqa: N815

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/token"
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True)
        self.thread.start()

    def token(self):
        """azurite looks at issuer, audience and times, not at the signature."""
        now = int(time.time())
        claims = {
            "aud": "https://storage.azure.com",
            "iss": "https://sts.windows.net/11111111-1111-1111-1111-111111111111/",
            "iat": now - 60,
            "nbf": now - 60,
            "exp": now + 3600,
        }
        parts = ({"alg": "RS256", "typ": "JWT"}, claims)
        encoded = [base64.urlsafe_b64encode(json.dumps(p).encode()).rstrip(b"=") for p in parts]
        token = b".".join([*encoded, b"c2ln"]).decode()
        return {
            "access_token": token,
            "expires_on": str(now + 3600),
            "resource": "https://storage.azure.com/",
            "token_type": "Bearer",
        }

    def close(self):
        self.server.shutdown()
        self.server.server_close()
        self.thread.join(5)
