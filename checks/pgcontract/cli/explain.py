"""`pgcontract explain`: a check in words, and by an example of each kind."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from difflib import SequenceMatcher, unified_diff
from typing import TYPE_CHECKING, Final

import click

from pgcontract.errors import InputError
from pgcontract.result import CheckInfo

if TYPE_CHECKING:
    from pgcontract.rules.examples import Example

WIDTH: Final = 88
_NOTHING: Final[Mapping[str, str]] = {}
_ALIKE: Final = 0.5


@click.command("explain")
@click.argument("check")
def command(check: str) -> int:
    """Explain why CHECK matters, how it is measured, and what to do when it is broken, with an example.

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
    examples = () if infos[name].plugin else example_blocks(name)
    click.echo("\n\n".join((_words(infos[name]), *examples)))
    return 0


def _words(info: CheckInfo) -> str:
    parts = (("Why it matters", info.why), ("How it is measured", info.how), ("What to do", info.remedy))
    paragraphs = (f"{info.title}.", *(f"{heading}: {text}" for heading, text in parts))
    whose = f" · from the plug-in {info.plugin}" if info.plugin else ""
    heading = f"{click.style(info.id, bold=True)} · {info.severity.value}{whose}"
    return "\n\n".join((heading, *(click.wrap_text(paragraph, width=WIDTH) for paragraph in paragraphs)))


def example_blocks(check: str) -> Iterator[str]:
    """The example that keeps it, and what makes the other one break it, a block a file."""
    from pgcontract.rules.examples import example_pair

    kept, broken = example_pair(check)
    for word, example, before in (("kept", kept, _NOTHING), ("broken", broken, kept.whole_files)):
        status = example.expected["status"]
        heading = word.capitalize() + (f", told as {status}" if status != word else "") + _answer(example)
        yield f"{click.wrap_text(heading, width=WIDTH)}:"
        for path, text in example.whole_files.items():
            yield f"  {path}\n{_shown(text, before.get(path))}"


def _answer(example: Example) -> str:
    """What the check says of it, where the case gives it whole."""
    said = example.expected
    if example.is_kept:
        return ""
    if str(summary := said.get("summary", "")).endswith("."):
        return f" (“{summary}”)"
    if {"expected", "actual"} <= said.keys():
        return f" ({said['expected']} was declared, {said['actual']} is there)"
    return ""


def _shown(text: str, before: str | None) -> str:
    """The file's text, or what differs from the one of that name above where most of it is the same."""
    lines, before_lines = text.splitlines(), (before or "").splitlines()
    if text == before:
        lines = ["as above"]
    elif SequenceMatcher(a=before_lines, b=lines).ratio() > _ALIKE:
        lines = ["as above, but for", *list(unified_diff(before_lines, lines, n=0, lineterm=""))[2:]]
        lines = [line for line in lines if not line.startswith("@@")]
    return "\n".join(f"    {line}".rstrip() for line in lines)
