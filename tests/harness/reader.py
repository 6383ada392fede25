"""A reader in a process of its own: asks for the totals over and over, writes each answer down."""

import json
import sys
import time
from pathlib import Path

from installation import totals

from finops_stack.cli.session import Session
from finops_stack.config import load_config


def main(folder, output, stop):
    lake = Session(load_config(Path(folder) / "finops.toml")).lake
    with Path(output).open("w") as file:
        while not Path(stop).exists():
            with lake.published() as connection:
                found = totals(connection)
            answer = [
                [*bill, delivery, rows, str(cost)] for bill, (delivery, rows, cost) in found.items()
            ]
            file.write(json.dumps(answer) + "\n")
            time.sleep(0.02)


if __name__ == "__main__":
    main(*sys.argv[1:])
