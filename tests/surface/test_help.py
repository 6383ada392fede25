"""finops --help: verbs in order, short lines, an example each, and no heavy import."""

import json
import re
import subprocess
import sys

import pytest

VERBS = [
    "init",
    "add",
    "sources",
    "plan",
    "run",
    "status",
    "check",
    "reconcile",
    "query",
    "report",
    "explain",
    "export",
    "history",
    "publish",
    "rollback",
    "doctor",
]
HEAVY = {"duckdb", "_duckdb", "dbt", "dlt", "pyarrow", "boto3", "botocore"}
_PROBE = """
import json, sys
from finops_stack.cli.main import main
sys.argv = ["finops", *sys.argv[1:]]
try:
    main()
except SystemExit:
    pass
print(json.dumps(sorted({name.split(".")[0] for name in sys.modules})))
"""


def help_of(*arguments):
    done = subprocess.run(
        [sys.executable, "-c", _PROBE, *arguments, "--help"],
        capture_output=True,
        text=True,
        check=True,
        env={"PATH": "/usr/bin", "COLUMNS": "200", "NO_COLOR": "1"},
    )
    *shown, modules = done.stdout.splitlines()
    return "\n".join(shown), set(json.loads(modules))


@pytest.fixture(scope="module")
def main_help():
    """The text, and the modules that were loaded."""
    return help_of()


def test_verbs_stand_in_the_order_of_work(main_help):
    found = re.findall(r"^│ (\w+) {2,}\S", main_help[0], re.MULTILINE)
    assert [name for name in found if name in VERBS] == VERBS


def test_help_loads_nothing_heavy(main_help):
    assert main_help[1] & HEAVY == set()


@pytest.mark.parametrize("verb", VERBS)
def test_a_verb_has_a_short_line_and_an_example(main_help, verb):
    assert f"Example: finops {verb}" in help_of(verb)[0]
    line = re.search(rf"^│ {verb} +(.+?) *│$", main_help[0], re.MULTILINE)
    assert line
    assert len(line[1]) <= 72
