"""Quoting: the one place where a name or a text enters SQL."""

# A folder called key=value on the way to a file is no column of it.
NO_HIVE = "hive_partitioning = false"


def quote_name(name: str) -> str:
    """An identifier, safe whatever it holds."""
    return '"' + name.replace('"', '""') + '"'


def quote_text(text: str) -> str:
    """A text literal, safe whatever it holds (DuckDB knows no backslash escapes in '…')."""
    return "'" + text.replace("'", "''") + "'"
