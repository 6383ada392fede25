"""What lies in the raw zone: files that a delivery names, and of dlt's records the newest."""

import json
import os
import shutil

from acme_bills import acme_row, acme_rows

TWO_HOURS_AGO = (1_600_000_000, 1_600_000_000)


def raw(workspace, pattern="**/*.parquet"):
    return sorted((workspace.folder / "lake" / "raw").glob(pattern))


def finding(workspace, *more, code=0):
    ended = workspace.finops("doctor", "--format", "json", *more)
    assert ended.exit_code == code, ended.output
    return {each["subject"]: each for each in json.loads(ended.stdout)}["raw files"]


def test_a_delivery_refused_for_a_value_leaves_nothing(workspace):
    workspace.deliver("2026-09")
    workspace.deliver("2026-10", rows=acme_rows("2026-10", amounts=["1", "NaN"]))
    ended = workspace.finops("run")
    assert ended.exit_code == 2 and "NaN" in ended.stderr, ended
    assert [path.name[:7] for path in raw(workspace)] == ["2026-09"]
    assert finding(workspace)["level"] == "ok"


def test_the_raw_file_of_what_is_published_stays_when_it_is_refused_later(workspace, tmp_path):
    """Loaded again with --full under stricter models, the same delivery is refused."""
    workspace.deliver()
    assert workspace.finops("run").exit_code == 0
    (kept,) = raw(workspace)
    stricter = tmp_path / "vendors"
    shutil.copytree(workspace.session.config.vendor_folders[0] / "acme", stricter / "acme")
    toml = stricter / "acme" / "vendor.toml"
    text = toml.read_text()
    toml.write_text(
        text.replace('"currency", "invoice"]', '"currency"]').replace(
            '"amount", "quantity"]', '"amount", "quantity", "invoice"]'
        )
    )
    workspace.configure(vendor_folders=[stricter])
    ended = workspace.finops("run", "--full")
    assert ended.exit_code == 2 and 'invoice is "INV-2026-09"' in ended.stderr, ended
    assert raw(workspace) == [kept]
    assert workspace.rows("select count(*) from focus") == [(2,)]


def test_doctor_lists_what_no_delivery_names_and_removes_it_when_asked(workspace):
    workspace.deliver()
    workspace.finops("run")
    (known,) = raw(workspace)
    old, new = known.with_name("2026-09_old_00001.parquet"), known.with_name("new.parquet")
    for path in (old, new):
        shutil.copy(known, path)
    for path in (old, known):
        os.utime(path, TWO_HOURS_AGO)
    found = finding(workspace)
    assert found["level"] == "warning"
    assert found["text"].startswith("1 that no delivery names") and str(old) in found["text"]
    assert "finops doctor --clean" in found["todo"]
    assert finding(workspace, "--clean")["text"] == "1 that no delivery names removed"
    # one that young may be of a run under way
    assert raw(workspace) == sorted([known, new])


def test_a_lake_that_moved_has_no_orphans(workspace):
    workspace.deliver()
    workspace.finops("run")
    shutil.move(workspace.folder / "lake", workspace.folder / "moved")
    (known,) = sorted((workspace.folder / "moved" / "raw").glob("**/*.parquet"))
    os.utime(known, TWO_HOURS_AGO)
    workspace.configure(more='[lake]\npath = "moved"')
    assert finding(workspace)["level"] == "ok"


def test_dlts_records_do_not_grow_with_the_runs(workspace):
    for number in range(4):
        row = acme_row(amount=str(number + 1)) | {f"column{number}": "x"}
        workspace.deliver(delivery_id=f"d{number}", rows=[row])
        assert workspace.finops("run").exit_code == 0
        records = [path.parent.name for path in raw(workspace, "**/*.jsonl")]
        assert records == ["_dlt_loads", "_dlt_version"], number
    assert len(raw(workspace)) == 4
