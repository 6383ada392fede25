"""One ClickHouse engine for the folder: it is a quarter of a gigabyte and starts once a process."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

# How a fixture becomes a delivery is told once, beside the test of all vendors.
sys.path.append(str(Path(__file__).parent.parent / "vendors"))

from clickhouse_engine import ClickHouse


@pytest.fixture(scope="session")
def clickhouse(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ClickHouse]:
    pytest.importorskip("chdb", reason="the ClickHouse engine (chdb-core) is not installed")
    engine = ClickHouse(tmp_path_factory.mktemp("clickhouse"))
    yield engine
    engine.close()
