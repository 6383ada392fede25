"""BigQuery (bqemulator, in its own process and its own virtual environment)."""

import shutil
import socket
import subprocess
import tempfile
import time
from pathlib import Path

from google.auth.credentials import AnonymousCredentials
from google.cloud import bigquery
from with_parent import end_with_parent

HOME = Path(__file__).parents[2] / ".emulators/bigquery"
PROGRAM = HOME / "bin/bqemulator"
PROJECT = "test-project"


def why_not():
    """Why it cannot be started; empty when it can."""
    return "" if PROGRAM.exists() else "bqemulator is not installed (make emulators)"


class BigQueryStore:
    """bqemulator on free ports of loopback, in memory."""

    def __init__(self):
        self.home = Path(tempfile.mkdtemp(prefix="finops-bigquery-"))
        _give_extension(self.home)
        ports = [_free_port(), _free_port()]
        self.url = f"http://127.0.0.1:{ports[0]}"
        self.process = subprocess.Popen(
            [str(PROGRAM), "start", "--rest-port", str(ports[0]), "--grpc-port", str(ports[1]),
             "--project", PROJECT, "--log-level", "error"],
            env={"HOME": str(self.home), "PATH": "/usr/local/bin:/usr/bin:/bin"},
            cwd=self.home,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            preexec_fn=end_with_parent(),
        )  # fmt: skip
        self._wait(ports[0])
        self.client = bigquery.Client(
            project=PROJECT,
            credentials=AnonymousCredentials(),
            client_options={"api_endpoint": self.url},
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
        raise RuntimeError("bqemulator does not start")

    def make_bucket(self, name):
        """A dataset."""
        self.client.create_dataset(name)

    def make_table(self, dataset, name, schema, *, partition=None):
        """partition: a column; "" for the day of loading."""
        table = bigquery.Table(f"{PROJECT}.{dataset}.{name}", schema=schema)
        if partition is not None:
            table.time_partitioning = bigquery.TimePartitioning(field=partition or None)
        self.client.create_table(table)

    def insert(self, dataset, name, rows):
        assert self.client.insert_rows_json(f"{PROJECT}.{dataset}.{name}", rows) == []

    def do(self, sql):
        return list(self.client.query(sql).result())

    def close(self):
        self.client.close()
        self.process.terminate()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
        shutil.rmtree(self.home, ignore_errors=True)


def _free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def _give_extension(home):
    """It installs DuckDB's spatial extension, by download unless it is there: from its wheel."""
    for found in HOME.glob("lib/python*/site-packages/duckdb_extension_spatial/extensions/*/*"):
        target = home / ".duckdb/extensions" / found.parent.name / _platform()
        target.mkdir(parents=True, exist_ok=True)
        (target / found.name).symlink_to(found)


def _platform():
    done = subprocess.run(
        [
            HOME / "bin/python",
            "-c",
            "import duckdb; print(duckdb.sql('pragma platform').fetchone()[0])",
        ],
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.strip()
