"""The fenced blocks of a page of docs/, run from its first line to its last in one folder.

    ```sql title="migrations/001_orders.sql"          a file; `title="…, at its end"` adds to it
    ```console                                        `$ command`, and what it prints; `…` stands for anything
    ```sh                                             commands that ask for what a test has not: read, not run

A command ends with the exit code of the verdict that is shown for it, else with 0.
"""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import click
from command import command_here
from markdown_it import MarkdownIt
from pgcontract import cli
from ruamel.yaml import YAML

ROOT = Path(__file__).parents[2]
ADDED = ", at its end"
ENDS = {" BLOCKED ": 1, " INCOMPLETE ": 3, "error: ": 2}
_TITLE = re.compile(r'title="([^"]+)"')
_INCLUDED = re.compile(r'^--8<-- "([^":]+)"\n', re.MULTILINE)  # as the pages' own extension reads it
_SHELL = re.compile(r"[|<>;&$*]")


@dataclass(frozen=True, kw_only=True)
class Snippet:
    """A fenced block: its language, the file that it is, if it is one, and the line that it begins on."""

    language: str
    file: str | None
    text: str
    line: int


@dataclass(frozen=True, kw_only=True)
class Shown:
    """A command of a console block, and what the page shows of its output."""

    command: str
    output: str

    @property
    def code(self) -> int:
        """The exit code that goes with what is shown."""
        return next((code for word, code in ENDS.items() if f"\n{word}" in f"\n{self.output}"), 0)


def snippets(page: Path) -> list[Snippet]:
    """The page's blocks in order."""
    found = []
    for token in MarkdownIt().parse(page.read_text("utf-8")):
        if token.type == "fence":
            assert token.map
            language, _, rest = token.info.strip().partition(" ")
            title = _TITLE.search(rest)
            text = _INCLUDED.sub(lambda match: (ROOT / match[1]).read_text("utf-8"), token.content)
            found.append(Snippet(language=language, file=title[1] if title else None, text=text, line=token.map[0] + 1))
    return found


def shown(text: str) -> Iterator[Shown]:
    """The commands of a console block; a line that ends with a backslash goes on."""
    for part in re.split(r"^\$ ", text, flags=re.MULTILINE)[1:]:
        command, output = re.fullmatch(r"((?:[^\n]*\\\n)*[^\n]*\n)(.*)", part, re.DOTALL).groups()  # type: ignore[union-attr]
        yield Shown(command=command.strip(), output=output.strip("\n"))


def is_so(shown: str, actual: str) -> bool:
    """Whether the output is what the page shows of it."""
    lines = ("(?:.*\n)*?" if line == "…" else re.escape(line).replace("…", ".*") + "\n" for line in shown.split("\n"))
    return re.fullmatch("".join(lines), _lines(actual)) is not None


def _lines(output: str) -> str:
    return "".join(f"{line.rstrip()}\n" for line in output.strip("\n").split("\n"))


def run(folder: Path, command: str, settings: Mapping[str, str]) -> tuple[int, str]:
    """The command as typed in the folder: its exit code, and all that it prints."""
    if command.startswith("pgcontract ") and not _SHELL.search(command):
        said = command_here(folder)(*shlex.split(command)[1:], **settings)
        return said.code, said.out + said.err
    programs, beside = folder.parent / "programs", Path(sys.executable).parent
    programs.mkdir(exist_ok=True)
    (programs / "pgcontract").write_text(f'#!/bin/sh\nexec "{sys.executable}" -m pgcontract "$@"\n', "utf-8")
    (programs / "pgcontract").chmod(0o755)
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", command],
        cwd=folder,
        env={**os.environ, **settings, "PATH": os.pathsep.join([str(programs), str(beside), os.environ["PATH"]])},
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


def write(folder: Path, file: str, text: str) -> None:
    """The file, or what is added to it."""
    path = folder / file.removesuffix(ADDED)
    path.parent.mkdir(parents=True, exist_ok=True)
    before = path.read_text("utf-8") + "\n" if file.endswith(ADDED) else ""
    path.write_text(before + text, "utf-8")


def read(snippet: Snippet) -> None:
    """Raises where a block that is not run cannot be read, or nothing here knows how to."""
    match snippet.language:
        case "yaml":
            YAML(typ="safe").load(snippet.text)
        case "toml":
            tomllib.loads(snippet.text)
        case "python":
            compile(snippet.text, f"line {snippet.line}", "exec")
        case "sh":
            subprocess.run(["bash", "-n", "-c", snippet.text], check=True)
            for command in re.findall(r"^pgcontract .*(?:\\\n.*)*", snippet.text, re.MULTILINE):
                understand(shlex.split(command.replace("\\\n", " "), comments=True)[1:])
        case "text" | "diff":
            pass
        case _:
            raise AssertionError(f"line {snippet.line}: {snippet.language or 'a block without a word'} is not known here")


def understand(words: list[str]) -> None:
    """Raises where the command line has no such command, option or argument; nothing is run."""
    words = words[: next((at for at, word in enumerate(words) if _SHELL.match(word)), len(words))]
    group = cli.commands
    name, command, rest = group.resolve_command(click.Context(group), words)
    assert command
    command.make_context(name, rest, resilient_parsing=False)
