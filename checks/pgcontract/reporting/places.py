"""Where other tools show a finding: its file and line, or the script of its migration."""

from __future__ import annotations

import posixpath
from pathlib import PurePosixPath
from urllib.parse import quote

from pgcontract.model.schema import Origin
from pgcontract.result import Finding, Run


def place_of(finding: Finding, run: Run) -> Origin:
    """A file, from the top of the repository, and a line, always: where the finding has no place of its own, the first
    line of its migration's script."""
    origin = finding.origin
    if origin is not None:
        return Origin(file=_from_the_top(origin.file, run), line=origin.line or 1, column=origin.column)
    scripts = (
        source.path for source in run.sources if (source.role, source.migration) == ("migration", finding.migration)
    )
    return Origin(file=_from_the_top(next(scripts, run.script.path), run), line=1)


def _from_the_top(path: str, run: Run) -> str:
    """The path as who looks at the repository has it; as it is where that is not below the repository's top."""
    below = posixpath.normpath(posixpath.join(run.started_in, path))
    return path if not run.started_in or below.startswith("../") else below


def relative_path(path: str) -> str:
    """The path without a leading `./`, as GitLab wants it."""
    return str(PurePosixPath(path))


def uri(path: str) -> str:
    """The path as a URI reference: relative where the path is."""
    encoded = quote(relative_path(path), errors="surrogateescape")
    return f"file://{encoded}" if encoded.startswith("/") else encoded


def details(finding: Finding) -> str:
    """What a tool shows of a finding beside its summary: a line each."""
    lines = (
        finding.expected is not None and f"expected: {finding.expected}",
        finding.actual is not None and f"found: {finding.actual}",
        finding.resolution,
        finding.remedy,
    )
    return "\n".join(line for line in lines if line)
