"""The reference: pages that MkDocs is given of the checks, the files, the command line and the layouts that there are."""

from __future__ import annotations

import html
import importlib
import inspect
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import click
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from pgcontract import cli
from pgcontract.cli.explain import example_blocks
from pgcontract.contract import json_schema
from pgcontract.contract.layouts import layouts
from pgcontract.contract.migration_folder import Folder
from pgcontract.contract.unread_tools import TOOLS
from pgcontract.reporting.json import run_json_schema
from pgcontract.result import CheckInfo
from pgcontract.rules.registry import checks
from pgcontract.runner import check_infos

FILES = {
    "contract": "What one migration promises: `contracts/<migration>/contract.toml`, or `<migration>.contract.toml`.",
    "claims": "What a document says, beside the contract that it is about: `claims.toml`.",
    "pgcontract": "What holds for the whole chain: `pgcontract.toml`, or `[tool.pgcontract]` in `pyproject.toml`.",
}
OTHERS = "claims and waivers"  # which the runner decides, with the findings of all others before it


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Puts the pages behind the written ones."""
    families = [{_title(family): f"reference/checks/{_slug(family)}.md"} for family in _families()]
    assert config.nav is not None
    config.nav.append(
        {
            "Reference": [
                {"Every check": "reference/checks.md"},
                *({f"{file}.toml": f"reference/{file}.md"} for file in FILES),
                {"The command line": "reference/command-line.md"},
                {"Layouts": "reference/layouts.md"},
                {"run.json": "reference/run.md"},
                {"Checks by family": families},
            ]
        }
    )
    return config


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Adds the pages."""
    for path, text in _pages():
        files.append(File.generated(config, f"reference/{path}.md", content=text))
    return files


def _pages() -> Iterator[tuple[str, str]]:
    families = _families()
    rows = [
        (f"[`{info.id}`](checks/{_slug(family)}.md#{_anchor(info.id)})", info.severity.value, info.title)
        for family, infos in families.items()
        for info in infos
    ]
    said = "What each weighs where it is broken, and what it promises. `pgcontract list` prints the same."
    yield "checks", _page("Every check", said, _table(("check", "severity", "promise"), sorted(rows)))
    for family, infos in families.items():
        yield f"checks/{_slug(family)}", _page(_title(family), _about(family), *map(_check, infos))
    for file, about in FILES.items():
        also = (
            f"\n\n`pgcontract schema {file}` prints it as JSON Schema, by which an editor completes and checks the file."
        )
        yield file, _page(f"{file}.toml", about + also, *_objects(json_schema(file), file))
    yield (
        "run",
        _page(
            "run.json",
            "A whole run, from which every report is made: `--json FILE`, `--report DIR`. `pgcontract schema run` prints "
            "this as JSON Schema; `format` is its version, and goes up with each change that a reader could trip over.",
            *_objects(run_json_schema(), "run.json"),
        ),
    )
    yield "command-line", _page("The command line", *_commands())
    yield "layouts", _page("Layouts", "How each tool's folder is known, and how it is run.", *_layouts())


def _page(title: str, *parts: str) -> str:
    return "\n\n".join((f"# {title}", *parts)) + "\n"


def _table(head: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    cells = [head, ("---",) * len(head), *(tuple(_cell(text) for text in row) for row in rows)]
    return "\n".join(f"| {' | '.join(row)} |" for row in cells)


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


def _code(text: str) -> str:
    """In a table, where a backquoted text cannot hold a bar."""
    return f"<code>{html.escape(text).replace('|', '&#124;')}</code>"


def _plain(text: str) -> str:
    """Words of the code, so that Markdown takes nothing in them for its own."""
    return text.replace("<", "&lt;").replace("*", "\\*").replace("[", "\\[").replace("_", "\\_")


def _families() -> Mapping[str, list[CheckInfo]]:
    """The checks by the folder of their rule."""
    folder = {name: check.ask.__module__.split(".")[2] for name, check in checks().items()}
    families: dict[str, list[CheckInfo]] = defaultdict(list)
    for name, info in check_infos().items():
        families[folder.get(name, OTHERS)].append(info)
    return dict(sorted(families.items()))


def _title(family: str) -> str:
    return family.capitalize()


def _slug(family: str) -> str:
    return family.replace(" ", "-")


def _anchor(check: str) -> str:
    return check.replace(".", "-")


def _about(family: str) -> str:
    if family == OTHERS:
        return "What is decided when all other checks have been asked."
    return (inspect.getdoc(importlib.import_module(f"pgcontract.rules.{family}")) or "").split("\n\n")[0]


def _check(info: CheckInfo) -> str:
    example = "\n\n".join(example_blocks(info.id))
    indented = "\n".join(f"    {line}".rstrip() for line in ("```text", *example.splitlines(), "```"))
    return "\n\n".join(
        (
            f"## {info.id} {{ #{_anchor(info.id)} }}",
            f"{_plain(info.title)}. *{info.severity.value}*",
            f"**Why it matters:** {_plain(info.why)}",
            f"**How it is measured:** {_plain(info.how)}",
            f"**What to do:** {_plain(info.remedy)}",
            f'??? example "Kept and broken"\n\n{indented}',
        )
    )


def _objects(schema: Mapping[str, Any], name: str) -> Iterator[str]:
    """A table of keys for the file itself, and for each kind of value that one of its keys can have."""
    kinds: Mapping[str, Any] = schema.get("$defs", {})
    yield from _object(_without_names_of_texts(schema, kinds), name)
    for kind, definition in sorted(kinds.items()):
        if _has_keys(definition):
            yield f"## {_kind(kind)} {{ #{kind.lower()} }}"
            yield _plain(definition.get("description", "").split("\n\n")[0])
            yield from _object(_without_names_of_texts(definition, kinds), kind)


def _without_names_of_texts(schema: Any, kinds: Mapping[str, Any]) -> Any:
    """Each reference to a kind that has no keys of its own replaced by what that is."""
    match schema:
        case {"$ref": str(reference), **rest} if not _has_keys(kinds[_name(reference)]):
            return _without_names_of_texts({**kinds[_name(reference)], **rest}, kinds)
        case dict():
            return {key: _without_names_of_texts(value, kinds) for key, value in schema.items() if key != "$defs"}
        case list():
            return [_without_names_of_texts(value, kinds) for value in schema]
    return schema


def _name(reference: str) -> str:
    return reference.rpartition("/")[2]


def _has_keys(kind: Mapping[str, Any]) -> bool:
    return bool({"properties", "oneOf", "enum"} & kind.keys())


def _object(schema: Mapping[str, Any], name: str) -> Iterator[str]:
    if "enum" in schema:
        yield " · ".join(f"`{value}`" for value in schema["enum"])
    variants = [variant for variant in schema.get("oneOf", ()) if "properties" in variant]
    for variant in variants:
        yield f"### {variant['title']} {{ #{name.lower()}-{variant['title'].replace('_', '-')} }}"
        yield _plain(variant.get("description", ""))
        common = variants[0]["properties"] if variant is not variants[0] else {}
        shown = {key: value for key, value in variant["properties"].items() if key not in common or "const" in value}
        yield _keys({**variant, "properties": shown})
    if schema.get("properties"):
        yield _keys(schema)


def _kind(name: str) -> str:
    """`Foreign key` of `ForeignKeySpec`."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name.removesuffix("Spec")).capitalize()


def _keys(schema: Mapping[str, Any]) -> str:
    required = schema.get("required", ())
    return _table(
        ("key", "type", "default", "what it says"),
        [
            (
                f"`{key}`",
                _type(value),
                "*required*" if key in required else _default(value),
                _plain(str(value.get("description", ""))),
            )
            for key, value in schema["properties"].items()
        ],
    )


def _default(value: Mapping[str, Any]) -> str:
    default = value.get("default")
    if default in (None, [], {}, ""):
        return ""
    return f"`{str(default).lower() if isinstance(default, bool) else default}`"


def _type(value: Mapping[str, Any]) -> str:
    match value:
        case {"$ref": str(reference)}:
            kind = _name(reference)
            return f"[{_kind(kind)}](#{kind.lower()})"
        case {"const": constant}:
            return f"`{constant}`"
        case {"enum": words}:
            return " · ".join(f"`{word}`" for word in words)
        case {"anyOf": kinds} | {"oneOf": kinds}:
            removable = [kind for kind in kinds if "removed" not in kind.get("properties", ())]
            return " or ".join(dict.fromkeys(map(_type, removable)))
        case {"type": "array", "items": dict(item)}:
            return f"list of {_type(item)}"
        case {"type": "object", "additionalProperties": dict(item)}:
            return f"{_type(item)} by name"
        case {"type": "object"}:
            return "table"
        case {"type": "array"}:
            return "list"
        case {"type": str(word)}:
            return word
        case {"type": list(words)}:
            return " or ".join(words)
    return "any"


def _commands() -> Iterator[str]:
    group = cli.commands
    context = click.Context(group, info_name="pgcontract")
    yield _plain(inspect.cleandoc(group.help or "").partition("\b")[0].strip())
    yield "[The verdict](../concepts.md#the-verdict) says what each exit code means."
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        inner = click.Context(command, info_name=name, parent=context)
        yield f"## pgcontract {name}"
        yield f"```text\n{command.get_usage(inner).removeprefix('Usage: ')}\n```"
        yield _plain(inspect.cleandoc(command.help or "").replace("\b\n", ""))
        records = [record for param in command.get_params(inner) if (record := param.get_help_record(inner))]
        yield _table(("option", "what it does"), [(_code(words), _plain(text)) for words, text in records if text])


def _layouts() -> Iterator[str]:
    known = list(layouts().values())
    yield _table(
        ("read as", "recognised by", "run"),
        [
            (f"[{layout.NAME}](#{layout.NAME})", _plain(inspect.getdoc(layout.recognises) or ""), _plain(layout.SENTENCE))
            for layout in known
        ],
    )
    for layout in known:
        yield f"## {layout.NAME}"
        yield inspect.getdoc(layout) or ""
    yield "## Not read"
    yield "These are recognised, and answered with how to get at their SQL."
    nowhere = Folder(path=Path(), root=Path())
    yield _table(("tool", "instead"), [(tool.name, _plain(tool.instead(nowhere))) for tool in TOOLS])
