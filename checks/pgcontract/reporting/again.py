"""What to type for the same run again: shell words quoted, so a file's name stays a name."""

from __future__ import annotations

from shlex import quote
from typing import Final

from pgcontract.result import Run

# What is typed for a script that is no file, and for the folder one is in.
_TYPED: Final = {"standard input": "-", "": "."}


def again_command(run: Run) -> str:
    """What to type for the same questions, from the folder where this run was started."""
    options = run.options
    words = ["pgcontract", "verify", _TYPED.get(run.project, run.project)]
    words += ["--pg", options.pg] if options.pg not in ("auto", "") else []
    words += ["--seed", str(options.seed)] if options.seed is not None else []
    words += ["--through", options.through] if options.through else []
    words += [word for glob in options.only for word in ("--only", glob)]
    words += [word for glob in options.skip for word in ("--skip", glob)]
    words += [word for source in run.sources if source.role == "setup" for word in ("--setup", source.path)]
    words += [word for source in run.sources if source.role == "baseline" for word in ("--baseline", source.path)]
    return " ".join(map(quote, words))
