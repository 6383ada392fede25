"""finops init, add, sources: settings and sources."""

from pathlib import Path
from typing import Annotated

import tomlkit
import typer
from pydantic import ValidationError

from finops_stack.cli.context import Context
from finops_stack.cli.format import bytes_text
from finops_stack.cli.output import show_table
from finops_stack.config import Source, load_config
from finops_stack.deliveries.discover import Found, discover
from finops_stack.deliveries.storage import SECTIONS, open_storage, scheme_of
from finops_stack.errors import InputError
from finops_stack.vendors.catalog import load_vendor
from finops_stack.vendors.manifest import Vendor

TEMPLATE = """# Settings of Open FinOps Stack. "# name = value" shows a default or an example.
# The environment wins over this file: FINOPS_LAKE__PATH, FINOPS_ENGINE__MEMORY_LIMIT, ...

# account_names = "accounts.csv"          # csv: account_id,account_name
# vendor_folders = ["my-vendors"]         # vendors of your own

[lake]
path = "lake"                  # local folder: catalogue, data, lock, work files
# For a team, in place of the SQLite catalogue (password: PGPASSWORD or ~/.pgpass):
# catalog = "postgres:host=db.example.org dbname=finops user=finops"
# In place of the local data folder (keys: the AWS credential chain):
# storage = "s3://my-lake/finops"

[engine]
# memory_limit = "800MB"       # what does not fit goes to disk
# threads = 4                  # default: all cores

[retention]
# days = 30                    # how long replaced bills and snapshots stay readable

[currency]
# Costs of several currencies are never added up; converted ones stand beside them.
# reporting = "EUR"
# rates = "rates.csv"          # csv: month,from,to,rate

[reconcile]
# invoices = "invoices.csv"    # csv: invoice_id,month,currency,amount (docs/reconcile.md: more)
# rounding = 0                 # 0.01: a cent between an invoice and its charges is rounding

[checks]
# gate, warn or ignore, by check id ("finops check --all" lists them)
# "service-category-known" = "ignore"

[quality]
# When a finding about a bill or a source is one; amounts are in the bill's own currency.
# gone_cost = 100              # accounts and services that cost less a month are not missed
# rows_changed_pct = 50        # more or fewer rows than the month before
# rows_restated_pct = 20       # more or fewer rows than the delivery a bill replaces
# fresh_days = 4               # age of the newest delivery and charges of a source
# fresh_days_monthly = 45      # the same where bills come after their month, as invoices do
# fresh_days_by_source = { aws = 2 }

# Sources: written by "finops add VENDOR LOCATION".
"""

_ADD_EXAMPLES = """Example: finops add aws s3://my-billing-bucket/exports --name prod

finops add acme az://exports/costs --account mybills

finops add acme gs://my-billing-bucket/exports

finops add acme bigquery://my-project/billing/export_v1 --job-project my-project

finops add acme invoices/ --given customer=C-10042
"""
# Options of add that are named otherwise in finops.toml.
_OPTION_KEYS = {"job_location": "location"}


def register(app: typer.Typer) -> None:
    """Add the verbs."""
    app.command(epilog="Example: finops init")(init)
    app.command(epilog=_ADD_EXAMPLES)(add)


def init(context: typer.Context) -> None:
    """Write a commented finops.toml; refuses to overwrite one."""
    state: Context = context.obj
    path = state.config_path
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(TEMPLATE)
    except FileExistsError as error:
        raise InputError(f"{path} is already there", hint="edit it, or remove it first") from error
    except OSError as error:
        raise InputError(f"{path} cannot be written: {error.strerror}") from error
    state.out.print(f"wrote {path}")
    state.reporter.say("next: finops add aws FOLDER_OR_URL")


def add(
    context: typer.Context,
    vendor: Annotated[str, typer.Argument(help="Whose bills, such as aws.")],
    location: Annotated[str, typer.Argument(help="Folder or URL the bills arrive in.")],
    name: Annotated[str | None, typer.Option(help="Name of the source.")] = None,
    given: Annotated[
        list[str] | None,
        typer.Option(help="COLUMN=VALUE that the bills leave out, such as a customer number."),
    ] = None,
    profile: Annotated[str | None, typer.Option(help="s3: profile to read with.")] = None,
    role_arn: Annotated[str | None, typer.Option(help="s3: role to assume first.")] = None,
    external_id: Annotated[str | None, typer.Option(help="s3: external id of that role.")] = None,
    region: Annotated[str | None, typer.Option(help="s3: region of the bucket.")] = None,
    account: Annotated[str | None, typer.Option(help="az: storage account.")] = None,
    tenant: Annotated[str | None, typer.Option(help="az: directory of the account.")] = None,
    project: Annotated[str | None, typer.Option(help="gs: project that pays.")] = None,
    job_project: Annotated[
        str | None,
        typer.Option(help="bigquery: project that runs and pays for queries."),
    ] = None,
    job_location: Annotated[
        str | None, typer.Option(help="bigquery: where queries run, such as EU.")
    ] = None,
    maximum_bytes_billed: Annotated[
        int | None, typer.Option(help="bigquery: refuse a query that would read more.")
    ] = None,
    endpoint_url: Annotated[str | None, typer.Option(help="Another server of that kind.")] = None,
) -> None:
    """Add a source after listing the deliveries it holds."""
    from finops_stack.cli.planning import file_months

    state: Context = context.obj
    config = state.session.config
    taken = {source.name for source in config.sources}
    asked = {
        "profile": profile,
        "role_arn": role_arn,
        "external_id": external_id,
        "region": region,
        "account": account,
        "tenant": tenant,
        "project": project,
        "job_project": job_project,
        "job_location": job_location,
        "maximum_bytes_billed": maximum_bytes_billed,
        "endpoint_url": endpoint_url,
    }
    settings = _settings(location, {key: value for key, value in asked.items() if value})
    folder = load_vendor(vendor, config.vendor_folders)
    if given:
        settings["given"] = _given_values(folder, given)
    source = _new_source(name or _free_name(vendor, taken), vendor, location, settings)
    if source.name in taken:
        raise InputError(f'a source is already called "{source.name}"', hint="give another --name")
    storage = open_storage(source)
    months = file_months(state.session, source, folder, storage)
    found = discover(source.name, folder, storage, months)
    _write_source(state.config_path, source, settings)
    _show_found(state, source, found)
    _say_not_given(state, source, folder)


def _settings(location: str, asked: dict[str, str | int]) -> dict[str, dict[str, str | int]]:
    """Section of the source → its settings. Raises InputError where an option is of another."""
    section = SECTIONS.get(scheme_of(location) or "", "")
    known = type(Source.model_fields[section].default).model_fields if section else {}
    keys = {_OPTION_KEYS.get(option, option): option for option in asked}
    for key, option in keys.items():
        if key not in known:
            others = ", ".join(f"--{each.replace('_', '-')}" for each in known) or "none"
            raise InputError(
                f"--{option.replace('_', '-')} is not for {location}",
                hint=f"options for such a place: {others}",
            )
    values = {key: asked[option] for key, option in keys.items()}
    return {section: values} if values else {}


def _given_values(vendor: Vendor, given: list[str]) -> dict[str, str | int]:
    """`customer=C-10042` → column and value. Raises InputError on what no form asks for."""
    known = {column for form in vendor.forms for column in (*form.given, *form.may_give)}
    values: dict[str, str | int] = {}
    for text in given:
        column, _, value = text.partition("=")
        if column not in known or not value:
            raise InputError(
                f'--given "{text}" is no COLUMN=VALUE that bills of {vendor.name} leave out',
                hint=f"columns: {', '.join(sorted(known)) or 'none'}",
            )
        values[column] = value
    return values


def _say_not_given(state: Context, source: Source, vendor: Vendor) -> None:
    """What a run would refuse for; only where every form of the vendor asks for it."""
    needed = [form.given for form in vendor.forms]
    for column, what in needed[0].items():
        if column not in source.given and all(column in given for given in needed):
            state.reporter.warn(
                f"the bills do not say the {what}:"
                f' add given = {{ {column} = "…" }} to this source in {state.config_path.name}'
            )


def _new_source(
    name: str, vendor: str, location: str, settings: dict[str, dict[str, str | int]]
) -> Source:
    if "://" not in location:
        location = str(Path(location).expanduser().resolve())
    try:
        return Source.model_validate(
            {"name": name, "vendor": vendor, "location": location, **settings}
        )
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        if first["loc"] == ("name",):
            raise InputError(
                f'"{name}" is no name for a source', hint="use a-z, 0-9 and -, up to 48 characters"
            ) from error
        place, message = first["loc"][-1], str(first["msg"]).removeprefix("Value error, ")
        raise InputError(f"{place}: {message}", hint="give it otherwise") from error


def _free_name(vendor: str, taken: set[str]) -> str:
    names = [vendor, *(f"{vendor}-{number}" for number in range(2, 1000))]
    return next(name for name in names if name not in taken)


def _write_source(path: Path, source: Source, settings: dict[str, dict[str, str | int]]) -> None:
    """Append the source; comments and order of the file stay. What it breaks is not written."""
    before = path.read_text(encoding="utf-8")
    document = tomlkit.parse(before)
    table = tomlkit.table()
    table.update({"name": source.name, "vendor": source.vendor, "location": source.location})
    table.update(settings)
    sources = document.get("sources")
    if sources is None:
        sources = tomlkit.aot()
        document["sources"] = sources
    sources.append(table)
    path.write_text(tomlkit.dumps(document), encoding="utf-8")
    try:
        load_config(path)
    except InputError:
        path.write_text(before, encoding="utf-8")
        raise


def _show_found(state: Context, source: Source, found: Found) -> None:
    chosen = found.chosen()
    rows = []
    for month, many in found.by_month.items():
        delivery = chosen.get(month, many[0])
        note = "" if delivery.complete else "  incomplete"
        size = bytes_text(delivery.size_bytes)
        name = delivery.delivery_id + note
        rows.append([str(month), name, delivery.layout, len(delivery.files), size])
    show_table(
        ["month", "delivery", "layout", "files", "size"],
        rows,
        right=["files", "size"],
        title=f"deliveries in {source.location}",
    )
    for delivery in found.waiting():
        state.reporter.warn(f"{delivery.period} {delivery.delivery_id}: {delivery.why_not()}")
    state.out.print(f"added source {source.name} ({source.vendor}): {len(chosen)} months")
    state.reporter.say("next: finops run")
