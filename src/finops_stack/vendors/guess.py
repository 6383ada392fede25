"""From a sample of a bill to guesses: what kind each column is, and which FOCUS column it fills."""

import json
import re
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from functools import cache
from importlib.resources import files

_PLAIN = re.compile(r"[-+]?(\d+(\.\d*)?|\.\d+)([eE][-+]?\d+)?")
_GROUPED_COMMA = re.compile(r"[-+]?\d{1,3}(,\d{3})+(\.\d+)?")
_GROUPED_DOT = re.compile(r"[-+]?\d{1,3}(\.\d{3})*(,\d+)?")
_ISO = re.compile(
    r"\d{4}-\d{2}-\d{2}([T ]\d{2}:\d{2}(:\d{2}(\.\d+)?)?)?\s?([zZ]|[+-]\d{2}:?\d{2})?"
)
_CURRENCY = re.compile(r"[A-Za-z]{3}")
# A time written with numbers: its pattern, and what strptime calls it.
_TIMES = (
    (re.compile(r"\d{1,2}\.\d{1,2}\.\d{4}"), ("%d.%m.%Y",)),
    (re.compile(r"\d{1,2}\.\d{1,2}\.\d{4} \d{2}:\d{2}:\d{2}"), ("%d.%m.%Y %H:%M:%S",)),
    (re.compile(r"\d{1,2}/\d{1,2}/\d{4}"), ("%d/%m/%Y", "%m/%d/%Y")),
    (re.compile(r"\d{1,2}/\d{1,2}/\d{4} \d{2}:\d{2}:\d{2}"), ("%d/%m/%Y %H:%M:%S",)),
    (re.compile(r"\d{4}/\d{2}/\d{2}"), ("%Y/%m/%d",)),
    (re.compile(r"\d{8}"), ("%Y%m%d",)),
)
_NOTHING = {"-", "n/a", "N/A", "null", "NULL"}


@dataclass(frozen=True)
class SampleColumn:
    """A delivered column and some of its values, as text."""

    name: str
    values: tuple[str, ...]


@dataclass(frozen=True)
class Guess:
    """What a column seems to be: its kind, and how it is written where not plainly."""

    column: str
    kind: str
    read: Mapping[str, object] = field(default_factory=dict)
    note: str = ""


def guess_kind(column: SampleColumn) -> Guess:
    """money, time, map, currency or text, from the values alone."""
    null = sorted({value for value in column.values if value in _NOTHING})
    values = [value.strip() for value in column.values if value.strip() and value not in _NOTHING]
    read: dict[str, object] = {"null": null} if null else {}
    if not values:
        return Guess(column.name, "text", note="no value in the sample")
    for find in (_map, _time, _money, _currency):
        if (guess := find(column.name, values)) is not None:
            text_read = {} if guess.kind in ("map", "currency") else read
            return Guess(column.name, guess.kind, {**guess.read, **text_read}, guess.note)
    return Guess(column.name, "text")


def guess_kinds(columns: Sequence[SampleColumn]) -> list[Guess]:
    """Kinds of all columns; what one tells of the bill's spelling holds for the others."""
    guesses = [guess_kind(column) for column in columns]
    comma = next((g.read for g in guesses if g.read.get("decimal") == ","), None)
    if comma is None:
        return guesses
    return [
        Guess(g.column, g.kind, {**comma, **g.read}, g.note)
        if g.kind == "money" and not any("." in v for v in column.values)
        else g
        for g, column in zip(guesses, columns, strict=True)
    ]


def is_last_day(column: SampleColumn, guess: Guess) -> bool:
    """Whether days without a time end with a month: then the last day is part of the period."""
    formats = guess.read.get("formats", ["%Y-%m-%d"])
    assert isinstance(formats, list)
    days = [day for value in column.values if (day := _day(value, formats)) is not None]
    return len(days) == len(column.values) and any(
        (day + timedelta(days=1)).day == 1 for day in days
    )


def _day(value: str, formats: list[str]) -> date | None:
    try:
        return datetime.strptime(value.strip(), formats[0]).date()
    except ValueError:
        return None


def _all(pattern: re.Pattern[str], values: Iterable[str]) -> bool:
    return all(pattern.fullmatch(value) for value in values)


def _map(name: str, values: Sequence[str]) -> Guess | None:
    return Guess(name, "map") if all(_is_object(value) for value in values) else None


def _is_object(value: str) -> bool:
    try:
        return value.startswith("{") and isinstance(json.loads(value), dict)
    except ValueError:
        return False


def _time(name: str, values: Sequence[str]) -> Guess | None:
    if _all(_ISO, values):
        return Guess(name, "time")
    for pattern, formats in _TIMES:
        if not _all(pattern, values):
            continue
        if pattern.pattern == r"\d{8}" and not _all(re.compile(r"20\d{6}"), values):
            return None
        if len(formats) == 1:
            return Guess(name, "time", {"formats": list(formats)})
        return _day_or_month_first(name, values, formats)
    return None


def _day_or_month_first(name: str, values: Sequence[str], formats: Sequence[str]) -> Guess:
    """01/02/2026: only a number over 12 tells the day."""
    first = max(int(value.split("/")[0]) for value in values)
    second = max(int(value.split("/")[1]) for value in values)
    if second > 12:
        return Guess(name, "time", {"formats": [formats[1]]})
    note = "" if first > 12 else "day or month first? no value of the sample tells; check it"
    return Guess(name, "time", {"formats": [formats[0]]}, note)


def _money(name: str, values: Sequence[str]) -> Guess | None:
    if _all(_PLAIN, values):
        return Guess(name, "money")
    if _all(_GROUPED_COMMA, [v for v in values if not _PLAIN.fullmatch(v)]):
        return Guess(name, "money", {"group": ","})
    if _all(_GROUPED_DOT, values):
        return Guess(name, "money", {"decimal": ",", "group": "."})
    return None


def _currency(name: str, values: Sequence[str]) -> Guess | None:
    if "curr" in name.lower() and _all(_CURRENCY, values):
        return Guess(name, "currency")
    if _all(re.compile(r"[A-Z]{3}"), values) and len(set(values)) == 1 and values[0] in _COMMON:
        return Guess(name, "currency")
    return None


_COMMON_TEXT = "AUD BRL CAD CHF CNY CZK DKK EUR GBP INR JPY KRW MXN NOK PLN SEK USD"
_COMMON = frozenset(_COMMON_TEXT.split())


@cache
def synonyms() -> dict[str, tuple[str, tuple[str, ...]]]:
    """FOCUS column → (kind its values must have, names bills use, best first)."""
    text = files("finops_stack.vendors").joinpath("synonyms.toml").read_text(encoding="utf-8")
    return {
        column: (entry["kind"], tuple(entry["names"]))
        for column, entry in tomllib.loads(text).items()
    }


def guess_mapping(guesses: Sequence[Guess]) -> dict[str, str]:
    """FOCUS column → delivered column: each used once, the best fit of names first."""
    fits = sorted(
        (_rank(names, guess.column), order, focus, guess.column)
        for order, (focus, (kind, names)) in enumerate(synonyms().items())
        for guess in guesses
        if _suits(guess.kind, kind) and _rank(names, guess.column) is not None
    )
    mapping: dict[str, str] = {}
    for _, _, focus, column in fits:
        if focus not in mapping and column not in mapping.values():
            mapping[focus] = column
    return mapping


def _suits(found: str, wanted: str) -> bool:
    return found == wanted or (wanted == "text" and found in ("money", "currency"))


def _rank(names: Sequence[str], column: str) -> tuple[int, int] | None:
    """(0, place) for the very name, (1, place) for a name that the column's words end with."""
    words = _words(column)
    for place, name in enumerate(names):
        if words == name:
            return (0, place)
    for place, name in enumerate(names):
        if words.endswith(" " + name) or words.startswith(name + " "):
            return (1, place)
    return None


def _words(column: str) -> str:
    """unitPrice, unit_price, Unit-Price → 'unit price'."""
    parted = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", column)
    return " ".join(re.findall(r"[^\W_]+", parted.lower()))
