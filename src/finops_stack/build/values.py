"""A raw value as its declared kind, and when it is none: SQL over a column or a field."""

import re

from finops_stack.build.reading import moment_sql, number_text, plain_text, scaled
from finops_stack.vendors.manifest import Kind
from finops_stack.vendors.mapping import ColumnRead

MONEY = "decimal(38, 15)"
MAP = "map(varchar, varchar)"
EMPTY_MAP = f"cast(map() as {MAP})"
_MINUTES = "['%Y-%m-%dT%H:%MZ', '%Y-%m-%d %H:%M', '%Y-%m-%dT%H:%M']"
# Raw types that can be read as a kind; a column of another type must hold nothing.
_TYPES: dict[Kind, re.Pattern[str]] = {
    "text": re.compile(r".*"),
    "money": re.compile(r"VARCHAR|DOUBLE|FLOAT|DECIMAL\(.*\)|U?(TINY|SMALL|BIG)?INT(EGER)?"),
    "time": re.compile(r"VARCHAR|DATE|TIMESTAMP.*"),
    "map": re.compile(r"VARCHAR|MAP\(.*\)|STRUCT\(.*\)\[\]", re.DOTALL),
}


def value_sql(column: str, raw_type: str, kind: Kind, read: ColumnRead | None = None) -> str:
    """A raw value as a declared kind; what does not parse becomes NULL (and a finding).

    column: SQL of the value; raw_type: its DuckDB type.
    """
    if read is not None and kind == "time":
        return moment_sql(column, raw_type, read)
    if read is not None and kind == "money":
        text = number_text(column, read) if raw_type == "VARCHAR" else column
        return scaled(_money_sql(text, raw_type), read)
    if kind == "text":
        text = column if raw_type == "VARCHAR" else f"cast({column} as varchar)"
        return f"nullif({text}, '')"
    if kind == "money":
        return _money_sql(column, raw_type)
    if raw_type == "VARCHAR":
        # By way of timestamptz: a plain cast drops an offset such as +02:00 without a word. It
        # wants seconds, which ISO 8601 (and FOCUS) leave free.
        zoned = f"timezone('UTC', try_cast(nullif({column}, '') as timestamptz))"
        return f"coalesce({zoned}, try_strptime({column}, {_MINUTES}))"
    if raw_type == "TIMESTAMP WITH TIME ZONE":
        return f"timezone('UTC', {column})"
    return f"try_cast({column} as timestamp)"


def _money_sql(column: str, raw_type: str) -> str:
    if raw_type in ("DOUBLE", "FLOAT"):
        return _short_decimal_sql(column)
    if raw_type == "VARCHAR":
        # 16 characters hold 15 digits, and two such decimals are never one double: the same test
        # as above, at a fifteenth of the cost of reading the text as a 38-digit decimal.
        short = f"try_cast({column} as decimal(18, 10))"
        return (
            f"case when length({column}) <= 16"
            f" and cast({short} as double) = try_cast({column} as double)"
            f" then cast({short} as {MONEY})"
            f" when contains({column}, 'e') or contains({column}, 'E')"
            f" then {_scientific_sql(column)} else try_cast({column} as {MONEY}) end"
        )
    return f"try_cast({column} as {MONEY})"


# Below the bound so many places are at most 15 digits, and no two decimals of 15 digits are one
# double: what reads back as the double is what it was written from.
_PLACES = ((100_000, 10), (1_000, 12), (1, 15), (10_000_000, 8))


def _short_decimal_sql(column: str) -> str:
    """The short decimal a double was written from: the fewest places that read back as it.

    Going by text, which is exact as well, takes thirty times as long; it is left for the rest.
    """
    arms = [
        f"when abs({column}) < {bound}"
        f" and cast(try_cast({column} as decimal(18, {places})) as double) = {column}"
        f" then cast(try_cast({column} as decimal(18, {places})) as {MONEY})"
        for bound, places in _PLACES
    ]
    text = _scientific_sql(f"cast({column} as varchar)")
    return f"case {' '.join(arms)} else {text} end"


def _scientific_sql(text: str) -> str:
    """By way of 30 places: DuckDB 1.5.5 reads 8e-40 as 1e-15, one unit up, where places are cut."""
    return (
        f"coalesce(cast(try_cast({text} as decimal(38, 30)) as {MONEY}),"
        f" try_cast({text} as {MONEY}))"
    )


def map_sql(column: str, raw_type: str) -> str:
    """A map column, or the text of one, as a map; none is an empty one."""
    if raw_type == "VARCHAR":
        # {"team": "a"}, or {team=a} as engines print a map, or [{"key": "team", "value": "a"}]
        as_json = f"try_cast(try_cast(nullif({column}, '') as json) as {MAP})"
        as_map = f"coalesce({as_json}, try_cast({column} as {MAP}), {EMPTY_MAP})"
        return (
            f"case when starts_with({column}, '[')"
            f" then coalesce(map_from_entries({_entries(column)}), {EMPTY_MAP})"
            f" else {as_map} end"
        )
    if raw_type.startswith("STRUCT") and raw_type.endswith("[]"):
        return f"coalesce(cast(map_from_entries({column}) as {MAP}), {EMPTY_MAP})"
    if raw_type == "MAP(VARCHAR, VARCHAR)":
        # A cast copies every entry, even to the type it has.
        return f"coalesce({column}, {EMPTY_MAP})"
    return f"coalesce(cast({column} as {MAP}), {EMPTY_MAP})"


def _entries(column: str) -> str:
    """A JSON list of objects with key (or name) and value, as structs k, v; NULL if it is none."""
    shape = '[{"key": "VARCHAR", "name": "VARCHAR", "value": "VARCHAR"}]'
    listed = f"json_transform(try_cast({column} as json), '{shape}')"
    return (
        f'list_transform({listed}, lambda e: {{\'k\': coalesce(e."key", e."name"),'
        " 'v': e.\"value\"})"
    )


def unreadable_sql(
    quoted: str, raw_type: str, kind: Kind, read: ColumnRead | None = None
) -> str | None:
    """SQL that is true of a value that is none of its kind; None when every value is one."""
    if not _TYPES[kind].fullmatch(raw_type):
        return f"{quoted} is not null"
    if raw_type == "VARCHAR" and read is not None:
        value = value_sql(quoted, raw_type, kind, read)
        return f"{plain_text(quoted, read)} is not null and {value} is null"
    if raw_type != "VARCHAR":
        return _unreadable_typed(quoted, raw_type, kind)
    wrong = f"{value_sql(quoted, raw_type, kind)} is null"
    if kind == "money":
        # DuckDB reads 1_000 as 1000; no bill means that.
        wrong = f"({wrong} or contains({quoted}, '_'))"
    elif kind == "time":
        # DuckDB also reads epoch, infinity, 26-09-01 and years BC.
        wrong = (
            f"({wrong} or substr(ltrim({quoted}), 5, 1) not in ('-', '/')"
            f" or contains({quoted}, 'BC'))"
        )
    else:
        entries = _entries(quoted)
        keys = f"list_transform({entries}, lambda e: e.k)"
        wrong = (
            f"case when starts_with({quoted}, '[')"
            # An entry without a key is none of the distinct ones.
            f" then coalesce(len(list_distinct({keys})) <> len({entries}), true)"
            f" else try_cast(try_cast({quoted} as json) as {MAP}) is null"
            f" and try_cast({quoted} as {MAP}) is null and {quoted} <> 'null' end"
        )
    return f"{quoted} <> '' and {wrong}"


def _unreadable_typed(quoted: str, raw_type: str, kind: Kind) -> str | None:
    if kind == "map":
        if not raw_type.endswith("[]"):
            return None
        keys = f"list_transform({quoted}, lambda e: struct_extract_at(e, 1))"
        return f"len(list_distinct({keys})) <> len({quoted})"
    if kind == "money" and raw_type in ("DOUBLE", "FLOAT"):
        return f"not (abs({quoted}) < 1e23)"
    if kind == "money" and raw_type.startswith("DECIMAL"):
        return f"{quoted} is not null and {value_sql(quoted, raw_type, kind)} is null"
    return None
