"""Prisma Migrate: `<time>_<name>/migration.sql` below a folder that has migration_lock.toml.

As we understand it (prisma-engines): `prisma migrate deploy` takes the folders by name and sends each file as one
message, but for files that build an index CONCURRENTLY, whose statements newer engines send one by one. The way back is
what Prisma's manual makes: down.sql beside it, run by `prisma db execute`.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Final

from pgcontract.contract.folder_issues import ignored_issue, is_sql, name_order_issues, sent_byte_order_marks
from pgcontract.contract.migration import Migration
from pgcontract.contract.migration_folder import Folder, FolderIssue, FolderReading, IssueKind, from_the_top
from pgcontract.contract.tool_history import Late, ToolHistory
from pgcontract.contract.tool_marks import mark_in
from pgcontract.errors import InputError
from pgcontract.model.input_file import read_bytes
from pgcontract.model.sql import Execution, Script, make_script
from pgcontract.result import Severity

NAME: Final = "prisma"
SENTENCE: Final = "by the folders' names, each file sent as one message"
DEPLOY: Final = "npx prisma migrate deploy"
HISTORY: Final = ToolHistory(
    table="_prisma_migrations",
    columns=("migration_name", "checksum", "finished_at", "rolled_back_at"),
    order="started_at",
    names=lambda row, migration: row["migration_name"] == migration.key,
    in_force=lambda rows: [row for row in rows if not row.get("rolled_back_at")],
    failed=lambda row: "" if row.get("finished_at", "-") else "Prisma has no time of its end, and applies nothing more",
    agrees=lambda row, migration: row.get("checksum", "") in ("", *_checksums(Path(migration.up.path))),
    late=Late.RUNS,
    resets=True,
)

_LOCK: Final = "migration_lock.toml"
_UP: Final = "migration.sql"
_DOWN: Final = "down.sql"
_NAMED_BY_ANOTHER: Final = re.compile(r"[A-Z]?\d|R__")
_OF_DRIZZLE: Final = Path("meta") / "_journal.json"
_OF_OTHER_TOOLS: Final = ("snapshot.json", "up.sql")  # Drizzle's, beside its migration.sql, and diesel's
_PROVIDERS: Final = ("postgresql", "postgres")
_ONE_MESSAGE: Final = Execution(outside_transaction=False)
_LINE: Final = re.compile(r"at line (\d+)")
_DIGITS: Final = re.compile(r"\d+(?=_)")


def recognises(folder: Folder) -> str | None:
    """migration_lock.toml in it; or one folder with a migration.sql, with the lock above it; or, where nothing in it is
    another tool's, folders with a migration.sql."""
    if folder.has(folder.path / _OF_DRIZZLE) or mark_in(folder):
        return None
    if folder.has(folder.path / _LOCK):
        return f"has {_LOCK}"
    if _is_one_migration(folder):
        return f"is below {_LOCK}"
    inner = [path for path in folder.folders() if folder.has(path / _UP)]
    others = any(folder.has(path / name) for path in folder.folders() for name in _OF_OTHER_TOOLS)
    if inner and not others and not any(_NAMED_BY_ANOTHER.match(path.name) for path in folder.files()):
        return f"holds folders with {_UP}"
    return None


def _is_one_migration(folder: Folder) -> bool:
    named = folder.only is None or folder.only.name == _UP
    return named and folder.has(folder.path / _UP) and folder.has(folder.place.parent / _LOCK)


def read_folder(folder: Folder) -> FolderReading:
    """Every folder that has a migration.sql, by name."""
    alone = _is_one_migration(folder)
    above = folder.place.parent
    _require_postgres(Folder(path=above, root=above) if alone else folder)
    inner = [folder.path] if alone else [path for path in folder.folders() if folder.has(path / _UP)]
    migrations = tuple(_migration(folder, path) for path in inner)
    if not migrations:
        raise InputError(f"holds no migration; Prisma's are folders with a {_UP} in them", file=str(folder.path))
    issues = [*sent_byte_order_marks(folder, migrations, "Prisma")]
    if not alone:
        issues += [*name_order_issues(migrations, "Prisma"), *_ignored(folder, migrations)]
    return FolderReading(migrations=migrations, issues=tuple(issues))


def _require_postgres(folder: Folder) -> None:
    """Raises InputError where the folder's lock is another database's, or no TOML."""
    lock = folder.path / _LOCK
    text = folder.text(lock) if folder.has(lock) else ""
    try:
        provider = tomllib.loads(text).get("provider")
    except tomllib.TOMLDecodeError as error:
        place = _LINE.search(str(error))
        raise InputError(
            f"this is not TOML: {error}. Mend the line", file=str(lock), line=int(place[1]) if place else None
        ) from None
    if provider is not None and provider not in _PROVIDERS:
        line = next((number for number, line in enumerate(text.splitlines(), 1) if "provider" in line), None)
        raise InputError(
            f"these migrations are for the provider {provider!r}; only those for postgresql can be verified",
            file=str(lock),
            line=line,
        )


def _migration(folder: Folder, inner: Path) -> Migration:
    name, up, down = from_the_top(inner).name, inner / _UP, inner / _DOWN
    digits = _DIGITS.match(name)
    script = make_script(folder.source(up))
    return Migration(
        key=name,
        display_name=digits[0] if digits else name,
        file=folder.name(up),
        up=replace(script, execution=Execution(outside_transaction=_is_split(script))),
        down=make_script(folder.source(down), execution=_ONE_MESSAGE) if folder.has(down) else None,
        down_remedy=f"Prisma has no way back of its own: write {name}/{_DOWN}, for `prisma db execute --file`.",
    )


def _checksums(path: Path) -> tuple[str, ...]:
    """SHA-256 of the file, and as it would be with other line ends: Prisma takes all of these."""
    raw = read_bytes(path)
    unix = raw.replace(b"\r\n", b"\n")
    return tuple(sha256(each).hexdigest() for each in (raw, unix, unix.replace(b"\n", b"\r\n")))


def _is_split(script: Script) -> bool:
    """Whether what no transaction allows are indexes built CONCURRENTLY, and nothing else."""
    lonely = [statement for statement in script.statements if statement.forbids_transaction_block]
    return all(statement.words[:2] in (("CREATE", "INDEX"), ("CREATE", "UNIQUE")) for statement in lonely)


def _ignored(folder: Folder, migrations: tuple[Migration, ...]) -> Iterator[FolderIssue]:
    """Folders at which Prisma stops, and files that it does not look at."""
    for path in folder.folders():
        if not folder.has(path / _UP):
            yield FolderIssue(
                kind=IssueKind.REFUSED,
                subject=folder.name(path),
                summary=f"{folder.name(path)} has no {_UP}, and Prisma stops at such a folder (P3015).",
                remedy=f"Restore its {_UP}, or remove the folder.",
                severity=Severity.ERROR,
                path=str(path),
            )
    for path in folder.files(""):
        if is_sql(path):
            yield ignored_issue(
                folder,
                path,
                "lies beside the migrations' folders, where Prisma does not look.",
                f"Put it into a folder of its own as {_UP}, or move it elsewhere.",
            )
    for migration in migrations:
        inner = Path(migration.up.path).parent
        for path in folder.below(inner).files(""):
            if is_sql(path) and path.name not in (_UP, _DOWN):
                yield ignored_issue(
                    folder, path, f"lies beside {_UP}, and Prisma runs that alone.", f"Move it into {_UP}, or elsewhere."
                )
