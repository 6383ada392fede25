"""A real PostgreSQL server on loopback, with a password, for as long as a test session."""

import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
from pathlib import Path

import psycopg
from finops_runner import wait_until
from with_parent import end_with_parent

USER, PASSWORD = "finops", "canary-password-5f2c"


def binaries():
    """Folder of initdb and pg_ctl (Debian keeps them off the PATH); None when not installed."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    on_path = shutil.which("initdb")
    return found[-1].parent if found else Path(on_path).parent if on_path else None


class PostgresServer:
    """PostgreSQL refuses to run as root: then it runs as the first of these users there is."""

    def __init__(self, folder_of_binaries):
        self.binaries = folder_of_binaries
        self.folder = Path(tempfile.mkdtemp(prefix="finops-postgres-"))
        self.user = _other_user() if os.geteuid() == 0 else None
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        password_file = self.folder / "password"
        password_file.write_text(PASSWORD)
        if self.user:
            shutil.chown(self.folder, self.user)
            shutil.chown(password_file, self.user)
        self.data = self.folder / "data"
        self._do("initdb", "-D", self.data, "-U", USER, "--pwfile", password_file,
                 "--auth", "scram-sha-256", "--no-sync", "--locale", "C", "-E", "UTF8")  # fmt: skip
        self.start()

    def start(self):
        options = {
            "listen_addresses": "127.0.0.1",
            "unix_socket_directories": self.folder,
            "fsync": "off",
            "max_connections": 60,
        }
        with (self.folder / "log").open("a") as log:
            self.process = subprocess.Popen(
                [self.binaries / "postgres", "-D", self.data, "-p", str(self.port)]
                + [f"--{name}={value}" for name, value in options.items()],
                user=self.user,
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                preexec_fn=end_with_parent(signal.SIGQUIT),
            )
        wait_until(self._answers, 60, "PostgreSQL's start")

    def _answers(self):
        try:
            self.connect().close()
        except psycopg.OperationalError:
            return False
        return True

    def stop(self):
        """At once, as a crash would be."""
        self.process.send_signal(signal.SIGQUIT)
        self.process.wait(30)

    def close(self):
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def catalog(self, database):
        """As it stands in finops.toml: without the password."""
        return f"postgres:host=127.0.0.1 port={self.port} dbname={database} user={USER}"

    def connect(self, database="postgres"):
        return psycopg.connect(
            host="127.0.0.1", port=self.port, dbname=database, user=USER, password=PASSWORD,
            autocommit=True,
        )  # fmt: skip

    def create_database(self, name):
        with self.connect() as connection:
            connection.execute(f'create database "{name}"')

    def _do(self, program, *arguments):
        done = subprocess.run(
            [str(self.binaries / program), *map(str, arguments)],
            user=self.user,
            cwd=self.folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env={"PATH": os.environ["PATH"], "LC_ALL": "C"},
            check=False,
        )
        if done.returncode:
            raise RuntimeError(f"{program}: {done.stdout}")


def _other_user():
    names = {entry.pw_name for entry in pwd.getpwall()}
    return next(name for name in ("postgres", "nobody", "daemon") if name in names)
