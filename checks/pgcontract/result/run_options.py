"""What a run is asked for: where the server comes from, what is asked of it, and how hard."""

from __future__ import annotations

from dataclasses import field

from pgcontract.values import dataclass


@dataclass(frozen=True, kw_only=True)
class RunOptions:
    """One value from the door to the report; a Run holds it with the seed that was used and no secret.

    `pg` names the server as `--pg` does, `pg_run_as` the login of migrations on a server of the owner's. `through` makes
    an earlier migration the head. `only` and `skip` are globs over `check`, `check[subject]` and `check[label]`. `seed`
    is where random choices start, the project's own where it is None; `examples` is how many values are made at random
    for one promise; `rows` is the largest size to measure on, the data set's own sizes where it is None. A script or
    statement that takes more than `timeout_ms` is stopped. With `strict`, CAUTION fails too. `linters` are other programs
    whose findings are added as notes.
    """

    pg: str = field(default="auto", repr=False)  # a dsn: may hold a password
    pg_run_as: str | None = field(default=None, repr=False)  # as may this
    through: str | None = None
    only: tuple[str, ...] = ()
    skip: tuple[str, ...] = ()
    seed: int | None = None
    examples: int = 200
    rows: int | None = None
    timeout_ms: int = 120_000
    strict: bool = False
    linters: tuple[str, ...] = ()
