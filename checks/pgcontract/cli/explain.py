"""`pgcontract explain`: a check in words."""

from __future__ import annotations

from typing import Final

import click

from pgcontract.errors import InputError
from pgcontract.result import CheckInfo

WIDTH: Final = 88


@click.command("explain")
@click.argument("check")
def command(check: str) -> int:
    """Explain why CHECK matters, how it is measured, and what to do when it is broken.

    CHECK is an id that `pgcontract list` prints, or an item of a report such as column.type[email].
    """
    from pgcontract.rules.registry import nearest
    from pgcontract.runner import check_infos

    infos = check_infos()
    name = check.partition("[")[0]
    if name not in infos:
        near = nearest(name, infos)
        hint = f"did you mean {near!r}?" if near else "`pgcontract list` prints them all."
        raise InputError(f"no check is called {name!r}; {hint}")
    click.echo(_words(infos[name]))
    return 0


def _words(info: CheckInfo) -> str:
    parts = (("Why it matters", info.why), ("How it is measured", info.how), ("What to do", info.remedy))
    paragraphs = (f"{info.title}.", *(f"{heading}: {text}" for heading, text in parts))
    heading = f"{click.style(info.id, bold=True)} · {info.severity.value}"
    return "\n\n".join((heading, *(click.wrap_text(paragraph, width=WIDTH) for paragraph in paragraphs)))
