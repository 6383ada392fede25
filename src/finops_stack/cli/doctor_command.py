"""finops doctor."""

from collections.abc import Iterator
from typing import Annotated

import typer
from rich.console import Console
from rich.text import Text

from finops_stack.cli import diagnosis
from finops_stack.cli.context import Context
from finops_stack.cli.diagnosis import Finding
from finops_stack.cli.format import screen_text
from finops_stack.cli.output import FormatOption, show_json, stdout_console
from finops_stack.errors import EXIT_FAILED, EXIT_INPUT, FinopsError

_STYLES = {"ok": "green", "warning": "yellow", "error": "bold red"}


def register(app: typer.Typer) -> None:
    """Add the verb."""
    app.command(epilog="Example: finops doctor --clean")(doctor)


def doctor(
    context: typer.Context,
    clean: Annotated[
        bool, typer.Option("--clean", help="Remove what killed runs left in the lake folder.")
    ] = False,
    output: FormatOption = "text",
) -> None:
    """Check installation, settings, lake, sources and disk; say what to do."""
    state: Context = context.obj
    found = []
    console = stdout_console()
    for finding in _findings(state, clean=clean):
        found.append(finding)
        if output == "text":
            _show(console, finding)
    if output == "json":
        show_json([finding.to_dict() for finding in found])
    wrong = [finding for finding in found if finding.level == "error"]
    if wrong:
        state.reporter.say(f"next: {wrong[0].todo or 'mend ' + wrong[0].subject}")
        closed = any(finding.lake_closed for finding in wrong)
        raise typer.Exit(EXIT_FAILED if closed else EXIT_INPUT)
    state.reporter.say("next: finops status")


def _findings(state: Context, *, clean: bool) -> Iterator[Finding]:
    """One after the other, so that a slow one does not hide the others."""
    yield from diagnosis.check_packages()
    try:
        session = state.session
    except FinopsError as error:
        yield diagnosis.of_error("settings", error)
        return
    yield Finding("ok", "settings", str(state.config_path))
    yield from diagnosis.check_extensions(session.lake)
    yield from diagnosis.check_lake(session.lake, now=state.now(), clean=clean)
    yield from diagnosis.check_raw(session, now=state.now(), clean=clean)
    yield from diagnosis.check_run(session.lake, clean=clean)
    for source in session.config.sources:
        yield diagnosis.check_source(session, source)
    if not session.config.sources:
        yield Finding("warning", "sources", "none yet", 'add one: "finops add VENDOR LOCATION"')
    yield diagnosis.check_disk(session.lake, newest_size=diagnosis.newest_size(session.lake))


def _show(console: Console, finding: Finding) -> None:
    line = Text(f"{finding.level:<8}", style=_STYLES[finding.level])
    line.append(f"{finding.subject}: {screen_text(finding.text)}", style="default")
    console.print(line, soft_wrap=True)
    if finding.todo:
        console.print(Text(f"        → {screen_text(finding.todo)}"), soft_wrap=True)
