"""lake.json: how dbt, started by us or by hand in the work folder, finds the lake."""

import json
from dataclasses import asdict
from pathlib import Path

from finops_stack.errors import InputError
from finops_stack.warehouse.engine import Engine
from finops_stack.warehouse.lake import Lake
from finops_stack.warehouse.s3_secret import S3Access

_NAME = "lake.json"


def lake_text(lake: Lake) -> str:
    """The lake's places and limits; keys and passwords are never among them."""
    return json.dumps(asdict(lake), indent=1, default=str) + "\n"


def read_lake(folder: Path | None = None) -> Lake:
    """The lake of the work folder dbt runs in."""
    path = (folder or Path.cwd()) / _NAME
    if not path.is_file():
        raise InputError(
            f"{path} is not there", hint='run "finops run" once, then dbt in that folder'
        )
    values = json.loads(path.read_text(encoding="utf-8"))
    engine = values.pop("engine")
    engine["temp_directory"] = Path(engine["temp_directory"])
    return Lake(
        folder=Path(values["folder"]),
        engine=Engine(**engine),
        catalog=values["catalog"],
        storage=values["storage"],
        s3=S3Access(**values["s3"]),
    )
