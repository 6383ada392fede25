"""finops sources."""

from typing import TYPE_CHECKING, Any

import typer

from finops_stack.cli.context import Context
from finops_stack.cli.format import moment_text
from finops_stack.cli.output import FormatOption, show_json, show_table

if TYPE_CHECKING:
    from finops_stack.cli.planning import SourcePlan
    from finops_stack.warehouse.register import DeliveryRow


def register(app: typer.Typer) -> None:
    """Add the verb."""
    app.command(epilog="Example: finops sources --format json")(sources)


def sources(context: typer.Context, output: FormatOption = "text") -> None:
    """List sources: their format, newest delivery and last load."""
    from finops_stack.cli.planning import plan_sources

    state: Context = context.obj
    loads = _last_loads(state)
    gone = sorted(set(loads) - {source.name for source in state.session.config.sources})
    # Without any source the hint how to add one is of more use, unless bills are there.
    plans = plan_sources(state.session) if state.session.config.sources or not gone else []
    found = [_described(plan, loads.get(plan.source.name)) for plan in plans]
    found += [_no_longer_set_up(loads[name]) for name in gone]
    if output == "json":
        show_json(found)
    else:
        _show(found)
    errors = [(plan.source.name, plan.error) for plan in plans if plan.error]
    for name, error in errors:
        state.reporter.warn(f"source {name}: {error.message}", error.hint)
    waiting = any(bill.loads for plan in plans for bill in plan.bills)
    state.reporter.say(f"next: {'finops run' if waiting else 'finops status'}")
    if errors:
        raise typer.Exit(errors[0][1].exit_code)


def _last_loads(state: Context) -> "dict[str, DeliveryRow]":
    """Source → what was landed last."""
    from finops_stack.warehouse.register import deliveries

    if not state.session.lake.exists():
        return {}
    with state.session.lake.open(read_only=True) as connection:
        return {row.source: row for row in deliveries(connection)}


def _no_longer_set_up(load: "DeliveryRow") -> dict[str, Any]:
    """A source that finops.toml does not name any more; its bills stay as they were published."""
    return {
        "source": load.source,
        "vendor": load.vendor,
        "location": None,
        "layout": load.layout,
        "form": load.form,
        "months": None,
        "newest_delivery": None,
        "last_load": _last_load(load),
        "configured": False,
        "error": None,
    }


def _last_load(load: "DeliveryRow") -> dict[str, Any]:
    return {
        "billing_period": load.billing_period,
        "delivery_id": load.delivery_id,
        "landed_at": load.landed_at,
        "rows": load.raw_rows,
    }


def _described(plan: "SourcePlan", load: "DeliveryRow | None") -> dict[str, Any]:
    newest = max(
        (bill.delivery for bill in plan.bills), key=lambda d: (d.period, d.complete), default=None
    )
    return {
        "source": plan.source.name,
        "vendor": plan.source.vendor,
        "location": plan.source.location,
        "layout": newest.layout if newest else None,
        "form": load.form if load else None,
        "months": len({bill.delivery.period for bill in plan.bills}),
        "newest_delivery": newest
        and {
            "billing_period": str(newest.period),
            "delivery_id": newest.delivery_id,
            "delivered_at": newest.delivered_at,
            "complete": newest.complete,
        },
        "last_load": load and _last_load(load),
        "configured": True,
        "error": plan.error.message if plan.error else None,
    }


def _show(found: list[dict[str, Any]]) -> None:
    headers = ("source", "vendor", "format", "months", "newest delivery", "last load", "location")
    show_table(headers, [_row(each) for each in found], right=("months",))


def _row(each: dict[str, Any]) -> list[object]:
    newest, load = each["newest_delivery"], each["last_load"]
    if not each["configured"]:
        delivery = "not in finops.toml any more; its bills stay published"
    elif each["error"]:
        delivery = "cannot be read"
    elif newest:
        note = "" if newest["complete"] else " (incomplete)"
        delivery = f"{newest['billing_period']} {newest['delivery_id']}{note}"
    else:
        delivery = ""
    last = f"{load['billing_period']} at {moment_text(load['landed_at'])}" if load else "never"
    form = ", ".join(part for part in (each["layout"], each["form"]) if part)
    place = each["location"] or ""
    months = "" if each["months"] is None else each["months"]
    return [each["source"], each["vendor"], form, months, delivery, last, place]
