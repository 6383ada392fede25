"""A judgement as text, JSON, one HTML page, or JUnit's XML for a pipeline."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from html import escape
from importlib.resources import files
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree

from finops_stack.cli.format import count_text, money_text
from finops_stack.cli.output import show_line
from finops_stack.conformance.words import sentence

if TYPE_CHECKING:
    from finops_stack.cli.conformance_lift import Lift
    from finops_stack.conformance.rulebook import Judgement, Verdict
    from finops_stack.conformance.waivers import Waiver

_LIFTED = {
    "repaired": "repaired when read as a source",
    "partly": "partly repaired when read as a source",
    "kept": "not repaired when read as a source",
}
_TABLE_HEAD = (
    "<table><thead><tr><th>state</th><th>rule</th><th>rows</th><th>cost touched</th>"
    "<th>examples</th></tr></thead>\n<tbody>"
)


@dataclass(frozen=True)
class Report:
    """A judgement, of what, by whose emitters, and which failures are known of them."""

    name: str
    judgement: "Judgement"
    emitters: tuple[str, ...] = ()
    waived: "Mapping[str, Waiver]" = field(default_factory=dict)
    lift: "Lift | None" = None

    @property
    def open_errors(self) -> "list[Verdict]":
        """Errors no waiver covers."""
        return [v for v in self.judgement.errors if v.rule.id not in self.waived]

    @property
    def waived_errors(self) -> "list[Verdict]":
        """Errors that are known of the emitter."""
        return [v for v in self.judgement.errors if v.rule.id in self.waived]

    def counts(self) -> dict[str, int]:
        """Status → number of rules."""
        found = Counter(verdict.status for verdict in self.judgement.verdicts)
        return {
            "rules": len(self.judgement.verdicts),
            "passed": found["passed"],
            "errors": len(self.open_errors),
            "waived": len(self.waived_errors),
            "advice": len(self.judgement.advice),
            "absent": found["absent"],
            "not_judged": found["not judged"],
        }


def show_text(report: Report, *, every: bool) -> None:
    """Counts, then every failed rule with its rows, the worst first."""
    judged = report.judgement
    counts = report.counts()
    show_line(
        f"{report.name}: {judged.dataset} of FOCUS {judged.version}, {count_text(judged.rows)} rows"
    )
    show_line(
        f"{counts['rules']} rules: {counts['passed']} passed, {counts['errors']} errors,"
        f" {counts['waived']} waived, {counts['advice']} advice, {counts['absent']} about columns"
        f" that are not there, {counts['not_judged']} not judged"
    )
    for word, verdicts in (
        ("error", report.open_errors),
        ("waive", report.waived_errors),
        ("advice", judged.advice),
    ):
        for verdict in _worst_first(verdicts):
            _show_verdict(report, word, verdict)
    if every:
        for verdict in judged.verdicts:
            if verdict.status != "failed":
                note = f" ({verdict.why})" if verdict.why else ""
                show_line(f"  {verdict.status}: {verdict.rule.id} {sentence(verdict.rule)}{note}")
    if report.lift:
        _show_lift(report.lift)


def _show_lift(lift: "Lift") -> None:
    show_line(lift_summary(lift))
    for word, verdicts in _lifted(lift).items():
        for verdict in _worst_first(verdicts):
            rows = "" if word == "repaired" else f", {count_text(verdict.violations)} rows"
            show_line(f"  {word:<8} {verdict.rule.id}: {sentence(verdict.rule)}{rows}")


def lift_summary(lift: "Lift") -> str:
    """What the delivered files break, and how much of it is left once they are read."""
    files = lift.delivered
    return (
        f"as delivered (FOCUS {files.version}, {count_text(files.rows)} rows): {len(files.errors)}"
        f" errors; reading repairs {len(lift.repaired)}, keeps {len(lift.kept)}"
        f" and adds {len(lift.added)}"
    )


def _lifted(lift: "Lift") -> "dict[str, list[Verdict]]":
    return {"repaired": lift.repaired, "kept": lift.kept, "added": lift.added}


def _show_verdict(report: Report, word: str, verdict: "Verdict") -> None:
    rule = verdict.rule
    show_line(f"  {word:<6} {rule.id}: {sentence(rule)}")
    show_line(f"         {_touched(report, verdict)}")
    if waiver := report.waived.get(rule.id):
        show_line(f"         known: {waiver.why} ({waiver.source})")
        show_line(f"         {_LIFTED[waiver.lift]}: {waiver.repair}")
    for sample in verdict.samples:
        show_line("         " + ", ".join(f"{name}={value}" for name, value in sample.items()))


def _touched(report: Report, verdict: "Verdict") -> str:
    operator = verdict.rule.requirement[0]
    if operator == "present":
        due = f", due where {verdict.rule.applies_when}" if verdict.rule.applies_when else ""
        return f"the column is not there{due}"
    if operator in ("naming", "order", "conforms_to_attribute"):
        return f"{count_text(verdict.violations)} columns"
    rows = f"{count_text(verdict.violations)} of {count_text(report.judgement.rows)} rows"
    total = report.judgement.cost
    share = f" ({verdict.cost / total:.1%} of all)" if total else ""
    return f"{rows}, cost touched {money_text(verdict.cost)}{share}"


def _worst_first(verdicts: "Iterable[Verdict]") -> "list[Verdict]":
    return sorted(verdicts, key=lambda v: (-abs(v.cost), -v.violations, v.rule.id))


def as_dict(reports: Sequence[Report], *, every: bool) -> dict[str, Any]:
    """For programs: counts, and each failed rule (every: each rule).

    Several datasets stand in a list.
    """
    if len(reports) == 1:
        return _report_dict(reports[0], every=every)
    return {
        "what": reports[0].name,
        "conforms": not any(report.open_errors for report in reports),
        "datasets": [_report_dict(report, every=every) for report in reports],
    }


def _report_dict(report: Report, *, every: bool) -> dict[str, Any]:
    judged = report.judgement
    shown = [v for v in judged.verdicts if every or v.status == "failed"]
    return {
        "what": report.name,
        "dataset": judged.dataset,
        "focus_version": judged.version,
        "rows": judged.rows,
        "billed_cost": judged.cost,
        "emitters": list(report.emitters),
        "counts": report.counts(),
        "conforms": not report.open_errors,
        "rules": [_verdict_dict(report, verdict) for verdict in shown],
        "as_delivered": report.lift and _lift_dict(report.lift),
    }


def _lift_dict(lift: "Lift") -> dict[str, Any]:
    return {
        "focus_version": lift.delivered.version,
        "rows": lift.delivered.rows,
        "errors": len(lift.delivered.errors),
        **{
            word: [{"rule": v.rule.id, "says": sentence(v.rule)} for v in verdicts]
            for word, verdicts in _lifted(lift).items()
        },
    }


def _verdict_dict(report: Report, verdict: "Verdict") -> dict[str, Any]:
    from finops_stack.conformance.rulebook import is_due

    rule, waiver = verdict.rule, report.waived.get(verdict.rule.id)
    return {
        "rule": rule.id,
        "column": rule.column,
        "keyword": rule.keyword,
        "kind": rule.kind,
        "says": sentence(rule),
        "status": verdict.status,
        "is_error": verdict.status == "failed" and is_due(rule) and waiver is None,
        "violations": verdict.violations,
        "billed_cost": verdict.cost,
        "why": verdict.why or None,
        "waiver": waiver
        and {
            "why": waiver.why,
            "source": waiver.source,
            "lift": waiver.lift,
            "repair": waiver.repair,
        },
        "samples": verdict.samples,
    }


def as_junit(reports: Sequence[Report]) -> str:
    """One test case a rule, so that a pipeline shows which failed; one suite a dataset."""
    suites = [_suite(report) for report in reports]
    root = suites[0]
    if len(suites) > 1:
        root = ElementTree.Element("testsuites")
        root.extend(suites)
    text: str = ElementTree.tostring(root, encoding="unicode")
    return f'<?xml version="1.0" encoding="utf-8"?>\n{text}\n'


def _suite(report: Report) -> ElementTree.Element:
    judged, counts = report.judgement, report.counts()
    suite = ElementTree.Element(
        "testsuite",
        name=f"FOCUS {judged.version} {judged.dataset}: {report.name}",
        tests=str(counts["rules"]),
        failures=str(counts["errors"]),
        skipped=str(counts["absent"] + counts["not_judged"] + counts["waived"]),
    )
    failed = {verdict.rule.id for verdict in report.open_errors}
    for verdict in judged.verdicts:
        case = ElementTree.SubElement(
            suite, "testcase", classname=verdict.rule.column, name=verdict.rule.id
        )
        if verdict.rule.id in failed:
            failure = ElementTree.SubElement(case, "failure", message=sentence(verdict.rule))
            failure.text = _touched(report, verdict)
        elif verdict.status in ("absent", "not judged") or verdict.rule.id in report.waived:
            ElementTree.SubElement(case, "skipped", message=verdict.why or verdict.status)
    return suite


def as_html(reports: Sequence[Report]) -> str:
    """One page that can be mailed: nothing in it is loaded from elsewhere."""
    page = files("finops_stack.cli").joinpath("conformance.html").read_text(encoding="utf-8")
    return page.format(
        title=escape(f"{reports[0].name}: FOCUS {reports[0].judgement.version}"),
        sections="".join(map(_section, reports)),
    )


def _section(report: Report) -> str:
    judged, counts = report.judgement, report.counts()
    title = f"{report.name}: {judged.dataset} of FOCUS {judged.version}"
    summary = (
        f"{count_text(judged.rows)} rows, {counts['rules']} rules: {counts['passed']} passed,"
        f" {counts['errors']} errors, {counts['waived']} known deviations of the emitter,"
        f" {counts['advice']} advice, {counts['absent']} about columns that are not there,"
        f" {counts['not_judged']} that no machine can judge from the rows."
    )
    rows = [
        _html_row(report, word, verdict)
        for word, verdicts in (
            ("error", report.open_errors),
            ("waived", report.waived_errors),
            ("advice", judged.advice),
        )
        for verdict in _worst_first(verdicts)
    ]
    none = '<tr><td colspan="5">Every rule that was judged holds.</td></tr>'
    return (
        f"<h1>{escape(title)}</h1>\n<p>{escape(summary)}</p>\n{_TABLE_HEAD}"
        f"{''.join(rows) or none}</tbody></table>\n{_lift_section(report.lift)}"
    )


def _lift_section(lift: "Lift | None") -> str:
    if lift is None:
        return ""
    items = "".join(
        f"<li>{word}: <b>{escape(verdict.rule.id)}</b> {escape(sentence(verdict.rule))}</li>"
        for word, verdicts in _lifted(lift).items()
        for verdict in _worst_first(verdicts)
    )
    return f"<h2>{escape(lift_summary(lift))}</h2>\n<ul>{items}</ul>\n"


def _html_row(report: Report, word: str, verdict: "Verdict") -> str:
    rule, waiver = verdict.rule, report.waived.get(verdict.rule.id)
    samples = "<br>".join(
        f"<code>{escape(', '.join(f'{k}={v[:200]}' for k, v in sample.items()))}</code>"
        for sample in verdict.samples
    )
    note = ""
    if waiver:
        known = f"{waiver.why} ({waiver.source}). {_LIFTED[waiver.lift]}: {waiver.repair}"
        note = f"<br>Known: {escape(known)}"
    cells = (
        f'<td class="{word}">{word}</td>',
        f"<td><b>{escape(rule.id)}</b><br>{escape(sentence(rule))}{note}</td>",
        f'<td class="n">{count_text(verdict.violations)}</td>',
        f'<td class="n">{money_text(verdict.cost)}</td>',
        f"<td>{samples}</td>",
    )
    return f"<tr>{''.join(cells)}</tr>"
