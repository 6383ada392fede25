"""An explanation as JSON: all that a viewer needs to show it and to link to each step."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from finops_stack.explain.address import RowAddress
    from finops_stack.explain.explained import Explained
    from finops_stack.explain.number import Number
    from finops_stack.explain.publication import Standing


def number_dict(number: "Number", rows: "Sequence[Explained]", snapshot: int) -> dict[str, Any]:
    """A number, its parts, and the charges that weigh most; formulas once each."""
    return {
        "column": number.column,
        "charges_of": number.selection.words,
        "snapshot": snapshot,
        "totals": [vars(total) for total in number.totals],
        "splits": [
            {
                "by": list(split.names),
                "parts": [vars(part) | {"values": list(part.values)} for part in split.parts],
            }
            for split in number.splits
        ],
        "rows": [_charge(each) for each in rows],
        "formulas": _formulas(rows),
    }


def row_dict(
    address: "RowAddress", found: "Standing", rows: "Sequence[Explained]"
) -> dict[str, Any]:
    """All charges of one raw row."""
    return {
        "address": str(address),
        "delivery_state": found.words,
        "is_published": found.is_published,
        "snapshot": found.snapshot,
        "rows": [_charge(each) for each in rows],
        "formulas": _formulas(rows),
    }


def _charge(each: "Explained") -> dict[str, Any]:
    address, delivery = each.row.address, each.delivery
    return {
        "address": str(address),
        "source": address.source,
        "delivery_id": address.delivery_id,
        "file": address.file,
        "row": address.row,
        "part": address.part,
        "billing_period": str(each.row.period),
        "manifest": delivery.manifest if delivery else None,
        "delivered_at": delivery.delivered_at if delivery else None,
        "landed_at": delivery.landed_at if delivery else None,
        "focus": dict(each.row.values) if each.row.is_known else None,
        "raw": each.raw.to_dict() if each.raw else None,
        "no_raw_row": each.missing or None,
        "inputs": dict(each.inputs),
        "formula": _key(each),
        "recomputed": dict(each.recomputed.costs) if each.recomputed else None,
        "rules_that_hold": sorted(each.recomputed.rules) if each.recomputed else None,
        "formula_gives_the_costs": each.holds,
        "rules_changed_since": each.changed,
    }


def _formulas(rows: "Sequence[Explained]") -> dict[str, Any]:
    return {_key(each): each.formulas.to_dict() for each in rows}


def _key(each: "Explained") -> str:
    formulas = each.formulas
    key = f"{formulas.vendor}/{formulas.form}"
    return key if formulas.part is None else f"{key}/{formulas.part}"
