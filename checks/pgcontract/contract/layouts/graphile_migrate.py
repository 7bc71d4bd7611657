"""graphile-migrate: `committed/<digits>-<name>.sql`, each with the hash of the one before it; behind them current.sql.

As its source says (1.4): by the digits as text; each is sent whole, in a transaction unless its first line below the
header says `--! no-transaction`; a file whose hash is not that of its text, or that follows another one, is refused.
What is in current.sql is run in development alone, until it is committed.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from hashlib import sha1
from pathlib import Path
from typing import Final

from pgcontract.contract.folder_issues import Refusal, ignored_issue, is_sql, refused_issue
from pgcontract.contract.migration import Migration
from pgcontract.contract.migration_folder import Folder, FolderIssue, FolderReading, IssueKind
from pgcontract.contract.tool_history import ToolHistory
from pgcontract.errors import InputError
from pgcontract.model.sql import Execution, Placeholder, TransactionScope, fill, make_script
from pgcontract.result import Severity

NAME: Final = "graphile-migrate"
SENTENCE: Final = "by the digits in front, each file in a transaction but where it says “--! no-transaction”"
DEPLOY: Final = "graphile-migrate migrate"
HISTORY: Final = ToolHistory(
    table="graphile_migrate.migrations",
    columns=("filename", "hash"),
    order="filename",
    names=lambda row, migration: row["filename"].removesuffix(".sql") == migration.display_name,
    compares=True,
)

_FILE: Final = re.compile(r"([0-9]+)(?:-[-_a-zA-Z0-9]*)?\.sql")
_HEADER: Final = re.compile(r"(?:--! [A-Z]\w*(?::[^\n]*)?(?:\n|\Z))+")
_FIELD: Final = re.compile(r"^--! ([A-Z]\w*)(?::(.*))?$", re.MULTILINE)
_OPENS: Final = re.compile(r"\s*--!\s*Previous:")
_OUTSIDE_MARK: Final = re.compile(r"\s*--![^\S\n]*no-transaction\b")
_INCLUDES: Final = re.compile(r"^--!\s*include\b", re.MULTILINE)
_OWN: Final = ("DATABASE_NAME", "DATABASE_OWNER")
_PLACEHOLDER: Final = re.compile(r""""(:[A-Za-z]\w*)"\s*:\s*"((?:[^"\\!]|\\.)*)\"""")
_SETTINGS: Final = (".gmrc", ".gmrc.jsonc")
_OUTSIDE: Final = "Commit it alone, in a current.sql whose first line is “--! no-transaction”."


def recognises(folder: Folder) -> str | None:
    """committed/ with files that name the hash of the one before, in the folder or in migrations/ below; or itself."""
    top = _top(folder)
    if top is None:
        return None
    if top == folder.path.parent:
        return "is committed/, with “--! Previous:” in its files"
    return f"has {folder.name(top / 'committed')}/, with “--! Previous:” in its files"


def read_folder(folder: Folder) -> FolderReading:
    """What is committed, by its digits, and what is in current.sql behind it."""
    top = _top(folder)
    inner = folder.below(top / "committed") if top is not None and top != folder.path.parent else folder
    files = sorted((path for path in inner.files() if _FILE.fullmatch(path.name)), key=lambda path: _digits(path))
    if not files:
        raise InputError("holds no migration; committed ones are called <digits>-<name>.sql", file=str(inner.path))
    values = _values(folder, inner.path.parent)
    migrations, issues = list[Migration](), list[FolderIssue]()
    for before, path in zip((None, *files[:-1]), files, strict=True):
        migrations.append(migration := _migration(folder, path, values, issues))
        if refusal := _refusal(_fields(folder, before), folder.source(path).text):
            issues.append(refused_issue(migration.file, migration.key, str(path), refusal))
    for path in inner.files(""):
        if is_sql(path) and path not in files:
            why = "is passed over: its name is not <digits>-<name>.sql, in letters, digits, - and _."
            issues.append(ignored_issue(folder, path, why, "Rename it, or move it out of the folder."))
    current = top / "current.sql" if top is not None and top != folder.path.parent else None
    assumptions: tuple[str, ...] = ()
    if current is not None and folder.has(current) and folder.any_text(current).text.strip():
        script = make_script(folder.any_text(current))
        if script.statements and not _INCLUDES.search(script.text):
            migrations.append(_migration(folder, current, values, issues))
            assumptions = (f"{folder.name(current)} is taken as what is committed next: until then no deploy runs it.",)
        elif script.statements:
            assumptions = (f"{folder.name(current)} includes other files, and is not read: commit it first.",)
    elif current is not None and (parts := current.with_suffix("")).is_dir() and folder.below(parts).files():
        assumptions = (f"{folder.name(parts)}/ is not read: commit it first.",)
    return FolderReading(migrations=tuple(migrations), issues=tuple(issues), assumptions=assumptions)


def _top(folder: Folder) -> Path | None:
    """The folder that holds committed/."""
    if folder.only is not None:
        return None
    committed = {
        folder.path / "committed": folder.path,
        folder.path / "migrations" / "committed": folder.path / "migrations",
    }
    for path, top in committed.items():
        if path.is_dir() and _is_committed(folder.below(path)):
            return top
    return folder.path.parent if folder.place.name == "committed" and _is_committed(folder) else None


def _is_committed(folder: Folder) -> bool:
    return any(_OPENS.match(folder.opening(path)) for path in folder.files())


def _digits(path: Path) -> str:
    match = _FILE.fullmatch(path.name)
    return match[1] if match else path.stem


def _fields(folder: Folder, path: Path | None) -> dict[str, str]:
    header = _HEADER.match(folder.source(path).text) if path is not None else None
    return {name: (value or "").strip() for name, value in _FIELD.findall(header[0])} if header else {}


def _refusal(before: Mapping[str, str], text: str) -> Refusal | None:
    """Why it is not run behind the one before."""
    header = _HEADER.match(text)
    fields = {name: (value or "").strip() for name, value in _FIELD.findall(header[0])} if header else {}
    remedy = "Take the change back, and write it into current.sql."
    if header is None or not fields.get("Previous") or not fields.get("Hash"):
        why = "has no “--! Previous:” and “--! Hash:” at its top, which graphile-migrate asks for"
        return Refusal(why=why, line=1, remedy="Have `graphile-migrate commit` write it.")
    if fields["Previous"].removeprefix("-") != before.get("Hash", ""):
        why = "does not stand behind the file whose hash it names as Previous: graphile-migrate stops at that"
        return Refusal(why=why, line=1, remedy="`graphile-migrate uncommit` and `commit` it again, behind the others.")
    if not text[header.end() :].startswith("\n"):
        why = "has no empty line behind its header: graphile-migrate stops at that"
        return Refusal(why=why, line=header[0].count("\n") + 1, remedy="Write one.")
    body = f"{fields['Previous'].removeprefix('-')}\n{text[header.end() :].strip()}".strip() + "\n"
    actual = f"sha1:{sha1(body.encode(), usedforsecurity=False).hexdigest()}"
    if ("AllowInvalidHash" in fields) == (actual != fields["Hash"]):
        return None
    why = "is not as it was committed: its hash is another, and graphile-migrate refuses it"
    return Refusal(why=why, line=1, remedy=remedy)


def _values(folder: Folder, top: Path) -> dict[str, str]:
    """Of the placeholders: those that .gmrc has, but for what it takes from the environment, and those that are given."""
    configured: dict[str, str] = {}
    for name in _SETTINGS:
        configured |= {name[1:]: value for name, value in _PLACEHOLDER.findall(folder.settings(top.parent / name))}
    return configured | dict(folder.values)


def _migration(folder: Folder, path: Path, values: Mapping[str, str], issues: list[FolderIssue]) -> Migration:
    source, key = folder.any_text(path), path.stem
    header = _HEADER.match(source.text)
    names = "|".join(map(re.escape, sorted({*_OWN, *values}, key=len, reverse=True)))
    found = list(re.finditer(rf"(?<!:):({names})\b", source.text))
    given = [Placeholder(start=one.start(), end=one.end(), value=values[one[1]]) for one in found if one[1] in values]
    text, passages = fill(source.text, source.path, given) if given else (source.text, ())
    for name in dict.fromkeys(one[1] for one in found if one[1] not in values):
        issues.append(
            FolderIssue(
                kind=IssueKind.PLACEHOLDER,
                subject=name,
                summary=f":{name} has no value: graphile-migrate takes it from its connection.",
                remedy=f"Give it with --set {name}=VALUE.",
                severity=Severity.ERROR,
                key=key,
                path=source.path,
            )
        )
    outside = _OUTSIDE_MARK.match(source.text, header.end() if header else 0)
    scope = TransactionScope.MESSAGE if outside else TransactionScope.FILE
    return Migration(
        key=key,
        display_name=_digits(path),
        file=folder.name(path),
        up=make_script(
            source,
            text=text,
            passages=tuple(passages),
            execution=Execution(transaction=scope, outside_transaction=False),
        ),
        outside_remedy=_OUTSIDE,
        down_remedy="graphile-migrate has no way back: write a migration that takes this one back.",
    )
