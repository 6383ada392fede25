"""Bills to judge, in a database of their own."""

import duckdb
import pytest
from quality_bills import Bills


@pytest.fixture
def bills():
    connection = duckdb.connect()
    yield Bills(connection)
    connection.close()
