"""Bills in parts, manifests with JSON paths, data files without manifests: what makes a bill."""

import json
import os

import pytest

from acme_bills import OWN_VENDORS
from finops_stack.deliveries.discover import discover
from finops_stack.deliveries.storage.local import LocalFolder
from finops_stack.errors import InputError
from finops_stack.period import BillingPeriod
from finops_stack.vendors.catalog import load_vendor
from finops_stack.vendors.layouts import Layout

SEPTEMBER, OCTOBER = BillingPeriod(2026, 9), BillingPeriod(2026, 10)
ACME = load_vendor("acme", [OWN_VENDORS])
EXPORTS = Layout(
    name="exports",
    title="exports in run folders",
    manifest=r"(?:^|/)(?P<export>[^/]+)/(?P<start>\d{8})-\d{8}/(?P<version>[^/]+)/manifest\.json$",
    delivery_id=("run.id",),
    files=("blobs",),
    size="byteCount",
    order="run.submitted",
    rows=("rowCount",),
    empty_ok=True,
    part=("config.type",),
    part_names={"ActualCost": "actual", "AmortizedCost": "amortised", "FocusCost": "focus"},
    bills=(("actual", "amortised"), ("focus",), ("actual",)),
)


def found_in(folder, *layouts, months=None):
    vendor = ACME.model_copy(update={"layouts": layouts or (EXPORTS,)})
    return discover("acme", vendor, LocalFolder(str(folder)), months)


def export(folder, run, kind="ActualCost", /, *, name="", day="01", files=1, size=0, **more):
    place = folder / (name or kind) / "20260901-20260930" / run
    place.mkdir(parents=True)
    blobs = []
    for number in range(files):
        (place / f"part{number}.csv").write_text("a\n1\n", encoding="utf-8")
        key = (place / f"part{number}.csv").relative_to(folder.parent).as_posix()
        blobs.append({"blobName": f" {key}", "byteCount": size or 4})
    manifest = {
        "config": {"type": kind},
        "run": {"id": run, "submitted": f"2026-10-{day}T04:15:12.1234567Z"},
        "rowCount": files,
        "blobs": blobs,
    } | more
    (place / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    return place


def ids(found):
    return {str(month): delivery.delivery_id for month, delivery in found.chosen().items()}


@pytest.fixture
def root(tmp_path):
    """Manifests name files from the container on; the source is a folder in it."""
    (tmp_path / "root").mkdir()
    return tmp_path / "root"


def test_two_exports_of_a_month_make_one_bill(root):
    export(root, "a1")
    export(root, "b1", "amortizedcost", name="other", day="02", files=2)
    (delivery,) = found_in(root).chosen().values()
    assert delivery.delivery_id == "actual=a1+amortised=b1"
    assert [(part.name, part.rows, len(part.keys)) for part in delivery.parts] == [
        ("actual", 1, 1),
        ("amortised", 2, 2),
    ]
    assert [delivery.part_of(item.key) for item in delivery.files] == [
        "actual", "amortised", "amortised",
    ]  # fmt: skip
    assert f"{delivery.delivered_at:%d %H:%M}" == "02 04:15"
    assert found_in(root).waiting() == []


def test_a_newer_part_alone_makes_a_new_delivery(root):
    export(root, "a1")
    export(root, "b1", "AmortizedCost")
    before = found_in(root).chosen()[SEPTEMBER]
    export(root, "a0", day="03")
    after = found_in(root).chosen()[SEPTEMBER]
    assert after.delivery_id == "actual=a0+amortised=b1"
    assert after.fingerprint != before.fingerprint


def test_the_newest_is_told_by_the_manifest_not_by_the_run_folder(root):
    export(root, "z", day="01")
    export(root, "a", day="05")
    assert ids(found_in(root)) == {"2026-09": "a"}


def test_an_incomplete_part_waits_and_the_one_before_it_is_taken(root):
    export(root, "a1")
    export(root, "b1", "AmortizedCost")
    (export(root, "b2", "AmortizedCost", day="09") / "part0.csv").unlink()
    found = found_in(root)
    assert ids(found) == {"2026-09": "actual=a1+amortised=b1"}
    assert [delivery.delivery_id for delivery in found.waiting()] == ["b2"]


def test_parts_of_different_scopes_make_no_bill(root):
    scoped = EXPORTS.model_copy(
        update={"scope": ("config.resource",), "scope_pattern": "^(.+)/exports/"}
    )
    account = {"type": "ActualCost", "resource": "/accounts/1/exports/a"}
    export(root, "a1", config=account)
    export(root, "b1", config={"type": "AmortizedCost", "resource": "/Accounts/1/exports/b"})
    assert ids(found_in(root, scoped)) == {"2026-09": "actual=a1+amortised=b1"}
    other = {"type": "AmortizedCost", "resource": "/accounts/1/profiles/7/exports/b"}
    export(root, "b2", "AmortizedCost", day="02", name="ActualCost", config=other)
    (root / "ActualCost/20260901-20260930/b1/manifest.json").unlink()
    found = found_in(root, scoped)
    assert found.chosen() == {}
    (waiting,) = found.waiting()
    assert "actual of accounts/1, amortised of accounts/1/profiles/7" in waiting.why_not()


def test_the_best_whole_set_makes_the_bill(root):
    export(root, "f", "FocusCost")
    assert ids(found_in(root)) == {"2026-09": "f"}
    export(root, "a", day="20")
    assert ids(found_in(root)) == {"2026-09": "f"}
    export(root, "b", "AmortizedCost", day="01")
    assert ids(found_in(root)) == {"2026-09": "actual=a+amortised=b"}


def test_parts_that_make_no_bill_say_what_they_wait_for(root):
    export(root, "b", "AmortizedCost")
    found = found_in(root)
    assert found.chosen() == {}
    (waiting,) = found.waiting()
    assert waiting.why_not() == (
        "only its part amortised is there, of actual + amortised or focus or actual"
    )


def test_exports_of_other_things_are_passed_over(root):
    export(root, "p", "PriceSheet")
    with pytest.raises(InputError, match="1 manifests of acme lie here, none of a bill"):
        found_in(root)
    export(root, "a")
    found = found_in(root)
    assert (ids(found), found.waiting()) == ({"2026-09": "a"}, [])


@pytest.mark.parametrize(
    "names", [("team-a/daily", "team-b/daily"), ("daily-a", "daily-b"), ("daily", "x/daily")]
)
def test_two_exports_of_one_kind_are_no_one_bill(root, names):
    for number, name in enumerate(names):
        export(root, f"a{number}", name=name)
    with pytest.raises(InputError, match="two exports of the same kind") as refused:
        found_in(root)
    assert all(name in refused.value.message for name in names)
    assert "one source per export" in refused.value.hint


def test_an_empty_month_is_a_bill_without_files(root):
    export(root, "a", files=0)
    (delivery,) = found_in(root).chosen().values()
    assert (delivery.complete, delivery.files, delivery.delivery_id) == (True, (), "a")
    export(root, "b", day="02", blobs=None, rowCount=0)
    assert ids(found_in(root)) == {"2026-09": "b"}


@pytest.mark.parametrize(
    ("more", "says"),
    [
        ({"size": 5}, "has 4 bytes; manifest"),
        ({"run": {"id": "x"}}, "has no run.submitted"),
        ({"rowCount": "many"}, "is no number of rows"),
        ({"blobs": {}}, "is not a list"),
    ],
)
def test_a_manifest_that_does_not_fit_is_reported(root, more, says):
    export(root, "a", **more)
    found = found_in(root)
    assert found.chosen() == {}
    assert says in found.waiting()[0].why_not()


def test_the_month_can_stand_in_the_manifest(root):
    layout = EXPORTS.model_copy(
        update={"manifest": r"(?P<version>[^/]+)/manifest\.json$", "period": ("run.start",)}
    )
    run = {"id": "a", "submitted": "2026-10-01", "start": "2026-10-01T00:00:00"}
    export(root, "a", run=run)
    assert ids(found_in(root, layout)) == {"2026-10": "a"}


def put(folder, *keys):
    for key in keys:
        path = folder / key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("a\n1\n", encoding="utf-8")


FILES = Layout(
    name="files",
    title="month folders",
    data_files=r"(?:^|/)(?P<period>\d{4}-?\d{2})/(?:run=(?P<version>[^/]+)/)?[^/]+\.csv$",
)


def test_all_data_files_of_a_month_are_one_delivery(tmp_path):
    put(tmp_path, "2026-09/b.csv", "2026-09/a.csv", "202610/a.csv", "readme.md")
    found = found_in(tmp_path, FILES)
    assert [item.key for item in found.chosen()[SEPTEMBER].files] == [
        "2026-09/a.csv", "2026-09/b.csv",
    ]  # fmt: skip
    before = ids(found)
    assert before == ids(found_in(tmp_path, FILES))
    put(tmp_path, "2026-09/c.csv")
    after = ids(found_in(tmp_path, FILES))
    assert after["2026-09"] != before["2026-09"]
    assert after["2026-10"] == before["2026-10"]


def test_of_versions_of_data_files_the_newest_text_wins(tmp_path):
    put(tmp_path, "2026-09/run=2/a.csv", "2026-09/run=1/a.csv", "2026-09/run=1/b.csv")
    os.utime(tmp_path / "2026-09/run=2/a.csv", (1, 1))
    delivery = found_in(tmp_path, FILES).chosen()[SEPTEMBER]
    assert [item.key for item in delivery.files] == ["2026-09/run=2/a.csv"]


def test_where_manifests_lie_files_that_none_names_are_left_alone(root):
    put(root, "2026-09/leftover.csv")
    export(root, "a")
    assert ids(found_in(root, FILES, EXPORTS)) == {"2026-09": "a"}


def test_one_month_by_two_layouts_is_an_error(tmp_path):
    other = Layout(name="days", title="days", data_files=r"(?P<start>\d{8})[^/]*\.csv$")
    put(tmp_path, "2026-09/a.csv", "20261001.csv")
    assert set(ids(found_in(tmp_path, FILES, other))) == {"2026-09", "2026-10"}
    put(tmp_path, "20260902.csv")
    with pytest.raises(InputError, match=r"\(days, files\)"):
        found_in(tmp_path, FILES, other)


def test_a_file_may_be_of_several_months(tmp_path):
    layout = Layout(name="rows", title="any", data_files=r"\.csv$", period_column="month")
    put(tmp_path, "a.csv", "b.csv", "none.csv")
    months = {"a.csv": [SEPTEMBER, OCTOBER], "b.csv": [OCTOBER], "none.csv": []}
    asked = []

    def read(layout, items):
        asked.extend(item.key for item in items)
        return months

    chosen = found_in(tmp_path, layout, months=read).chosen()
    assert asked == ["a.csv", "b.csv", "none.csv"]
    assert {str(m): [item.key for item in d.files] for m, d in chosen.items()} == {
        "2026-09": ["a.csv"],
        "2026-10": ["a.csv", "b.csv"],
    }


@pytest.mark.parametrize(
    ("more", "says"),
    [
        ({}, "either manifest or data_files"),
        ({"manifest": "a", "data_files": "b"}, "either manifest or data_files"),
        ({"manifest": r"(?P<period>x)"}, "needs files"),
        ({"manifest": "x", "files": ["a"]}, "or else period"),
        ({"data_files": "x"}, "or else period_column"),
        ({"data_files": r"(?P<period>x)", "period_column": "a"}, "or else period_column"),
        ({"data_files": r"(?P<period>x)(?P<part>y)"}, "bills go together"),
        ({"data_files": r"(?P<period>x)", "bills": [["a"]]}, "bills go together"),
        (
            {"data_files": r"(?P<period>x)(?P<part>y)", "part_names": {"A": "a"}, "bills": [["b"]]},
            'no part is called "b"',
        ),
        ({"data_files": r"(?P<period>x)", "read": {"rows": "data"}}, "ends with a list"),
        ({"data_files": r"(?P<period>x)", "read": {"rows": "a..b[*]"}}, "is no path"),
        (
            {"data_files": r"(?P<period>x)", "read": {"rows": "a[*].b[*]", "parent": ["c[*].d"]}},
            "does not enclose",
        ),
    ],
)
def test_a_layout_says_all_it_needs(more, says):
    with pytest.raises(ValueError, match=r"layouts?\b|Layout") as refused:
        Layout.model_validate({"name": "layout", "title": "t"} | more)
    assert says in str(refused.value)
