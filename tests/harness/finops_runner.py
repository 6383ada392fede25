"""Starts `finops` in processes of its own, from the fork server; one per test session."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

HERE = Path(__file__).parent
KEPT = ("PATH", "LANG", "LC_ALL", "PYTHONPATH", "VIRTUAL_ENV")


@dataclass
class Ended:
    """How a run ended; code is negative when a signal ended it."""

    code: int
    out: str
    err: str

    @property
    def text(self):
        return self.out + self.err


@dataclass
class Running:
    """A run under way."""

    pid: int
    output: str
    done: threading.Event = field(default_factory=threading.Event)
    code: int | None = None

    def send(self, number):
        os.kill(self.pid, number)

    def wait(self, timeout_s=120):
        if not self.done.wait(timeout_s):
            os.kill(self.pid, signal.SIGKILL)
            self.done.wait(10)
            raise TimeoutError(f"finops did not end in {timeout_s} s: {self._read('.err')}")
        return Ended(self.code, self._read(".out"), self._read(".err"))

    def _read(self, end):
        return Path(self.output + end).read_text(encoding="utf-8")


class Runner:
    """The fork server's other end."""

    def __init__(self, folder):
        self.folder = Path(folder)
        self.home = self.folder / "home"
        self.home.mkdir(parents=True, exist_ok=True)
        self.log = (self.folder / "fork_server.log").open("w")
        self.server = subprocess.Popen(
            [sys.executable, str(HERE / "fork_server.py")],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self.log,
            env=self.environment({}),
        )
        if not json.loads(self.server.stdout.readline() or b"{}").get("ready"):
            raise RuntimeError((self.folder / "fork_server.log").read_text())
        self.lock = threading.Lock()
        self.count = 0
        self.pids = {}
        self.started = {}
        self.ended = {}
        self.runs = {}
        self.news = threading.Condition()
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()

    def environment(self, extra):
        """Nothing of the outside but what Python needs; no credentials, another home."""
        kept = {name: os.environ[name] for name in KEPT if name in os.environ}
        return kept | {"HOME": str(self.home), "AWS_EC2_METADATA_DISABLED": "true"} | extra

    def start(self, *argv, cwd, env=None, **faults):
        with self.lock:
            self.count += 1
            number = self.count
        output = str(self.folder / f"{number:04d}")
        request = {
            "id": number,
            "argv": [str(part) for part in argv],
            "cwd": str(cwd),
            "env": self.environment(env or {}),
            "output": output,
        } | faults
        with self.lock:
            self.server.stdin.write((json.dumps(request) + "\n").encode())
            self.server.stdin.flush()
        with self.news:
            if not self.news.wait_for(lambda: number in self.started, 30):
                raise TimeoutError("the fork server does not answer")
            run = Running(self.started[number], output)
            self.runs[run.pid] = run
            if run.pid in self.ended:
                self._finish(run, self.ended.pop(run.pid))
        return run

    def run(self, *argv, cwd, env=None, timeout_s=120, **faults):
        return self.start(*argv, cwd=cwd, env=env, **faults).wait(timeout_s)

    def close(self):
        self.server.stdin.close()
        self.server.wait(10)
        self.reader.join(10)
        self.server.stdout.close()
        self.log.close()

    def _read(self):
        for line in self.server.stdout:
            answer = json.loads(line)
            with self.news:
                if "request" in answer:
                    self.started[answer["request"]] = answer["pid"]
                elif answer["pid"] in self.runs:
                    self._finish(self.runs[answer["pid"]], answer["code"])
                else:
                    self.ended[answer["pid"]] = answer["code"]
                self.news.notify_all()

    def _finish(self, run, code):
        run.code = code
        self.runs.pop(run.pid, None)
        run.done.set()


def wait_until(true, timeout_s=20, what="it"):
    """Poll until true() is; gives its value."""
    end = time.monotonic() + timeout_s
    while time.monotonic() < end:
        if value := true():
            return value
        time.sleep(0.01)
    raise TimeoutError(f"{what} did not happen in {timeout_s} s")
