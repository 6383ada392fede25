"""Which verbs there are, in the order of the help."""

import typer

from finops_stack.cli import (
    check_command,
    conformance_command,
    doctor_command,
    explain_command,
    export_command,
    history_command,
    publish_command,
    query_command,
    reconcile_command,
    report_command,
    rollback_command,
    run_command,
    setup_commands,
    sources_command,
    status_command,
    vendor_commands,
)


def register(app: typer.Typer) -> None:
    """Add every verb to the command."""
    setup_commands.register(app)
    sources_command.register(app)
    vendor_commands.register(app)
    run_command.register(app)
    status_command.register(app)
    check_command.register(app)
    conformance_command.register(app)
    reconcile_command.register(app)
    query_command.register(app)
    report_command.register(app)
    explain_command.register(app)
    export_command.register(app)
    history_command.register(app)
    publish_command.register(app)
    rollback_command.register(app)
    doctor_command.register(app)
