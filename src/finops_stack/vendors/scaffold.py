"""A new vendor's folder from a sample of its bill: proposed, never final."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from finops_stack.errors import InputError
from finops_stack.vendors.guess import (
    Guess,
    SampleColumn,
    guess_kinds,
    guess_mapping,
    is_last_day,
)

_NAME = re.compile(r"[a-z][a-z0-9_]{0,31}")
_PERIODS = (
    (re.compile(r"(?<!\d)20\d{2}-(0[1-9]|1[0-2])(?!\d)"), r"(?P<period>\d{4}-\d{2})"),
    (re.compile(r"(?<!\d)20\d{2}(0[1-9]|1[0-2])(?!\d)"), r"(?P<year>\d{4})(?P<month>\d{2})"),
)
# What every bill must say, and what to ask the user for where the sample does not.
_GIVEN = {
    "BillingAccountId": ("account", "account or customer number the bills belong to"),
    "BillingCurrency": ("currency", "currency of the bills, such as EUR"),
}


@dataclass(frozen=True)
class Proposal:
    """Files of the new folder, and what was and was not understood."""

    files: dict[str, str]
    mapped: dict[str, str]
    unmapped: tuple[str, ...]
    missing: tuple[str, ...]
    notes: tuple[str, ...]


def propose(
    name: str, file: str, columns: Sequence[SampleColumn], read: Mapping[str, str]
) -> Proposal:
    """A folder for bills like this sample.

    file: the sample's own name, which tells how deliveries are named; read: [layouts.read].
    Raises: InputError for a name that is none, or a sample without columns.
    """
    if not _NAME.fullmatch(name):
        raise InputError(
            f'"{name}" is no name for a vendor folder', hint="use a-z, 0-9 and _, a letter first"
        )
    if not columns:
        raise InputError(f"{file} has no columns", hint="give a file with a header and rows")
    guesses = guess_kinds(columns)
    mapping = guess_mapping(guesses)
    guesses = [_last_day(g, c, mapping) for g, c in zip(guesses, columns, strict=True)]
    given = {k: v for k, v in _GIVEN.items() if k not in mapping}
    missing = tuple(c for c in ("BilledCost", "ChargePeriodStart") if c not in mapping)
    files = {
        "vendor.toml": _vendor_toml(name, file, guesses, mapping, read),
        "README.md": _README.format(title=_title(name), file=file),
        "fixtures/sample/README.md": f"# The sample\n\n`{file}`, as delivered.\n",
    }
    if given:
        lines = [f'{column} = ""  # {what}' for column, what in given.values()]
        files["fixtures/sample/source.toml"] = "[given]\n" + "\n".join(lines) + "\n"
    return Proposal(
        files,
        mapping,
        tuple(g.column for g in guesses if g.column not in mapping.values()),
        missing,
        tuple(f"{g.column}: {g.note}" for g in guesses if g.note),
    )


def _last_day(guess: Guess, column: SampleColumn, mapping: Mapping[str, str]) -> Guess:
    """A period's end that is a day of its own: FOCUS ends are exclusive."""
    if mapping.get("ChargePeriodEnd") != guess.column or not is_last_day(column, guess):
        return guess
    note = "taken as the last day of the period, included; check it"
    return Guess(guess.column, guess.kind, {**guess.read, "end": "inclusive_day"}, note)


def _title(name: str) -> str:
    return name.replace("_", " ").title()


_README = """# {title}

Say here what the bill is, how to get it, what was chosen where it is ambiguous, and what is not
covered.
The folder was proposed from `{file}`: read `vendor.toml` line by line before you trust a number.
"""


def _vendor_toml(
    name: str,
    file: str,
    guesses: Sequence[Guess],
    mapping: dict[str, str],
    read: Mapping[str, str],
) -> str:
    blocks = [
        "#:schema ../vendor.schema.json",
        f"# Proposed from {file}. Edit what is wrong, then: finops vendor test {name}",
        _block("[vendor]", {"title": _title(name)}),
        _layout(file, mapping),
        _block("[layouts.read]", dict(read)) if read else "",
        _form(guesses, mapping),
        _columns(guesses),
        _given(mapping),
        _read(guesses),
        _mapping(name, guesses, mapping),
        _total(mapping),
    ]
    return "\n\n".join(block for block in blocks if block) + "\n"


def _layout(file: str, mapping: dict[str, str]) -> str:
    """Files named as the sample is, with other months in place of its month."""
    stem = re.escape(file)
    for found, group in _PERIODS:
        if found.search(file):
            pattern = group.join(re.escape(part) for part in _around(found, file))
            return _block(
                "[[layouts]]",
                {"name": "files", "title": "One file a month", "data_files": f"(?:^|/){pattern}$"},
            )
    values: dict[str, object] = {
        "name": "files",
        "title": "Files",
        "data_files": rf"\.{re.escape(file.split('.', 1)[-1])}$" if "." in file else stem,
    }
    if "ChargePeriodStart" in mapping:
        values["period_column"] = mapping["ChargePeriodStart"]
    return _block("[[layouts]]", values, "the months stand in a column, not in the file's name")


def _around(found: re.Pattern[str], file: str) -> tuple[str, str]:
    match = found.search(file)
    assert match
    return file[: match.start()], file[match.end() :]


def _form(guesses: Sequence[Guess], mapping: dict[str, str]) -> str:
    needed = [
        mapping[c] for c in ("BilledCost", "ChargePeriodStart", "ServiceName") if c in mapping
    ]
    return _block(
        "[[forms]]",
        {
            "name": "lines",
            "title": "Invoice lines",
            "recognised_by": needed or [guess.column for guess in guesses[:3]],
            "required": needed,
            "one_cost": "EffectiveCost" not in mapping,
        },
    )


def _columns(guesses: Sequence[Guess]) -> str:
    kinds: dict[str, list[str]] = {}
    for guess in guesses:
        kind = "text" if guess.kind == "currency" else guess.kind
        kinds.setdefault(kind, []).append(guess.column)
    return _block("[forms.columns]", {kind: kinds[kind] for kind in sorted(kinds)})


def _given(mapping: dict[str, str]) -> str:
    given = {c: what for k, (c, what) in _GIVEN.items() if k not in mapping}
    if not given:
        return ""
    return _block("[forms.given]", given, "the bill does not say these: the source does")


def _read(guesses: Sequence[Guess]) -> str:
    blocks = [f"{_key(g.column)} = {_inline(dict(g.read))}" for g in guesses if g.read]
    return "[forms.read]\n" + "\n".join(blocks) if blocks else ""


def _mapping(name: str, guesses: Sequence[Guess], mapping: dict[str, str]) -> str:
    lines = {focus: _identifier(column) for focus, column in mapping.items()}
    lines |= {k: column for k, (column, _) in _GIVEN.items() if k not in mapping}
    if "BillingCurrency" in mapping:
        lines["BillingCurrency"] = f"upper({lines['BillingCurrency']})"
    lines.setdefault("ServiceName", f"'{_title(name)}'")
    if "EffectiveCost" in lines:
        for cost in ("ContractedCost", "ListCost"):
            lines.setdefault(cost, lines.get("BilledCost", "0"))
    lines.pop("ChargeCategory", None)
    text = _block("[forms.mapping]", dict(sorted(lines.items())))
    unused = [g.column for g in guesses if g.column not in mapping.values()]
    if unused:
        text += "\n# not mapped: " + ", ".join(unused)
    if "BilledCost" not in mapping:
        text += '\n# BilledCost = ""     # which column is the amount of a line?'
    return text


def _total(mapping: dict[str, str]) -> str:
    def said(focus: str) -> str:
        return _identifier(mapping[focus]) if focus in mapping else _GIVEN[focus][0]

    billed = _identifier(mapping["BilledCost"]) if "BilledCost" in mapping else "0"
    currency = said("BillingCurrency")
    return _block(
        "[forms.total]",
        {
            "account": said("BillingAccountId"),
            "currency": f"upper({currency})" if "BillingCurrency" in mapping else currency,
            "billed": billed,
        },
        "the bill's own total, apart from the mapping",
    )


def _identifier(column: str) -> str:
    """A column in an expression; quoted where it is no plain name."""
    plain = re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", column)
    return column if plain and column.lower() not in _WORDS else f'"{column}"'


# Words of SQL that a bill's columns are called by.
_WORDS_TEXT = "from to end start date time order group table type key value desc case"
_WORDS = frozenset(_WORDS_TEXT.split())


def _block(head: str, values: Mapping[str, object], comment: str = "") -> str:
    lines = [head + (f"  # {comment}" if comment else "")]
    lines += [f"{_key(key)} = {_value(value)}" for key, value in values.items()]
    return "\n".join(lines)


def _key(key: str) -> str:
    return key if re.fullmatch(r"[A-Za-z0-9_-]+", key) else json.dumps(key, ensure_ascii=False)


def _value(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list):
        return "[" + ", ".join(_value(each) for each in value) + "]"
    text = str(value)
    if ("\\" in text or '"' in text) and "'" not in text:
        return f"'{text}'"
    return json.dumps(text, ensure_ascii=False)


def _inline(values: dict[str, object]) -> str:
    return "{ " + ", ".join(f"{key} = {_value(value)}" for key, value in values.items()) + " }"
