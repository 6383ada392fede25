"""Which verbs there are, in the order of the help."""

import typer

from finops_stack.cli import run_command, setup_commands


def register(app: typer.Typer) -> None:
    """Add every verb to the command."""
    setup_commands.register(app)
    run_command.register(app)
