"""Runs `finops` many times without paying its imports each time, and breaks it where it is told to.

A request on stdin is one line of JSON; a child is forked, becomes the command and ends. Apart from
the imports it is what `finops …` is: own process, own environment, own working directory.

  argv, cwd, env, output   the command, and the file that takes stdout and stderr (".out", ".err")
  points                   file to which the name of every point passed is appended
  stop_at                  [name, n]: SIGKILL itself at the n-th passing (from 1) of that point
  pause_at                 [name, n, seconds]: sleep there
  constants                {"module.NAME": value}
  limits                   {"FSIZE": bytes, …}: resource limits
"""

import atexit
import importlib
import json
import os
import resource
import select
import signal
import sys
import threading
import time
from collections import Counter
from functools import wraps
from pathlib import Path

PRELOADED = (
    "dbt.cli.main",
    "dbt.adapters.duckdb",
    "dbt.task.run",
    "dlt.destinations.impl.filesystem.factory",
    "dlt.destinations.impl.filesystem.filesystem",
    "dlt.common.libs.pyarrow",
    "pyarrow.parquet",
    "agate",
    "s3fs",
    "finops_stack.deliveries.storage.s3",
    "finops_stack.cli.flow",
    "finops_stack.cli.main",
)


class Points:
    """Named points a run passes; what is asked for happens there."""

    def __init__(self, request):
        self.log = request.get("points")
        self.stop_at = request.get("stop_at")
        self.pause_at = request.get("pause_at")
        self.passed = Counter()

    def reach(self, name):
        self.passed[name] += 1
        if self.log:
            with Path(self.log).open("a") as file:
                file.write(name + "\n")
        if self.stop_at == [name, self.passed[name]]:
            os.kill(os.getpid(), signal.SIGKILL)
        if self.pause_at and self.pause_at[:2] == [name, self.passed[name]]:
            time.sleep(self.pause_at[2])

    def around(self, place, name, *, before=True, after=True):
        """Wrap `module.function` or `module.Class.method` with a point before and one after."""
        owner, attribute = _owner(place)
        function = getattr(owner, attribute)

        @wraps(function)
        def wrapped(*args, **kwargs):
            if before:
                self.reach(f"before {name}")
            result = function(*args, **kwargs)
            if after:
                self.reach(f"after {name}")
            return result

        setattr(owner, attribute, wrapped)


def _owner(place):
    parts = place.split(".")
    for length in range(len(parts) - 1, 0, -1):
        try:
            owner = importlib.import_module(".".join(parts[:length]))
        except ModuleNotFoundError:
            continue
        for part in parts[length:-1]:
            owner = getattr(owner, part)
        return owner, parts[-1]
    raise LookupError(place)


def add_points(points):
    """Every step of a run, in its order."""
    base = "finops_stack"
    points.around(f"{base}.cli.planning.discover", "list", before=False)
    points.around(f"{base}.deliveries.storage.local.LocalFolder.download", "download")
    points.around(f"{base}.ingest.readers.text_to_parquet", "verify", before=False)
    points.around(f"{base}.ingest.land.load_raw", "load")
    points.around(f"{base}.cli.landing.add_delivery", "register")
    points.around(f"{base}.cli.republishing.add_delivery", "register")
    points.around(f"{base}.cli.flow.sync", "stage", before=False)
    points.around(f"{base}.cli.publishing.judge_bills", "check")
    points.around(f"{base}.cli.publishing.put_back", "put back")
    points.around(f"{base}.warehouse.bills._require_counts", "put back's commit", after=False)
    points.around(f"{base}.cli.publishing.compare_replaced", "restatements", before=False)
    points.around(f"{base}.cli.publishing.store_states", "states' commit", before=False)
    points.around(f"{base}.cli.publishing.current_snapshot", "outcomes", before=False)
    points.around(f"{base}.cli.publishing.add_outcomes", "outcomes' commit", before=False)
    points.around(f"{base}.cli.publishing.publish", "pointer's commit", before=False)
    points.around(f"{base}.cli.publishing.expire", "expire")
    points.around(f"{base}.warehouse.rollback.add_outcomes", "rollback's outcomes", before=False)
    points.around(f"{base}.warehouse.rollback.publish", "rollback's commit", before=False)
    _add_model_points(points)


def _add_model_points(points):
    """Each model's end, and inside its transaction after the delete and after the insert."""
    flow = importlib.import_module("finops_stack.cli.flow")
    run_dbt = flow.run_dbt

    def run(work, *, progress=lambda _: None, **kwargs):
        def ended(name):
            progress(name)
            points.reach(f"after model {name}")

        return run_dbt(work, progress=ended, **kwargs)

    flow.run_dbt = run
    manager = importlib.import_module("dbt.adapters.sql.connections").SQLConnectionManager
    add_query = manager.add_query

    def query(self, sql, *args, **kwargs):
        result = add_query(self, sql, *args, **kwargs)
        words = [w for w in sql.split("*/")[-1].split() if w][:3]
        if words[:2] in (["delete", "from"], ["insert", "into"]):
            points.reach(f"{words[0]} in {words[2].split('.')[-1]}".replace('"', ""))
        return result

    manager.add_query = query


def become(request):
    """The child: set up, then be the command."""
    out, err = (
        os.open(request["output"] + end, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
        for end in (".out", ".err")
    )
    os.dup2(out, 1)
    os.dup2(err, 2)
    os.setsid()
    signal.signal(signal.SIGINT, signal.default_int_handler)
    os.chdir(request["cwd"])
    os.environ.clear()
    os.environ.update(request["env"])
    for name, value in request.get("constants", {}).items():
        owner, attribute = _owner(name)
        assert hasattr(owner, attribute), name
        setattr(owner, attribute, value)
    if {"points", "stop_at", "pause_at"} & set(request):
        add_points(Points(request))
    for name, value in request.get("limits", {}).items():
        kind = getattr(resource, f"RLIMIT_{name}")
        resource.setrlimit(kind, (value, value))
    from finops_stack.cli.main import main

    sys.argv = ["finops", *request["argv"]]
    main()


def end(request):
    """Run the command, then its exit handlers; the interpreter itself, forked, is not unwound."""
    code = 1
    try:
        become(request)
        code = 0
    except SystemExit as ended:
        code = ended.code if isinstance(ended.code, int) else int(ended.code is not None)
    except BaseException:
        sys.excepthook(*sys.exc_info())
    threading._shutdown()
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def _say(**value):
    os.write(answers, (json.dumps(value) + "\n").encode())


def serve():
    """Fork for each request, tell of each end; gives the request in the child."""
    waiting = b""
    while True:
        ready, _, _ = select.select([0], [], [], 0.02)
        if ready:
            received = os.read(0, 65536)
            if not received:
                return None
            waiting += received
            *lines, waiting = waiting.split(b"\n")
            for line in lines:
                request = json.loads(line)
                if not (pid := os.fork()):
                    return request
                _say(request=request["id"], pid=pid)
        try:
            while (ended := os.waitpid(-1, os.WNOHANG))[0]:
                _say(pid=ended[0], code=os.waitstatus_to_exitcode(ended[1]))
        except ChildProcessError:
            pass


if __name__ == "__main__":
    answers = os.dup(1)
    os.dup2(2, 1)
    from finops_stack.ingest.load import _dlt

    _dlt()
    for module in PRELOADED:
        importlib.import_module(module)
    _say(ready=True)
    asked = serve()
    if asked:
        end(asked)
    os._exit(0)
