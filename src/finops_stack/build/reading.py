"""Numbers and times that are not written plainly, as [forms.read] says: SQL over a text."""

from finops_stack.vendors.mapping import ColumnRead
from finops_stack.warehouse.sql import quote_text

# 2026-09-01T00:00:00Z, 2026-09-01 00:00:00+02:00: a time that names its offset
_OFFSET = r"([zZ]|[+-]\d{2}:?\d{2}|[+-]\d{2})$"
_ENDS = {
    "inclusive_day": "interval 1 day",
    "inclusive_second": "interval 1 second",
    "inclusive_millisecond": "interval 1 millisecond",
}


def plain_text(column: str, read: ColumnRead | None) -> str:
    """The text without blanks around it; NULL for nothing and for words that mean nothing."""
    if read is None:
        return f"nullif({column}, '')"
    text = f"nullif(trim({column}), '')"
    if read.null:
        words = ", ".join(quote_text(word) for word in read.null)
        text = f"case when trim({column}) not in ({words}) then {text} end"
    return f"({text})"


def number_text(column: str, read: ColumnRead) -> str:
    """A number's text with a decimal point, without grouping and signs of currency."""
    text = plain_text(column, read)
    for word in (*read.strip, read.group):
        if word:
            text = f"replace({text}, {quote_text(word)}, '')"
    if read.decimal == ",":
        text = f"replace({text}, ',', '.')"
    return text


def scaled(value: str, read: ColumnRead) -> str:
    """The number in whole units of its column, with our sign."""
    if read.scale != "1":
        # Times a power of ten: the digits stay, the point moves.
        value = f"try_cast(cast({value} as decimal(38, 15)) * {read.scale} as decimal(38, 15))"
    return f"-({value})" if read.negate else value


def moment_sql(column: str, raw_type: str, read: ColumnRead) -> str:
    """A UTC timestamp without zone; NULL where the text is no time in any of the formats."""
    if raw_type == "TIMESTAMP WITH TIME ZONE":
        moment = f"timezone('UTC', {column})"
    elif raw_type != "VARCHAR":
        moment = _in_utc(f"try_cast({column} as timestamp)", read)
    elif read.formats:
        formats = ", ".join(quote_text(text) for text in read.formats)
        moment = _in_utc(f"try_strptime({plain_text(column, read)}, [{formats}])", read)
    else:
        text = plain_text(column, read)
        zoned = f"timezone('UTC', try_cast({text} as timestamptz))"
        local = _in_utc(f"try_cast({text} as timestamp)", read)
        moment = (
            f"case when length({text}) > 10 and regexp_matches({text}, {quote_text(_OFFSET)})"
            f" then {zoned} else {local} end"
        )
    step = _ENDS.get(read.end)
    return f"({moment} + {step})" if step else moment


def _in_utc(local: str, read: ColumnRead) -> str:
    if read.zone == "UTC":
        return local
    return f"timezone('UTC', timezone({quote_text(read.zone)}, {local}))"
