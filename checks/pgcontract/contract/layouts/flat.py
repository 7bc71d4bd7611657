"""`<digits>_<name>.sql` in one folder, each with its rollback script `<digits>_<name>.down.sql` beside it.

No tool is known that would run them, so each file is sent as one message, as web editors do; one that uses psql's
commands is read as psql reads it. Where the files lie in folders of a version or year each, those are one chain.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import replace
from itertools import pairwise
from os.path import commonprefix
from pathlib import Path, PurePosixPath
from typing import Final

from pgcontract.contract.folder_issues import is_sql, issue_of, own_key
from pgcontract.contract.migration import Migration
from pgcontract.contract.migration_folder import Folder, FolderIssue, FolderReading, IssueKind
from pgcontract.contract.psql_scripts import Reader, ReadScript, describe_tools, read_by_its_text
from pgcontract.contract.tool_history import ToolHistory
from pgcontract.contract.ways_back import halves, migration_of, second_half
from pgcontract.errors import InputError
from pgcontract.model.sql import make_script
from pgcontract.model.wording import first_of
from pgcontract.result import Severity

NAME: Final = "flat"
SENTENCE: Final = "by the digits in front of their names, each file sent as one message"
HISTORY: Final = ToolHistory()

_UP: Final = ".sql"
_DOWN: Final = ".down.sql"
_UP_FOLDERS: Final = ("up", "ups", "deploy", "apply", "forward")
_DOWN_FOLDERS: Final = ("down", "downs", "revert", "rollback", "undo", "back")
_MAX_NAMES: Final = 3
_VERSION_WORD: Final = re.compile(r"^(?:v|ver|version|rel|release)[-_. ]?(?=\d)", re.IGNORECASE)
# A number; a day, with a time behind it or not; a version of several parts. Each part counts as a number.
_DIGITS: Final = re.compile(
    r"[Vv]?(\d{4}([-_.])\d\d\2\d\d(?:[-_T.]\d{4,6})?(?![A-Za-z0-9])|\d+(?:\.\d+)+(?![A-Za-z0-9])|\d+)"
)


def recognises(folder: Folder) -> str | None:
    """Any folder: what no other layout takes is looked through for .sql files; and one with folders of them in order."""
    if _own_files(folder):
        return "holds .sql files"
    inner = (folder.only is None and up_and_down(folder)) or folders_in_order(folder)
    return f"holds the folders {_names(folder, inner)}" if inner else None


def folders_in_order(folder: Folder, *, at_least: int = 2) -> tuple[Folder, ...]:
    """The folders in one that holds no .sql file itself, where so many with a number in front hold some, each with one of
    its own, by that number: v1/, v2/; 2023/, 2024/; 01-init/, 02-rooms/. Of up/ and down/ the first."""
    if folder.only is not None or _own_files(folder):
        return ()
    if ways := up_and_down(folder):
        return ways[:1]
    leaves: dict[tuple[int, ...], tuple[Folder, ...]] = {}
    for path in folder.folders():
        number = _numbers(_VERSION_WORD.sub("", path.name))
        if not number or path.is_symlink():
            continue
        inner = folder.below(path)
        if own := (inner,) if _own_files(inner) else folders_in_order(inner, at_least=1):
            if number in leaves:
                return ()
            leaves[number] = own
    in_order = tuple(leaf for number in sorted(leaves) for leaf in leaves[number])
    return in_order if len(leaves) >= at_least else ()


def up_and_down(folder: Folder) -> tuple[Folder, ...]:
    """up/ and down/ in one that holds no .sql file itself."""
    names = {path.name.lower(): folder.below(path) for path in folder.folders() if not path.is_symlink()}
    ups = [names[name] for name in _UP_FOLDERS if name in names and _own_files(names[name])]
    downs = [names[name] for name in _DOWN_FOLDERS if name in names and _own_files(names[name])]
    return (ups[0], downs[0]) if ups and downs else ()


def read_folder(folder: Folder) -> FolderReading:
    """Every .sql file that is no rollback script, by the numbers in front (020, 2024-01-02, 1.10.0), or behind what all
    names begin with (Script0001, Script0002); those without any last, by name. A file that another one includes is a part
    of that one."""
    return read_files(folder, read_by_its_text)


def read_files(folder: Folder, read: Reader) -> FolderReading:
    """The same, each file read as `read` does."""
    downs = _ways_back(folder)
    if folder.only is not None:
        _require_migration(folder.only, downs)
    leaves = folders_in_order(folder) or (folder,)
    backs = set(downs.values())
    by_leaf = [[path for path in _own_files(leaf) if not _is_down(path) and path not in backs] for leaf in leaves]
    files = [path for paths in by_leaf for path in paths]
    if not files:
        raise InputError("holds no migration; one is a file called <digits>_<name>.sql", file=str(folder.path))
    start = _start([path.name for path in files])
    in_order = [path for paths in by_leaf for path in sorted(paths, key=lambda path: _place(path, start))]
    scripts = {path: read(folder, path) for path in in_order}
    included = {Path(name).resolve() for script in scripts.values() for name in script.included}
    scripts = {path: script for path, script in scripts.items() if path.resolve() not in included}
    migrations, issues = [], []
    marked: list[str] = []
    keys: set[str] = set()
    for path, script in scripts.items():
        down = downs.get(path, _down(path))
        back = read(folder, down) if folder.given is None and folder.has(down) else None
        if divided := _divided(folder, path, script):
            script, back = divided[0], back or divided[1]
            marked += [path.name] if divided[1] else []
        migrations.append(_migration(folder, path, script, back, start, keys))
        issues += [*script.issues(migrations[-1].key), *(back.issues(migrations[-1].key) if back else ())]
    shown = _told_apart(migrations) if len(leaves) > 1 else tuple(migrations)
    by_name = _by_name(shown) if folder.platform == "supabase" and len(leaves) == 1 else ()
    return FolderReading(
        migrations=shown,
        issues=(
            *issues,
            *_issues(shown),
            *_second_halves(folder, shown),
            *by_name,
            *_ignored(folder, shown, included),
        ),
        assumptions=(
            *describe_tools(tuple(scripts.values())),
            *_upper_case(files),
            *_one_chain(folder, leaves),
            *_folders_not_read(folder, leaves, included),
            *_both_ways(marked),
        )
        if folder.only is None
        else (*_both_ways(marked),),
    )


def _one_chain(folder: Folder, leaves: tuple[Folder, ...]) -> Iterator[str]:
    if ways := up_and_down(folder) if folder.only is None and not _own_files(folder) else ():
        up, down = (_names(folder, (way,)) for way in ways)
        yield f"What takes a file of {up} back is the file of its name in {down}."
    elif leaves != (folder,):
        yield (
            f"Taken as one chain, in this order: {_names(folder, leaves)}. Where each is for a database of its own, "
            "name one."
        )


def _names(folder: Folder, leaves: tuple[Folder, ...]) -> str:
    return first_of([f"{folder.name(leaf.path)}/" for leaf in leaves], _MAX_NAMES)


def _own_files(folder: Folder) -> tuple[Path, ...]:
    """Those that end in .sql; where none does, those that end so in upper case."""
    return folder.files(_UP) or tuple(path for path in folder.files("") if is_sql(path))


def _upper_case(files: list[Path]) -> Iterator[str]:
    if not files[0].name.endswith(_UP):
        yield f"Its files end in {files[0].suffix}: many tools, and *.sql, pass over what does not end in .sql."


def _is_down(path: Path) -> bool:
    return path.name.lower().endswith(_DOWN)


def _stem(path: Path) -> str:
    """The file's name without .sql, and .up in front of that."""
    return path.stem.removesuffix(".up").removesuffix(".UP")


def _start(names: list[str]) -> int:
    """How much of each name stands in front of its digits, where that is the same in all of them, as Script in
    Script0001.sql and Script0002.sql; else nothing."""
    start = len(commonprefix(names).rstrip("0123456789."))  # noqa: RUF071 - of names, character by character
    begin_so = len(names) > 1 and all(name[start : start + 1].isdigit() and not _DIGITS.match(name) for name in names)
    return start if begin_so else 0


def _place(path: Path, start: int) -> tuple[bool, tuple[int, ...], str]:
    numbers = _numbers(path.name[start:])
    return not numbers, numbers, path.name


def _numbers(name: str) -> tuple[int, ...]:
    """What stands in front of the name, part by part; nothing where no digit does."""
    digits = _DIGITS.match(name)
    return tuple(int(part) for part in re.findall(r"\d+", digits[1])) if digits else ()


def _require_migration(path: Path, downs: Mapping[Path, Path]) -> None:
    if not is_sql(path) or _is_down(path) or path in downs.values() or _is_in_down_folder(path):
        what = (
            "is a rollback script; name the migration it belongs to"
            if is_sql(path)
            else "is no .sql file; name one, or a folder of them"
        )
        raise InputError(what, file=str(path))


def _is_in_down_folder(path: Path) -> bool:
    if path.parent.name.lower() not in _DOWN_FOLDERS:
        return False
    ways = up_and_down(Folder(path=path.parent.parent, root=path.parent.parent))
    return bool(ways) and path.parent == ways[1].path


def _down(path: Path) -> Path:
    return path.with_name(f"{_stem(path)}{_DOWN.upper() if path.suffix.isupper() else _DOWN}")


def _ways_back(folder: Folder) -> dict[Path, Path]:
    """The ways back that are not called `.down.sql`, each by its migration."""
    if folder.given is not None:
        return {}
    around = folder if folder.only is None else Folder(path=folder.path, root=folder.root)
    ways: dict[Path, Path] = {}
    for leaf in folders_in_order(around) or (around,):
        paths = {path.name: path for path in leaf.files(_UP)}
        found = {name: migration_of(name, paths.keys()) for name in paths if not name.endswith(_DOWN)}
        ways |= {paths[migration]: paths[name] for name, migration in found.items() if migration}
    if not _own_files(around) and (both := up_and_down(around)):
        downs = {_key(path): path for path in _own_files(both[1])}
        ways |= {path: downs[_key(path)] for path in _own_files(both[0]) if _key(path) in downs}
    return ways


def _key(path: Path) -> str:
    """What a file of up/ and the one of down/ have in common."""
    return re.sub(r"[._-](?:up|down)$", "", path.stem.lower())


def _divided(folder: Folder, path: Path, read: ReadScript) -> tuple[ReadScript, ReadScript | None] | None:
    """The two ways that a tool's mark divides the file into, if one does; the second may hold nothing."""
    if read.tool or not (texts := halves(read.script.text)):
        return None
    source = folder.any_text(path)
    up, down = (ReadScript(script=make_script(source, text=text)) for text in texts)
    return up, down if down.script.statements else None


def _both_ways(names: list[str]) -> Iterator[str]:
    if names:
        yield (
            f"{first_of(names, _MAX_NAMES)} {'holds' if len(names) == 1 else 'hold'} both ways, divided by a tool's "
            "mark: what stands behind it is the way back."
        )


def _second_halves(folder: Folder, migrations: tuple[Migration, ...]) -> Iterator[FolderIssue]:
    """Where a file's own comments tell two ways apart, and it was sent whole."""
    for migration in migrations:
        if half := second_half(migration.up):
            mark, line = half
            yield issue_of(
                migration,
                IssueKind.REFUSED,
                f"has “{mark}”, as if what stands behind it took the rest back; the whole file was run.",
                f"Move what takes back to {_down(Path(migration.up.path)).name}, or name its tool with --layout."
                if folder.given is None
                else "Leave out what takes back, or name its tool with --layout.",
                line=line,
            )


def _migration(
    folder: Folder, path: Path, up: ReadScript, down: ReadScript | None, start: int, keys: set[str]
) -> Migration:
    """Its key is the file name without its ending, its display name the digits in front, else the key."""
    stem = _stem(path)
    key = own_key(stem, folder.name(path.with_name(stem)), keys)
    digits = _DIGITS.match(stem, start)
    return Migration(
        key=key,
        display_name=digits[1] if digits else key,
        file=folder.name(path),
        up=up.script,
        down=down.script if down else None,
        down_remedy=f"Write {_down(path).name} beside it.",
    )


def _told_apart(migrations: list[Migration]) -> tuple[Migration, ...]:
    """The same, called by their folders as well where several of them are shown alike."""
    times = Counter(migration.display_name for migration in migrations)
    return tuple(
        replace(one, display_name=f"{PurePosixPath(one.file).parent}/{one.display_name}")
        if times[one.display_name] > 1
        else one
        for one in migrations
    )


def _issues(migrations: tuple[Migration, ...]) -> tuple[FolderIssue, ...]:
    """Where the digits leave the order open."""
    issues = []
    for migration, following in pairwise(migrations):
        if Path(migration.up.path).parent != Path(following.up.path).parent:
            continue
        if not _own_numbers(following):
            issues.append(
                issue_of(
                    following,
                    IssueKind.ORDER,
                    f"has no digits in front, so its place among the others is not known; it "
                    f"was applied after {migration.file}.",
                    "Name it <digits>_<name>.sql, or give its contract `after`.",
                )
            )
        elif _own_numbers(migration) == _own_numbers(following):
            issues.append(
                issue_of(
                    following,
                    IssueKind.DUPLICATE,
                    f"has the digits of {migration.file}, so their order is not known; they were applied by name.",
                    "Rename one, or give its contract `after`.",
                )
            )
    return tuple(replace(issue, leaves_open=True) for issue in issues)


def _own_numbers(migration: Migration) -> tuple[int, ...]:
    return _numbers(migration.display_name.rpartition("/")[2])


def _by_name(migrations: tuple[Migration, ...]) -> Iterator[FolderIssue]:
    """Where the platform's own command line would take another order."""
    for migration, following in pairwise(migrations):
        if following.file < migration.file and _numbers(following.display_name):
            yield issue_of(
                following,
                IssueKind.ORDER,
                f"was applied after {migration.file}, by its number; Supabase's command line "
                "goes by name, and would apply it first.",
                "Give all numbers as many digits, before anything is applied.",
            )


def _folders_not_read(folder: Folder, leaves: tuple[Folder, ...], included: set[Path]) -> Iterator[str]:
    """In one sentence, the folders in it with SQL that is not of its chain, and that no file includes."""
    names = []
    read = {leaf.path for leaf in leaves}
    if folder not in leaves:
        read |= {way.path for way in up_and_down(folder)}
    for inner in (path for path in folder.folders() if path not in read):
        files = {path.resolve() for path in folder.below(inner).files("") if is_sql(path)}
        if files - included:
            names.append(f"{inner.name}/")
    if names:
        more = f" and {len(names) - _MAX_NAMES} more folders" if len(names) > _MAX_NAMES else ""
        yield f"Not read: the .sql files in {', '.join(names[:_MAX_NAMES])}{more}; name one of them to read it."


def _ignored(folder: Folder, migrations: tuple[Migration, ...], included: set[Path]) -> Iterator[FolderIssue]:
    """Rollback scripts of nothing, and files that differ from .sql by case alone."""
    read = {script.path for migration in migrations for script in (migration.up, migration.down) if script}
    for path in (path for leaf in folders_in_order(folder) or (folder,) for path in leaf.files("")):
        if str(path) in read or path.resolve() in included or path.suffix.lower() != _UP or folder.only is not None:
            continue
        orphan = _is_down(path)
        key = path.name[: -len(_DOWN)]
        yield FolderIssue(
            kind=IssueKind.IGNORED,
            subject=folder.name(path),
            summary=f"{path.name} is a rollback script, and there is no migration {key}.sql that it belongs to."
            if orphan
            else f"{path.name} does not end in .sql, so it was passed over.",
            remedy=f"Remove it, or name it after its migration: <migration>{_DOWN}."
            if orphan
            else "Rename it, or move it.",
            severity=Severity.WARNING,
            path=str(path),
        )
