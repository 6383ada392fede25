"""Values as people and other programs read them: numbers, money, times, JSON, csv."""

import json
import math
import re
from datetime import UTC, date, datetime
from decimal import Decimal

# OWASP, "CSV Injection" (read 2026-07): a spreadsheet takes a cell that begins so for a formula.
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")


def bytes_text(size: int) -> str:
    """1536 → '1.5 KB'."""
    value = float(size)
    for unit in ("B", "KB", "MB", "GB"):
        if value < 1024:
            return f"{value:.0f} {unit}" if unit == "B" else f"{value:.1f} {unit}"
        value /= 1024
    return f"{value:.1f} TB"


def money_text(amount: Decimal | None, places: int = 2) -> str:
    """Thousands apart, two places; exact values are in the data, not on the screen."""
    return "" if amount is None else f"{amount:,.{places}f}"


def exact_money_text(amount: Decimal | None) -> str:
    """Thousands apart, every digit there is, at least two places: '1,200.00', '0.001'."""
    if amount is None:
        return ""
    whole, _, places = format(amount, ",f").partition(".")
    return f"{whole}.{places.rstrip('0').ljust(2, '0')}"


def change_text(amount: Decimal | None) -> str:
    """Money with its sign: '+1,200.00'."""
    return "" if amount is None else f"{amount:+,.2f}" if round(amount, 2) else "0.00"


def percent_text(share: Decimal | None) -> str:
    """Percent points with their sign: '+12.5 %'."""
    return "" if share is None else f"{share:+,.1f} %" if round(share, 1) else "0.0 %"


def count_text(count: int | None) -> str:
    """Thousands apart."""
    return "" if count is None else f"{count:,}"


def count_change_text(count: int | None) -> str:
    """Thousands apart, with the sign."""
    return "" if count is None else f"{count:+,}" if count else "0"


def moment_text(moment: datetime | None) -> str:
    """A moment in UTC, to the minute."""
    return "" if moment is None else f"{moment:%Y-%m-%d %H:%M}"


def plain_text(value: object) -> str:
    """A value of a query as text: decimals without exponent or trailing zeros, times in UTC
    ending in Z, maps, structs and lists as JSON, NULL empty."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, Decimal):
        return _decimal_text(value)
    if isinstance(value, datetime):
        return _moment(value)
    if isinstance(value, dict | list | tuple):
        return json_text(value)
    if isinstance(value, bytes):
        return value.hex()
    return str(value)


def json_text(value: object) -> str:
    """A value as JSON; decimals are numbers written from their own digits, never by way of a
    float. NaN and the infinities, which JSON has no word for, become null."""
    if value is None or isinstance(value, bool | int | str):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, Decimal):
        return _decimal_text(value) if value.is_finite() else "null"
    if isinstance(value, float):
        return json.dumps(value) if math.isfinite(value) else "null"
    if isinstance(value, dict):
        pairs = (f"{_json_key(key)}: {json_text(each)}" for key, each in value.items())
        return "{" + ", ".join(pairs) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(json_text(each) for each in value) + "]"
    return json.dumps(plain_text(value), ensure_ascii=False)


def csv_text(value: object) -> str:
    """A value for a csv cell: NUL bytes removed, and a text that a spreadsheet would run as a
    formula gets a leading apostrophe. Numbers stay as they are, negative ones too."""
    text = plain_text(value)
    if not isinstance(value, str):
        return text
    text = text.replace("\x00", "")
    return f"'{text}" if text.startswith(FORMULA_STARTS) else text


def screen_text(value: object) -> str:
    """A value for the terminal: no control character of the data reaches it."""
    return _CONTROL.sub(lambda found: f"\\x{ord(found[0]):02x}", plain_text(value))


def _json_key(key: object) -> str:
    return json.dumps(plain_text(key), ensure_ascii=False)


def _decimal_text(value: Decimal) -> str:
    text = format(value, "f")
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return "0" if text in ("-0", "") else text


def _moment(value: datetime) -> str:
    utc = value.astimezone(UTC).replace(tzinfo=None) if value.tzinfo else value
    return utc.isoformat() + "Z"


def month_text(start: date) -> str:
    """A billing period's first moment as '2026-09'."""
    return f"{start:%Y-%m}"
