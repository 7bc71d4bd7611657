"""What a later contract takes back of the sections that earlier ones declare: `[timestamp.touched] removed = true`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from pgcontract.contract.declared_value import ORIGIN, NamedValue
from pgcontract.contract.section import Section
from pgcontract.contract.sections import SECTIONS
from pgcontract.contract.validation_errors import ValidationIssue, nearest
from pgcontract.model.schema import Origin
from pgcontract.values import dataclass

REMOVED: Final = "removed"
RETIRED: Final = "@retired"


@dataclass(frozen=True, kw_only=True)
class Retired:
    """`section` is the key of its heading; `name` what tells the declaration from others of the section."""

    section: str
    name: str
    origin: Origin | None = None


def take_retired(document: Mapping[str, Any]) -> dict[str, Any]:
    """The contract as it is read, what it takes back apart under a key of its own."""
    kept, retired = dict(document), []
    for section in SECTIONS:
        key = section.heading.key
        match kept.get(key):
            case dict() as one if issubclass(section, NamedValue):
                taken = {name: part for name, part in one.items() if _is_removed(part)}
                kept[key] = {name: part for name, part in one.items() if name not in taken}
                retired += [Retired(section=key, name=name, origin=part.get(ORIGIN)) for name, part in taken.items()]
            case list() as several:
                kept[key] = [part for part in several if not _is_removed(part)]
                retired += [_of_array(key, part) for part in several if _is_removed(part)]
            case dict() as one if _is_removed(one):
                del kept[key]
                retired.append(Retired(section=key, name="", origin=one.get(ORIGIN)))
    return {**kept, RETIRED: tuple(retired)} if retired else kept


def declared_as(section: Section) -> Retired:
    """What would retire it."""
    name = section.name if isinstance(section, NamedValue) else _identity(dict(section))
    return Retired(section=section.heading.key, name=name)


def retired_issues(retired: Iterable[Retired], declared: Sequence[Retired], *, file: str) -> Iterable[ValidationIssue]:
    """What is taken back and was not declared before."""
    for one in retired:
        names = [known.name for known in declared if known.section == one.section]
        if one.name not in names:
            label = f"{one.section}.{one.name}" if one.name else one.section
            message = f"{label} is not declared before this, so it cannot be removed; {nearest(one.name, names)}"
            yield ValidationIssue(file=file, line=one.origin.line if one.origin else None, message=message)


def _is_removed(part: object) -> bool:
    return isinstance(part, dict) and part.get(REMOVED) is True


def _of_array(key: str, part: Mapping[str, Any]) -> Retired:
    return Retired(section=key, name=_identity(part), origin=part.get(ORIGIN))


def _identity(part: Mapping[str, Any]) -> str:
    """The id of a verification; of a waiver its check and subject."""
    if "check" in part:
        return f"{part['check']}[{part.get('subject', '*')}]"
    return str(part.get("id", ""))
