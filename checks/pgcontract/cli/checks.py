"""`pgcontract list`: every check there is."""

from __future__ import annotations

import click


@click.command("list")
def command() -> int:
    """Every check: its id, the severity of breaking it, its title."""
    from pgcontract.rules import registry

    checks = registry.checks()
    width = max(map(len, checks), default=0)
    for check in checks.values():
        click.echo(f"{click.style(check.id.ljust(width), bold=True)}  {check.severity.value:<8}  {check.title}")
    return 0
