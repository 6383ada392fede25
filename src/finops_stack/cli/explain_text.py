"""An explanation for people: the number, its parts, the charges, their formulas and raw rows."""

from collections.abc import Iterator, Sequence
from decimal import Decimal, InvalidOperation
from itertools import groupby, islice
from typing import TYPE_CHECKING

from finops_stack.cli.format import count_text, moment_text, money_text, plain_text
from finops_stack.cli.output import show_line, show_table

if TYPE_CHECKING:
    from finops_stack.explain.address import RowAddress
    from finops_stack.explain.explained import Explained
    from finops_stack.explain.formula import FormFormulas, Formula
    from finops_stack.explain.number import Number, Split
    from finops_stack.explain.publication import Standing

_PARTS = 5
_TEXT_WIDTH = 60
_CHANGED = (
    "the vendor's folder, the settings or this version are others than when that bill was"
    " converted: the formula is today's"
)


def show_number(number: "Number", rows: "Sequence[Explained]") -> None:
    """Totals, splits, the largest charges, then form by form formulas and raw values."""
    show_line(f"{number.column} of {number.selection.words}")
    for total in number.totals:
        exact = plain_text(total.cost)
        show_line(
            f"  {money_text(total.cost)} {total.currency or 'in no currency'} in"
            f" {count_text(total.rows)} charges (exactly {exact})"
        )
    for split in number.splits:
        show_line()
        _show_split(split, number.column)
    show_line()
    _show_charges(number, rows)
    for formulas, numbers in _by_formulas(rows):
        show_line()
        _show_formulas(formulas, number.column, numbers)
        _show_inputs(number.column, [(n, rows[n - 1]) for n in numbers])


def _show_split(split: "Split", column: str) -> None:
    """The largest parts of each currency."""
    headers = [*split.names, "currency", "charges", column]
    shown: list[tuple[object, ...]] = []
    for currency, parts in groupby(split.parts, key=lambda part: part.currency):
        for part in islice(parts, _PARTS):
            labels = [value if value is not None else "(none)" for value in part.values]
            shown.append((*labels, currency, count_text(part.rows), money_text(part.cost)))
    title = f"by {', '.join(split.names)}"
    if len(shown) < len(split.parts):
        title += f": {len(shown)} of {len(split.parts)}, --format json has all"
    show_table(headers, shown, right=headers[-2:], title=title)


def _show_charges(number: "Number", rows: "Sequence[Explained]") -> None:
    total = sum(each.rows for each in number.totals)
    headers = ("#", "address", "charge", "service", "description", "currency", number.column)
    shown = [
        (
            place,
            str(each.row.address),
            _kind(each),
            each.row.values["ServiceName"],
            _short(each.row.values["ChargeDescription"]),
            each.row.values["BillingCurrency"],
            plain_text(each.row.values[number.column]) + _mark(each),
        )
        for place, each in enumerate(rows, 1)
    ]
    title = f"the charges that weigh most: {len(rows)} of {count_text(total)}"
    show_table(headers, shown, right=headers[-1:], title=title)
    if any(each.holds for each in rows):
        show_line("✓ computed again from the raw row, by the formula below, with the same result")


def _kind(each: "Explained") -> str:
    names = ("ChargeCategory", "ChargeClass", "PricingCategory", "CommitmentDiscountStatus")
    return ", ".join(each.row.values[name] for name in names if each.row.values.get(name))


def _mark(each: "Explained") -> str:
    return {True: " ✓", False: " ✗", None: ""}[each.holds]


def _short(value: object) -> str:
    text = plain_text(value)
    return text if len(text) <= _TEXT_WIDTH else text[: _TEXT_WIDTH - 1] + "…"


def _by_formulas(rows: "Sequence[Explained]") -> "Iterator[tuple[FormFormulas, list[int]]]":
    found: dict[int, tuple[FormFormulas, list[int]]] = {}
    for place, each in enumerate(rows, 1):
        found.setdefault(id(each.formulas), (each.formulas, []))[1].append(place)
    yield from found.values()


def _show_formulas(formulas: "FormFormulas", column: str, numbers: Sequence[int]) -> None:
    listed = ", ".join(f"#{number}" for number in numbers)
    if formulas.problem:
        show_line(f"{column} of {listed}: no formula: {formulas.problem}")
        return
    show_line(f"{column} of {listed}: {formulas.vendor}, {formulas.title}")
    formula = formulas.of(column)
    if formula:
        _show_formula(formula, set(), None)


def _show_formula(formula: "Formula", told: set[object], holding: frozenset[int] | None) -> None:
    """The steps that were not told before, and what the README says. holding: rules that hold for
    the row; None where that is not known."""
    for step in formula.steps:
        if step in told:
            continue
        told.add(step)
        rows = " [adds up several rows]" if step.over_rows else ""
        show_line(f"  {step.column} = {step.expression}{rows}")
        notes = [step.note] if step.note else []
        if step.rule and holding is not None:
            notes.append("it holds here" if step.rule in holding else "it does not hold here")
        if step.about and step.about not in told:
            notes.append(step.about)
            told.add(step.about)
        show_line(f"      {': '.join([step.place, *notes])}")
    for words in formula.words:
        show_line(f"  README: {words}")


def _show_inputs(column: str, rows: "Sequence[tuple[int, Explained]]") -> None:
    """The raw values in the column's formula, row by row."""
    for number, each in rows:
        show_line(f"  #{number}: {each.missing or _inputs(each, column)}")
    if any(each.changed for _, each in rows):
        show_line(f"  {_CHANGED}")


def _inputs(each: "Explained", column: str) -> str:
    """The formula's raw values that are there; what is empty or 0 is only counted."""
    formula = each.formulas.of(column)
    names = dict.fromkeys(each.names_of(formula)) if formula else {}
    cost = each.row.values.get(column)
    shown = []
    for name in names:
        value = each.inputs.get(name)
        if not _is_empty(value):
            same = " (this amount)" if _number(value) == cost else ""
            shown.append(f"{name} {value}{same}")
    left = len(names) - len(shown)
    if left:
        shown.append(f"{'all' if not shown else left} empty or 0")
    return "; ".join(shown) or "the formula names no column of the bill"


def _is_empty(value: str | None) -> bool:
    return value in (None, "") or _number(value) == 0


def _number(value: str | None) -> Decimal | None:
    """A raw text as a number, where it is one as it stands."""
    try:
        return Decimal(value) if value else None
    except InvalidOperation:
        return None


def show_row(address: "RowAddress", found: "Standing", rows: "Sequence[Explained]") -> None:
    """One charge whole, its raw row, and the other charges of that raw row."""
    from finops_stack.explain.formula import COSTS

    chosen = [each for each in rows if address.part in (None, each.row.address.part)]
    for each in chosen:
        _show_head(each, found)
        told: set[object] = set()
        for column in COSTS if each.row.is_known else ():
            cost = plain_text(each.row.values[column])
            show_line()
            show_line(f"{column} {cost} {each.row.values['BillingCurrency'] or ''}{_mark(each)}")
            _show_row_formula(each, column, told)
        show_line()
    if any(each.changed for each in chosen):
        show_line(_CHANGED)
    _show_others([each for each in rows if each not in chosen])
    _show_raw(chosen[0])


def _show_head(each: "Explained", found: "Standing") -> None:
    values, delivery = each.row.values, each.delivery
    show_line(str(each.row.address))
    lines = [("delivery", f"{each.row.address.delivery_id}, {found.words}")]
    if delivery:
        lines.append(("bill", f"{delivery.source} {delivery.billing_period}"))
        told = [moment_text(delivery.delivered_at), delivery.manifest]
        lines.append(("delivered", ", ".join(text for text in told if text)))
    if each.raw:
        lines.append(("raw file", f"{each.raw.file.key}, sha256 {each.raw.file.sha256}"))
        lines.append(("its copy", f"{each.raw.file.path}, data row {each.raw.row} (from 0)"))
    if each.missing:
        lines.append(("raw row", each.missing))
    if each.row.is_known:
        period = (moment_text(values[name]) for name in ("ChargePeriodStart", "ChargePeriodEnd"))
        lines += [("charge", _kind(each)), ("period", " to ".join(period))]
        names = ("ServiceName", "ChargeDescription", "SubAccountId", "RegionId", "ResourceId")
        lines += [(name, plain_text(values[name])) for name in names if values[name]]
    elif each.raw:
        lines.append(("charge", "none is published of this raw row"))
    for name, text in lines:
        show_line(f"  {name:<18} {text}")


def _show_row_formula(each: "Explained", column: str, told: set[object]) -> None:
    formula = each.formulas.of(column)
    if formula is None:
        show_line(f"  no formula: {each.formulas.problem}")
        return
    again = list(dict.fromkeys(step.column for step in formula.steps if step in told))
    _show_formula(formula, told, each.recomputed.rules if each.recomputed else None)
    if again:
        show_line(f"  as above: {', '.join(again)}")
    if each.raw:
        show_line(f"  in this row: {_inputs(each, column)}")


def _show_others(others: "Sequence[Explained]") -> None:
    for each in others:
        costs = ", ".join(f"{n} {plain_text(each.row.values[n])}" for n in ("BilledCost",))
        show_line(f"also made of this raw row: {each.row.address} ({_kind(each)}; {costs})")


def _show_raw(each: "Explained") -> None:
    if each.raw is None:
        return
    filled = [(name, value) for name, value in each.raw.values.items() if value not in (None, "")]
    title = f"the raw row: {len(filled)} of {len(each.raw.values)} columns hold something"
    show_table(("raw column", "value"), filled, title=title)
