"""`pgcontract list`: every check there is."""

from __future__ import annotations

import click


@click.command("list")
def command() -> int:
    """List every check: its id, how severe a broken promise is, its title, and the plug-in that brings it."""
    from pgcontract.runner import check_infos

    infos = check_infos()
    width = max(map(len, infos), default=0)
    for info in infos.values():
        whose = f" ({info.plugin})" if info.plugin else ""
        click.echo(f"{click.style(info.id.ljust(width), bold=True)}  {info.severity.value:<8}  {info.title}{whose}")
    return 0
