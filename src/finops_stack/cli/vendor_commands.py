"""finops vendors, finops vendor new, test, schema: what is supported, and how to add to it."""

import json
import shutil
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import tomlkit
import typer

from finops_stack.cli.context import Context
from finops_stack.cli.output import show_json, show_table
from finops_stack.config import load_config
from finops_stack.errors import InputError
from finops_stack.vendors.catalog import load_vendors, vendor_folders
from finops_stack.vendors.listing import VendorLine, vendor_lines, vendors_markdown

if TYPE_CHECKING:
    from finops_stack.vendors.scaffold import Proposal

SCHEMA_FILE = "vendor.schema.json"
DEFAULT_FOLDER = "vendors"


class ListFormat(StrEnum):
    """How the list of vendors is shown."""

    text = "text"
    json = "json"
    markdown = "markdown"


def register(app: typer.Typer) -> None:
    """Add the verbs."""
    app.command(epilog="Example: finops vendors --format json")(vendors)
    group = typer.Typer(
        no_args_is_help=True, help="Describe a vendor of your own: new, test, schema."
    )
    group.command(epilog="Example: finops vendor new acme --from invoice-2026-09.csv")(new)
    group.command(epilog="Example: finops vendor test acme")(test)
    group.command(epilog=f"Example: finops vendor schema > {SCHEMA_FILE}")(schema)
    app.add_typer(group, name="vendor")


def vendors(
    context: typer.Context,
    output: Annotated[ListFormat, typer.Option("--format", help="text, json or markdown.")] = (
        ListFormat.text
    ),
) -> None:
    """List vendors: their bills, how they are found, status, known gaps."""
    state: Context = context.obj
    own = state.session.config.vendor_folders if state.config_path.is_file() else ()
    lines = vendor_lines(load_vendors(own), vendor_folders())
    if output is ListFormat.json:
        show_json([line.as_dict() for line in lines])
    elif output is ListFormat.markdown:
        typer.echo(vendors_markdown(lines), nl=False)
    else:
        _show(lines)
        state.reporter.say('next: finops add VENDOR LOCATION, or "finops vendor new" for another')


def _show(lines: list[VendorLine]) -> None:
    rows = [[v.name, v.title, v.bills, v.made_by, v.status, v.gaps] for v in lines]
    show_table(["vendor", "name", "bills", "made by", "status", "known gaps"], rows)


def new(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="Name of the vendor: a-z, 0-9 and _.")],
    sample: Annotated[Path, typer.Option("--from", help="File of one bill: csv, JSON, Parquet.")],
    folder: Annotated[
        Path | None, typer.Option(help="Where vendors of your own lie. Default: from finops.toml.")
    ] = None,
) -> None:
    """Propose a vendor folder from the file of one bill."""
    from finops_stack.ingest.sample import read_sample
    from finops_stack.vendors.scaffold import propose

    state: Context = context.obj
    root = folder or _own_folder(state)
    target = root / name
    if target.exists():
        raise InputError(f"{target} is already there", hint="give another name, or remove it")
    with state.session.lake.engine.connect() as connection:
        found = read_sample(connection, sample)
    proposal = propose(name, sample.name, found.columns, found.read)
    _write(target, proposal, sample)
    _register_folder(state.config_path, root)
    _show_proposal(state, name, target, proposal)


def _own_folder(state: Context) -> Path:
    own = state.session.config.vendor_folders
    return own[0] if own else state.config_path.resolve().parent / DEFAULT_FOLDER


def _write(target: Path, proposal: "Proposal", sample: Path) -> None:
    for name, text in proposal.files.items():
        path = target / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    delivery = target / "fixtures" / "sample" / "delivery"
    delivery.mkdir(parents=True)
    shutil.copyfile(sample, delivery / sample.name)
    (target.parent / SCHEMA_FILE).write_text(schema_text(), encoding="utf-8")


def _register_folder(config_path: Path, root: Path) -> None:
    """vendor_folders in finops.toml, so that "finops add" finds the vendor; comments stay."""
    if root.resolve() in [f.resolve() for f in load_config(config_path).vendor_folders]:
        return
    document = tomlkit.parse(config_path.read_text(encoding="utf-8"))
    folders = [*document.get("vendor_folders", []), _relative(root, config_path)]
    if "vendor_folders" in document:
        document["vendor_folders"] = folders
        text = tomlkit.dumps(document)
    else:
        # Before the first table: a key after one would belong to it.
        line = f"vendor_folders = {json.dumps(folders)}\n"
        text = line + tomlkit.dumps(document)
    config_path.write_text(text, encoding="utf-8")


def _relative(root: Path, config_path: Path) -> str:
    home = config_path.resolve().parent
    resolved = root.resolve()
    return str(resolved.relative_to(home) if resolved.is_relative_to(home) else resolved)


def _show_proposal(state: Context, name: str, target: Path, proposal: "Proposal") -> None:
    rows = [[focus, column] for focus, column in sorted(proposal.mapped.items())]
    show_table(["FOCUS column", "column of the bill"], rows, title=f"proposed for {name}")
    if proposal.unmapped:
        state.out.print(f"not mapped: {', '.join(proposal.unmapped)}")
    for column in proposal.missing:
        state.reporter.warn(f"no column of the sample looks like {column}", "say it in vendor.toml")
    for note in proposal.notes:
        state.reporter.warn(note)
    state.out.print(f"wrote {target}")
    state.reporter.say(f"next: edit {target / 'vendor.toml'}, then: finops vendor test {name}")


def test(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="Name of the vendor.")],
    rows: Annotated[int, typer.Option(help="How many FOCUS rows to show of each case.")] = 5,
) -> None:
    """Run a vendor's fixtures through every step, in a lake that is thrown away."""
    from finops_stack.cli.vendor_trial import show_trial, try_vendor

    state: Context = context.obj
    trial = try_vendor(state, name)
    show_trial(state, trial, rows=rows)
    if trial.exit_code:
        raise typer.Exit(trial.exit_code)


def schema(context: typer.Context) -> None:
    """Print the JSON Schema of vendor.toml, for editors."""
    typer.echo(schema_text(), nl=False)


def schema_text() -> str:
    """The JSON Schema, as docs/ has it too."""
    from finops_stack.vendors.schema import vendor_schema

    return json.dumps(vendor_schema(), indent=2, ensure_ascii=False) + "\n"
