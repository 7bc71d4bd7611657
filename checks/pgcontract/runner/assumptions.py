"""What a run took for granted, in sentences: how the folder was read, what is pending, what nobody promised. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from pgcontract.contract import Project

_MAX_NAMES = 5


def assumptions(project: Project) -> tuple[str, ...]:
    """A sentence each, with what to type where it is not so."""
    return (*project.assumptions, *_pending(project), *_empty(project), *_promised(project))


def _pending(project: Project) -> Iterator[str]:
    if len(project.chain) == 1:
        return
    if project.applied is None:
        yield f"Taken as pending: {project.head.display_name} alone, the last; --applied ID says what production has."
        return
    names = [migration.display_name for migration in project.pending]
    shown = ", ".join(names[:_MAX_NAMES]) + (f" and {len(names) - _MAX_NAMES} more" if len(names) > _MAX_NAMES else "")
    last = project.migration(project.applied).display_name
    yield f"Pending: {shown or 'nothing'}, as {last} is the last that production has."


def _empty(project: Project) -> Iterator[str]:
    names = [migration.file for migration in project.pending if migration.up.is_empty]
    if names:
        more = f" and {len(names) - _MAX_NAMES} more" if len(names) > _MAX_NAMES else ""
        hold = "hold no statement and change" if len(names) > 1 else "holds no statement and changes"
        yield f"{', '.join(names[:_MAX_NAMES])}{more} {hold} nothing."


def _promised(project: Project) -> Iterator[str]:
    if project.head.contract is None:
        yield (
            f"{project.head.display_name} has no contract: asked was how it runs, and what is wrong whatever it is for. "
            "pgcontract draft writes one."
        )
