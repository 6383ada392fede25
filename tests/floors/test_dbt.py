"""The dbt project of all vendors: edges only go down, every model tells its grain."""

import json
import re
import subprocess
import sys

import pytest

from acme_bills import OWN_VENDORS
from finops_stack.build.plan import plan, sync
from finops_stack.vendors.catalog import load_vendors

VENDORS = load_vendors([OWN_VENDORS])
# floor of a model by its folder below models/
FLOORS = {"vendors": 0, "canonical": 1, "intermediate": 2, "marts": 3}


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    """Model name → its node in dbt's manifest."""
    work = tmp_path_factory.mktemp("dbt")
    sync(plan(list(VENDORS.values()), []), work)
    done = subprocess.run(
        [sys.executable, "-m", "dbt.cli.main", "parse", "--project-dir", ".",
         "--profiles-dir", ".", "--no-use-colors"],
        cwd=work, capture_output=True, text=True, check=False,
        env={"PATH": "/usr/bin:/bin", "DBT_SEND_ANONYMOUS_USAGE_STATS": "false"},
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    nodes = json.loads((work / "target" / "manifest.json").read_text())["nodes"].values()
    return {node["name"]: node for node in nodes if node["resource_type"] == "model"}


def floor_of(node) -> tuple[int, str]:
    parts = node["original_file_path"].split("/")
    return FLOORS[parts[1]], parts[2] if parts[1] == "vendors" else ""


def test_edges_only_go_down_and_never_to_another_vendor(models):
    upward = []
    for name, node in models.items():
        floor, vendor = floor_of(node)
        for parent in node["depends_on"]["nodes"]:
            below, other = floor_of(models[parent.rpartition(".")[2]])
            if below > floor or (floor == 0 and other != vendor):
                upward.append(f"{name} reads {parent}")
    assert upward == []


def test_every_model_of_every_vendor_is_there_under_its_vendors_name(models):
    for vendor in VENDORS.values():
        assert vendor.models().keys() <= models.keys()
        for name in vendor.models():
            assert floor_of(models[name]) == (0, vendor.name)


def test_every_model_tells_its_grain(models):
    """By its description, or a step's by the comment its file opens with."""
    without = []
    for name, node in models.items():
        opening = re.sub(r"^\{#-?\s*", "", node["raw_code"])
        if not (node["description"].startswith("One row per") or opening.startswith("One row per")):
            without.append(name)
    assert without == []


def test_tables_people_read_have_an_enforced_contract(models):
    """Marts, and what the core reads of each vendor."""
    read = {m for v in VENDORS.values() for f in v.forms for m in (f.focus, f.control)}
    read |= {f.commitments for v in VENDORS.values() for f in v.forms if f.commitments}
    marts = {name for name, node in models.items() if floor_of(node)[0] >= 2}
    assert marts
    loose = [n for n in sorted(read | marts) if not models[n]["config"]["contract"]["enforced"]]
    assert loose == []


def test_every_column_of_a_mart_is_described(models):
    bare = [
        f"{name}.{column['name']}"
        for name, node in models.items()
        if floor_of(node)[0] >= 2
        for column in node["columns"].values()
        if not column["description"]
    ]
    assert bare == []


def test_every_final_is_the_last_cte_of_a_core_model(models):
    """style.md, SQL: a model opens with its inputs and closes with `select * from final`."""
    odd = [
        name
        for name, node in models.items()
        if floor_of(node)[0] != 1
        and not re.search(r"select\s+\*\s+from\s+final\s*$", node["raw_code"], re.IGNORECASE)
    ]
    assert odd == []
