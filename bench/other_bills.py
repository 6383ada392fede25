"""Bills of other vendors: one month of the demo company's, its resources repeated.

Each has so many rows in all its files together (Azure: half in each of its two exports).
"""

import json
import sys
import tomllib
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import duckdb

DEMO = Path(__file__).resolve().parents[1] / "demo"
sys.path.insert(0, str(DEMO))

from cloudgen.azure import write_azure  # noqa: E402
from cloudgen.common import Month, Row  # noqa: E402
from cloudgen.gcp import write_gcp  # noqa: E402

_GCP_TYPES = {
    "project": "struct(id varchar, number varchar, name varchar, ancestry_numbers varchar,"
    " labels struct(key varchar, value varchar)[])",
    "labels": "struct(key varchar, value varchar)[]",
    "system_labels": "struct(key varchar, value varchar)[]",
    "tags": "struct(key varchar, value varchar, inherited boolean, namespace varchar)[]",
    "credits": "struct(name varchar, amount double, full_name varchar, id varchar, type varchar)[]",
    "adjustment_info": "struct(id varchar, description varchar, mode varchar, type varchar)",
    "subscription": "struct(instance_id varchar)",
    "seller_name": "varchar",
}


def azure_bill(out: Path, rows: int, start: date) -> None:
    """Cost details: actual and amortised, csv.gz with manifests."""
    with TemporaryDirectory() as folder:
        write_azure(Path(folder), _plan(), Month(start, 0, Decimal(1)))
        for manifest in Path(folder).rglob("manifest.json"):
            _repeat_export(manifest, Path(folder), out, rows // 2)


def _repeat_export(manifest: Path, demo: Path, out: Path, rows: int) -> None:
    """One export's file with as many rows, and a manifest that says so."""
    described: dict[str, Any] = json.loads(manifest.read_text(encoding="utf-8"))
    (blob,) = described["blobs"]
    target = out / blob["blobName"]
    target.parent.mkdir(parents=True)
    reader = f"read_csv('{demo}/azure/{blob['blobName']}', all_varchar = true)"
    columns = "ResourceId || '-' || id as ResourceId, ResourceName || '-' || id as ResourceName"
    _copy(reader, columns, rows, f"'{target}' (format csv, header, compression gzip)")
    figures = {"byteCount": target.stat().st_size, "dataRowCount": rows}
    described |= figures | {"blobs": [blob | figures]}
    relative = manifest.relative_to(demo / "azure")
    (out / relative).write_text(json.dumps(described, indent=1))


def gcp_bill(out: Path, rows: int, start: date) -> None:
    """The detailed export, written out of BigQuery as Parquet."""
    with TemporaryDirectory() as folder:
        write_gcp(Path(folder), _plan(), Month(start, 0, Decimal(1)))
        (source,) = Path(folder).rglob("*.jsonl.gz")
        target = out / source.parent.name / "detailed-000000000000.parquet"
        target.parent.mkdir(parents=True)
        columns = [f"cast({name} as {kind}) as {name}" for name, kind in _GCP_TYPES.items()]
        columns.append("struct_update(resource, name := resource.name || '-' || id) as resource")
        to = f"'{target}' (format parquet, compression zstd)"
        _copy(f"read_json('{source}')", ", ".join(columns), rows, to)


BILLS: dict[str, Callable[[Path, int, date], None]] = {"azure": azure_bill, "gcp": gcp_bill}


def _plan() -> Row:
    return tomllib.loads((DEMO / "clouds.toml").read_text("utf-8"), parse_float=Decimal)


def _copy(reader: str, columns: str, rows: int, to: str) -> None:
    """The demo's rows again and again until there are enough; `id` counts the turns."""
    with duckdb.connect() as connection:
        ((count,),) = connection.execute(f"select count(*) from {reader}").fetchall()
        turns = -(-rows // count)
        connection.execute(
            f"""copy (
                select demo.* replace ({columns})
                from {reader} as demo cross join range({turns}) as turn(id)
                limit {rows}
            ) to {to}"""
        )
