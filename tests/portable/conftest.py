"""One ClickHouse engine for the folder: it is a quarter of a gigabyte and starts once a process."""

from collections.abc import Iterator

import pytest
from clickhouse_engine import ClickHouse


@pytest.fixture(scope="session")
def clickhouse(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ClickHouse]:
    pytest.importorskip("chdb", reason="the ClickHouse engine (chdb-core) is not installed")
    engine = ClickHouse(tmp_path_factory.mktemp("clickhouse"))
    yield engine
    engine.close()
