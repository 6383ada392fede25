"""The finops command."""

import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from finops_stack import __version__
from finops_stack.cli import commands
from finops_stack.cli.context import Context
from finops_stack.cli.stdout import end_with_reader
from finops_stack.config import CONFIG_FILE
from finops_stack.errors import EXIT_FAILED, FinopsError

app = typer.Typer(
    name="finops",
    help="Every cloud bill one FOCUS table, proven right to the cent.",
    epilog="Example: finops init && finops add aws s3://my-billing-bucket/exports && finops run",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"finops {__version__}")
        raise typer.Exit


@app.callback()
def options(
    context: typer.Context,
    config: Annotated[Path, typer.Option(help="Settings file.", envvar="FINOPS_CONFIG")] = Path(
        CONFIG_FILE
    ),
    json_logs: Annotated[bool, typer.Option("--json", help="Log as JSON lines on stderr.")] = False,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Say more.")] = False,
    debug: Annotated[bool, typer.Option(help="Show tracebacks.", hidden=True)] = False,
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    """Options that go before the verb."""
    context.obj = Context(config_path=config, json_logs=json_logs, verbose=verbose)


commands.register(app)


def main() -> None:
    """Entry point: the one place where a user's error becomes two lines and an exit code."""
    end_with_reader()
    try:
        app(standalone_mode=True)
    except FinopsError as error:
        _show(error)
        sys.exit(error.exit_code)
    except Exception as error:
        if "--debug" in sys.argv:
            raise
        _show(_unexpected(error))
        sys.exit(EXIT_FAILED)
    finally:
        # Here, and not when Python ends: there a broken pipe could only be printed.
        sys.stdout.flush()


def _unexpected(error: Exception) -> FinopsError:
    """What nobody foresaw, still in two lines; --debug shows where it came from."""
    first = str(error).strip().splitlines()[0] if str(error).strip() else "no message"
    return FinopsError(
        f"{type(error).__name__}: {first}",
        hint='this is a fault of ours: run "finops --debug …" and report what it prints',
    )


def _show(error: FinopsError) -> None:
    console = Console(stderr=True, soft_wrap=True)
    console.print("[bold red]error:[/] ", end="", highlight=False)
    console.print(error.message, markup=False, highlight=False)
    if error.hint:
        console.print(f"hint:  {error.hint}", markup=False, highlight=False)


if __name__ == "__main__":
    main()
