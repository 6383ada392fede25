"""finops conformance: any FOCUS file, or what is published, against every rule of a version."""

from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory, gettempdir
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from finops_stack.cli.bill_notes import read_notes, say_notes
from finops_stack.cli.conformance_report import Report, as_dict, as_html, as_junit, show_text
from finops_stack.cli.context import Context
from finops_stack.cli.output import show_json
from finops_stack.errors import EXIT_HELD, InputError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from duckdb import DuckDBPyConnection

    from finops_stack.warehouse.engine import Engine

Output = Literal["text", "json", "html", "junit"]
_LAKE_VERSION = "1.4"


def register(app: typer.Typer) -> None:
    """Add the verb."""
    app.command(epilog="Example: finops conformance focus-2026-09.parquet --focus-version 1.2")(
        conformance
    )


def conformance(
    context: typer.Context,
    what: Annotated[
        str | None,
        typer.Argument(help="File or folder, or a source; default: everything published."),
    ] = None,
    focus_version: Annotated[
        str | None, typer.Option(help="1.0 to 1.4; default: as the columns tell.")
    ] = None,
    dataset: Annotated[
        str | None,
        typer.Option(help="CostAndUsage, ContractCommitment, InvoiceDetail or BillingPeriod."),
    ] = None,
    output: Annotated[Output, typer.Option("--format", help="text, json, html or junit.")] = "text",
    every: Annotated[bool, typer.Option("--all", help="List rules that pass, too.")] = False,
) -> None:
    """Judge FOCUS data by every rule of its version; exit code 3 on violations."""
    state: Context = context.obj
    reports = _judge(state, what, focus_version, dataset)
    if output == "json":
        show_json(as_dict(reports, every=every))
    elif output == "html":
        typer.echo(as_html(reports), nl=False)
    elif output == "junit":
        typer.echo(as_junit(reports), nl=False)
    else:
        for report in reports:
            show_text(report, every=every)
    if any(report.open_errors for report in reports):
        state.reporter.say("next: finops conformance --format html > report.html, to pass it on")
        raise typer.Exit(EXIT_HELD)


def _judge(
    state: Context, what: str | None, version: str | None, dataset: str | None
) -> list[Report]:
    """A path that is there is judged as files; anything else must be a source."""
    if what is not None and (Path(what).exists() or _looks_like_path(what)):
        return _judge_files(state, Path(what), version, dataset)
    return [_judge_published(state, what, version or _LAKE_VERSION)]


def _looks_like_path(what: str) -> bool:
    return any(mark in what for mark in ("/", "\\", "."))


def _judge_files(
    state: Context, path: Path, version: str | None, dataset: str | None
) -> list[Report]:
    """One report a dataset; needs no settings and no lake."""
    from finops_stack.conformance.inputs import open_inputs

    with TemporaryDirectory() as staging, _engine(state).connect() as connection:
        found = open_inputs(connection, path, dataset=dataset, staging=Path(staging))
        relations = {each.dataset: each.relation for each in found}
        return [
            _report(
                connection,
                each.relation,
                each.columns,
                name=str(path),
                version=version or each.version,
                dataset=each.dataset,
                others=relations,
            )
            for each in found
        ]


def _engine(state: Context) -> "Engine":
    """The limits of finops.toml where there is one, else the defaults."""
    from finops_stack.config import EngineSettings
    from finops_stack.warehouse.engine import Engine

    if state.config_path.is_file():
        return state.session.lake.engine
    defaults = EngineSettings()
    return Engine(defaults.memory_limit, Path(gettempdir()), defaults.threads)


def _judge_published(state: Context, source: str | None, version: str) -> Report:
    from finops_stack.cli.conformance_lift import judge_lift, published_relation
    from finops_stack.focus.spec import version_select

    if source is not None:
        state.session.sources(source)
    say_notes(state.reporter, read_notes(state.session.lake, source=source))
    with state.session.lake.published() as connection:
        report = _report(
            connection,
            published_relation(version, source),
            tuple(name for name, _ in version_select(version)),
            name=f"source {source}" if source else "all published bills",
            version=version,
        )
        lift = judge_lift(state.session, connection, source) if source else None
        return replace(report, lift=lift)


def _report(
    connection: "DuckDBPyConnection",
    relation: str,
    columns: tuple[str, ...],
    *,
    name: str,
    version: str,
    dataset: str = "CostAndUsage",
    others: "Mapping[str, str] | None" = None,
) -> Report:
    from finops_stack.conformance.rulebook import judge_relation
    from finops_stack.conformance.waivers import emitters, waived
    from finops_stack.warehouse.engine import EngineError, first_line

    try:
        judgement = judge_relation(
            connection, relation, version=version, dataset=dataset, others=others
        )
        providers = emitters(connection, relation, columns)
    except EngineError as error:
        raise InputError(
            f"{name} cannot be judged: {first_line(error)}", hint="check that the file is whole"
        ) from error
    return Report(name, judgement, providers, waived(judgement, providers))
