"""FOCUS rows with all that stands behind them: delivery, raw row, formulas, and what is missing."""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from finops_stack.errors import InputError
from finops_stack.explain.formula import COSTS, FormFormulas, Formula
from finops_stack.explain.formulas import Formulas, is_configured
from finops_stack.explain.number import FocusRow
from finops_stack.explain.raw_rows import (
    RawRow,
    delivered_columns,
    is_kept,
    landed_file,
    read_raw,
)
from finops_stack.explain.recompute import Conversion, Recomputed, recompute
from finops_stack.ingest.landed import LandedFile, RawColumn
from finops_stack.vendors.manifest import Form, Vendor
from finops_stack.vendors.mapping_check import BILL_COLUMNS
from finops_stack.warehouse.register import DeliveryRow, deliveries, outcomes

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

NO_RAW_ROW = "no raw row: a model makes this charge from the whole bill"


@dataclass(frozen=True)
class Explained:
    """A charge and what it was made from.

    inputs: raw column of the formulas → its text in the raw row, where the bill has it.
    delivered: column of the form → how the bill calls the columns it is read from.
    missing: why there is no raw row. recomputed: what today's mapping gives; None where it was not
    run. changed: folder, settings or package are others than when the bill was converted.
    """

    row: FocusRow
    formulas: FormFormulas
    delivery: DeliveryRow | None = None
    raw: RawRow | None = None
    inputs: Mapping[str, str | None] = field(default_factory=dict)
    missing: str = ""
    recomputed: Recomputed | None = None
    changed: bool = False
    delivered: Mapping[str, Sequence[str]] = field(default_factory=dict)

    def names_of(self, formula: Formula) -> Iterator[str]:
        """How the bill calls the formula's columns; given ones by the settings' name."""
        for name in (*formula.inputs, *formula.given):
            yield from self.delivered.get(name, (name,))

    @property
    def holds(self) -> bool | None:
        """Whether the formulas give the published costs; None where that was not computed."""
        if self.recomputed is None or not self.row.is_known:
            return None
        costs = self.recomputed.costs
        return all(costs[name] == self.row.values[name] for name in COSTS)


@dataclass(frozen=True)
class Explainer:
    """Goes from FOCUS rows to raw rows.

    register: a connection to the lake at its newest snapshot, that may read the raw zone.
    given: a source's name → what its settings say. rules: tells conversions apart, see the
    register's outcomes.
    """

    register: "DuckDBPyConnection"
    formulas: Formulas
    raw_path: str
    given: Callable[[str], Mapping[str, str]]
    rules: Callable[[Vendor], str]

    def explain(self, rows: Sequence[FocusRow], *, whole: bool = False) -> list[Explained]:
        """In the order given. whole: with every column of the raw row, not the formulas' alone."""
        by_bill: dict[tuple[str, str, str], list[int]] = defaultdict(list)
        for place, row in enumerate(rows):
            address = row.address
            by_bill[address.source, str(row.period), address.delivery_id].append(place)
        found: dict[int, Explained] = {}
        for (source, period, delivery_id), places in by_bill.items():
            bill = self._bill(source, period, delivery_id, whole=whole)
            found |= zip(places, bill.explain([rows[place] for place in places]), strict=True)
        return [found[place] for place in range(len(rows))]

    def _bill(self, source: str, period: str, delivery_id: str, *, whole: bool) -> "_Bill":
        landed = deliveries(self.register, source=source, period=period, delivery_id=delivery_id)
        return _Bill(self, landed[-1] if landed else None, whole)

    def is_changed(self, delivery: DeliveryRow, vendor: Vendor) -> bool:
        """Whether the bill would be converted by other rules today."""
        done = [
            row.rules
            for row in outcomes(self.register, delivery.source, delivery.billing_period)
            if row.fingerprint == delivery.fingerprint and row.outcome != "refused"
        ]
        return bool(done) and done[-1] != self.rules(vendor)


class _Bill:
    """The rows of one delivery of one bill."""

    def __init__(self, explainer: Explainer, delivery: DeliveryRow | None, whole: bool) -> None:
        self._all = explainer
        self._delivery = delivery
        self._whole = whole

    def explain(self, rows: Sequence[FocusRow]) -> list[Explained]:
        delivery = self._delivery
        if delivery is None:
            none = FormFormulas("", "", "", {}, problem="its delivery is not in the register")
            return [Explained(row, none, missing=none.problem) for row in rows]
        formulas = [self._formulas(row) for row in rows]
        form = self._all.formulas.form(delivery.vendor, delivery.form)
        files, raw = self._raw_rows(delivery, rows, formulas, form)
        anew, changed = self._recomputed(delivery, rows, files, form)
        told = []
        for row, formula in zip(rows, formulas, strict=True):
            address = row.address
            found = raw.get((address.file, address.row))
            missing = "" if found else _why(row, files, delivery)
            key = (address.file or "", address.row or 0, address.part or 0)
            inputs, delivered = self._inputs(found, formula, form, delivery.source)
            told.append(
                Explained(
                    row,
                    formula,
                    delivery,
                    raw=found,
                    inputs=inputs,
                    delivered=delivered,
                    missing=missing,
                    recomputed=anew.get(key) if found else None,
                    changed=changed,
                )
            )
        return told

    def _formulas(self, row: FocusRow) -> FormFormulas:
        assert self._delivery
        delivery = self._delivery
        return self._all.formulas.of(delivery.vendor, delivery.form, row.address.part or 0)

    def _raw_rows(
        self,
        delivery: DeliveryRow,
        rows: Sequence[FocusRow],
        formulas: Sequence[FormFormulas],
        form: tuple[Vendor, Form] | InputError,
    ) -> tuple[dict[str, LandedFile], dict[tuple[str | None, int | None], RawRow]]:
        """Files by name, and the raw rows by file and row."""
        numbers: dict[str, list[int]] = defaultdict(list)
        for row in rows:
            if row.address.file is not None and row.address.row is not None:
                numbers[row.address.file].append(row.address.row)
        names = list(dict.fromkeys(name for each in formulas for name in each.inputs()))
        files: dict[str, LandedFile] = {}
        found: dict[tuple[str | None, int | None], RawRow] = {}
        for name, wanted in numbers.items():
            file = landed_file(delivery, name, self._all.raw_path)
            if file is None:
                continue
            files[name] = file
            columns = self._columns(file, names, form)
            for number, raw in read_raw(self._all.register, file, wanted, columns).items():
                found[name, number] = raw
        return files, found

    def _columns(
        self, file: LandedFile, names: Sequence[str], form: tuple[Vendor, Form] | InputError
    ) -> list[RawColumn]:
        wanted = [column for column in file.columns if self._whole and not column.source]
        if not isinstance(form, InputError):
            by_name = delivered_columns(form[1], file.columns, names)
            wanted += [column for found in by_name.values() for column in found]
        return list(dict.fromkeys(wanted))

    def _inputs(
        self,
        raw: RawRow | None,
        formulas: FormFormulas,
        form: tuple[Vendor, Form] | InputError,
        source: str,
    ) -> tuple[dict[str, str | None], dict[str, list[str]]]:
        """What the formulas' columns hold, by their delivered names, given ones by their own; and
        column of the form → delivered names."""
        if raw is None or isinstance(form, InputError):
            return {}, {}
        known: dict[str, str | None] = {
            "delivery_part": raw.file.part,
            "x_SourceFile": raw.file.name,
            "x_SourceRow": str(raw.row),
        }
        names = list(formulas.inputs())
        found = {name: known[name] for name in names if name in known}
        columns = delivered_columns(
            form[1], raw.file.columns, [name for name in names if name not in BILL_COLUMNS]
        )
        delivered = {name: [c.delivered for c in each] for name, each in columns.items()}
        found |= {name: raw.values.get(name) for each in delivered.values() for name in each}
        given = self._all.given(source)
        told = (name for each in formulas.by_column.values() for name in each.given)
        return found | {name: given.get(name) for name in told}, delivered

    def _recomputed(
        self,
        delivery: DeliveryRow,
        rows: Sequence[FocusRow],
        files: Mapping[str, LandedFile],
        form: tuple[Vendor, Form] | InputError,
    ) -> tuple[dict[tuple[str, int, int], Recomputed], bool]:
        if isinstance(form, InputError):
            return {}, False
        vendor, own = form
        changed = self._all.is_changed(delivery, vendor)
        if not is_configured(vendor, own):
            return {}, changed
        wanted: dict[LandedFile, list[int]] = defaultdict(list)
        for row in rows:
            file = files.get(row.address.file or "")
            if file is not None and row.address.row is not None and is_kept(file):
                wanted[file].append(row.address.row)
        by = Conversion(vendor, own, self._all.given(delivery.source))
        return recompute(self._all.register, by, delivery, wanted), changed


def _why(row: FocusRow, files: Mapping[str, LandedFile], delivery: DeliveryRow) -> str:
    """Why a charge has no raw row to show."""
    if row.address.file is None or row.address.row is None:
        return NO_RAW_ROW
    file = files.get(row.address.file)
    if file is None:
        return f"the register knows no file {row.address.file} of this delivery"
    if not is_kept(file):
        return f"the raw file of delivery {delivery.delivery_id} is no longer kept"
    return f"{file.path} cannot be read, or has no row {row.address.row}"
