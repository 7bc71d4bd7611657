"""`pgcontract explain`: a check in words."""

from __future__ import annotations

import click

from pgcontract.errors import InputError


@click.command("explain")
@click.argument("check")
def command(check: str) -> int:
    """Why CHECK matters, how it is measured, and what to do where it is broken.

    CHECK is an id that `pgcontract list` prints; an item of a report, column.type[email], is taken too.
    """
    from pgcontract.rules import registry

    checks = registry.checks()
    name = check.partition("[")[0]
    if name not in checks:
        near = registry.nearest(name, checks)
        hint = f"did you mean {near!r}?" if near else "`pgcontract list` prints them all."
        raise InputError(f"no check is called {name!r}; {hint}")
    chosen = checks[name]
    click.echo(f"{click.style(chosen.id, bold=True)} · {chosen.severity.value}\n\n{chosen.explanation}")
    return 0
