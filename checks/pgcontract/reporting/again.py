"""What to type for the same run again: shell words quoted, so a file's name stays a name."""

from __future__ import annotations

from shlex import quote
from typing import Final

from pgcontract.result import Run, RunOptions

# What is typed for a script that is no file, and for the folder one is in.
_TYPED: Final = {"standard input": "-", "": "."}


def again_command(run: Run) -> str:
    """What to type for the same questions, from the folder where this run was started; what only says where the answer
    goes is left out."""
    options, usual = run.options, RunOptions()
    words = ["pgcontract", "verify", _TYPED.get(run.project, run.project), *run.given]
    words += ["--pg", options.pg] if options.pg not in (usual.pg, "") else []
    words += ["--pg-run-as", options.pg_run_as] if options.pg_run_as is not None else []
    words += ["--seed", str(options.seed)] if options.seed is not None else []
    words += ["--max-examples", str(options.examples)] if options.examples != usual.examples else []
    words += ["--rows", str(options.rows)] if options.rows is not None else []
    words += ["--timeout", f"{options.timeout_ms}ms"] if options.timeout_ms != usual.timeout_ms else []
    words += ["--through", options.through] if options.through else []
    words += [word for glob in options.only for word in ("--only", glob)]
    words += [word for glob in options.skip for word in ("--skip", glob)]
    words += [word for linter in options.linters for word in ("--with", linter)]
    words += ["--strict"] if options.strict else []
    return " ".join(map(quote, words))
