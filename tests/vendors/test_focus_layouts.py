"""Which layout of the FOCUS folder a file's name falls under, and which month it tells."""

import pytest

from finops_stack.vendors.catalog import load_vendor

MONTH = ("2026", "09")


def found(key: str) -> tuple[str, tuple[str, ...]]:
    """Name of the first layout that recognises the key, and year and month it reads there."""
    for layout in load_vendor("focus").layouts:
        if match := layout.pattern.search(key):
            groups = {name: text for name, text in match.groupdict().items() if text}
            if "year" in groups:
                return layout.name, (groups["year"], groups["month"].zfill(2))
            text = (groups.get("period") or groups.get("start") or "").replace("-", "")
            return layout.name, (text[:4], text[4:6]) if text else ()
    return "", ()


@pytest.mark.parametrize(
    ("key", "layout", "month"),
    [
        ("acme/20260901-20261001/1790812800/acme-Manifest.json", "ingress", MONTH),
        ("20260901-20260930/manifest.json", "runs", MONTH),
        ("x/20260901-20260930/8c1a-run/manifest.json", "runs", MONTH),
        ("e/metadata/billing_period=2026-09/e-Manifest.json", "metadata", MONTH),
        ("year=2026/month=9/part.parquet", "hive", MONTH),
        ("a/year=2026/month=09/day=02/part-0.csv.gz", "hive", MONTH),
        ("20260901-20261001/part.csv", "span", MONTH),
        ("a/charges_20260901-20260930.csv.zst", "span", MONTH),
        ("2026-09/part.csv", "month", MONTH),
        ("billing_period=2026-09/part.snappy.parquet", "month", MONTH),
        ("focus_2026-09.csv", "month", MONTH),
        ("2026-09.jsonl.gz", "month", MONTH),
        ("202609/part0.csv.gz", "short-month", MONTH),
        ("focus-202609.csv", "short-month", MONTH),
        # days and numbers are no months
        ("focus-2026-09-02.csv", "files", ()),
        ("2026/09/02/part.csv", "files", ()),
        ("20260902_focus.csv", "files", ()),
        ("part-123456.csv", "files", ()),
        ("usage.ndjson", "files", ()),
        # a manifest no layout knows is no data file
        ("manifest.json", "", ()),
        ("2026-09/manifest.json", "", ()),
        ("2026-09-manifest.json", "", ()),
        ("year=2026/month=09/part-Manifest.json", "", ()),
        ("202609/x/manifest.json", "", ()),
        ("readme.txt", "", ()),
        ("2026-09/readme.md", "", ()),
    ],
)
def test_a_files_name_tells_its_month(key, layout, month):
    assert found(key) == (layout, month)
