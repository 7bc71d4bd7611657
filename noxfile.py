"""The project's sessions, each in an environment of its own made from uv.lock: `nox -l` lists them."""

from __future__ import annotations

import os
from pathlib import Path

import nox

nox.needs_version = ">=2024.10.9"
nox.options.default_venv_backend = "uv"
nox.options.reuse_existing_virtualenvs = True
nox.options.sessions = ["verify"]
SARIF_VALIDATOR = "@microsoft/sarif-multitool@5.7.0"


def install_locked(session: nox.Session, *groups: str, project: bool = True) -> None:
    """Makes the session's environment hold exactly what uv.lock says for these groups; a stale lock is an error.

    The session may write bytecode; for tests all is compiled, else each command that one runs compiles for two seconds.
    """
    session.env["PYTHONDONTWRITEBYTECODE"] = None
    option = "--group" if project else "--only-group"
    session.run_install(
        "uv",
        "sync",
        "--quiet",
        "--locked",
        *(["--compile-bytecode"] if "tests" in groups else []),
        "--no-default-groups",
        *(word for group in groups for word in (option, group)),
        env={"UV_PROJECT_ENVIRONMENT": session.virtualenv.location, "UV_PYTHON_DOWNLOADS": "never"},
    )


@nox.session
def verify(session: nox.Session) -> None:
    """The gate: the head of the chain in schema/ on a fresh embedded server, the report in reports/."""
    install_locked(session)
    session.run("pgcontract", "verify", "schema", "--report", "reports", *session.posargs)


@nox.session
def tests(session: nox.Session) -> None:
    """The tests of pgcontract and, through its pytest plugin, the gate itself, unless SHIPPED_RUN has its run.json."""
    install_locked(session, "tests")
    # A file's tests stay on one worker, which makes what they share once.
    shared = ("-n2", "--dist", "loadscope", "--durations=10")
    judged = () if os.environ.get("SHIPPED_RUN") else ("schema",)
    session.run("pytest", *(session.posargs or (*shared, "tests", *judged)))


@nox.session
def claims(session: nox.Session) -> None:
    """Every claim that the shipped chain keeps, made false by a planted change: minutes, so not among the tests."""
    install_locked(session, "tests")
    session.run("pytest", *(session.posargs or ("-n2", "tests/claims/sweep.py")))


@nox.session
def hostile(session: nox.Session) -> None:
    """Every hostile file on a server that is somebody's, 15 to 18, as each kind of role: nothing of theirs is touched."""
    install_locked(session, "tests")
    on_an_owners = (f"tests/unit/servers/test_{name}.py" for name in ("dsn", "restrictions", "run_as", "setup"))
    files = ("tests/hostile/sweep.py", *on_an_owners)
    majors = {"HOSTILE_SERVERS": "15 16 17 18"}
    session.run("pytest", *(session.posargs or ("-n2", "--dist", "loadgroup", *files)), env=majors)


@nox.session
def checker(session: nox.Session) -> None:
    """What plpgsql_check says of bodies that are not called, on a PostgreSQL here that has it; without one it fails."""
    install_locked(session, "tests")
    session.run("pytest", *(session.posargs or ("tests/checker/sweep.py",)))


@nox.session
def endurance(session: nox.Session) -> None:
    """What `tests` does a few times, at length: 50 kills of a gate's parts at seeded moments, and 100 gates in a row."""
    install_locked(session, "tests")
    often = {"ENDURANCE_KILLS": "50", "ENDURANCE_GATES": "100"}
    session.run("pytest", *(session.posargs or ("tests/endurance",)), env=often)


@nox.session
def fuzz(session: nox.Session) -> None:
    """Ten minutes of generated contracts and migrations, each of which must get a verdict: `-- --seconds 60 --seed 1`."""
    install_locked(session, "tests")
    found_in = os.pathsep.join(("tests", "tests/generated"))
    session.run("python", "tests/generated/fuzzing.py", *session.posargs, env={"PYTHONPATH": found_in})


@nox.session
def drafts(session: nox.Session) -> None:
    """What `tests` asks of eight schemas, of a hundred and more: a draft of each, verified as without any contract."""
    install_locked(session, "tests")
    session.run("pytest", *(session.posargs or ("-n2", "tests/drafts")), env={"ALL_DRAFTS": "1"})


@nox.session
def remedies(session: nox.Session) -> None:
    """Every pair of a file that locks and its twin, and every way around that is printed, run; `tests` takes a few."""
    install_locked(session, "tests")
    session.run("pytest", *(session.posargs or ("tests/unit/test_lock_pairs.py",)), env={"ALL_REMEDIES": "1"})


@nox.session
def examples(session: nox.Session) -> None:
    """Every command of examples/, with the answer that its README shows; `tests` runs those of the smallest."""
    install_locked(session, "tests")
    words = session.posargs or ("-n2", "tests/pages", "-k", "examples")
    session.run("pytest", *words, env={"ALL_PAGES": "1"})


@nox.session
def matrix(session: nox.Session) -> None:
    """The gate and the tests that ask a server, on PostgreSQL 15 to 18 side by side, and one table of what differs."""
    install_locked(session, "tests")
    session.run("python", "tests/side_by_side.py", *session.posargs)


@nox.session
def sarif(session: nox.Session) -> None:
    """The SARIF of the shipped chain and of the hand-made Runs against the published schema, by Microsoft's validator."""
    install_locked(session, "tests")
    folder = session.create_tmp()
    session.run(
        "npm", "install", "--silent", "--no-audit", "--no-fund", "--prefix", folder, SARIF_VALIDATOR, external=True
    )
    session.run("python", "tests/sarif_validation.py", folder)


@nox.session
def docs(session: nox.Session) -> None:
    """The pages of docs/ and the reference, in site/; a link that leads nowhere is an error."""
    install_locked(session, "docs")
    session.run("mkdocs", "build", "--strict", "--quiet", *session.posargs, env={"NO_MKDOCS_2_WARNING": "1"})


@nox.session
def snippets(session: nox.Session) -> None:
    """Everything that the pages tell to write and to type, written and typed; `tests` does it for the shorter pages."""
    install_locked(session, "tests")
    session.run("pytest", *(session.posargs or ("-n2", "tests/pages")), env={"ALL_PAGES": "1"})


@nox.session
def lint(session: nox.Session) -> None:
    """Layout and lint, by ruff."""
    install_locked(session, "lint", project=False)
    session.run("ruff", "check", *session.posargs)
    session.run("ruff", "format", "--check")


@nox.session
def types(session: nox.Session) -> None:
    """Types, by mypy in strict mode."""
    install_locked(session, "types")
    session.run("mypy", *session.posargs)
    session.run("mypy", "noxfile.py")


@nox.session
def bench(session: nox.Session) -> None:
    """Every benchmark, one after the other so that none disturbs another."""
    install_locked(session, "bench")
    for script in sorted(Path("tests/bench").glob("bench_*.py")):
        session.run("python", str(script), *session.posargs)


@nox.session(reuse_venv=False)
def build(session: nox.Session) -> None:
    """The sdist, the wheel made from it, and the proof that the wheel runs where nothing else is installed."""
    output = Path("dist")
    session.run("uv", "build", "--quiet", "--clear", "--out-dir", str(output))
    session.install(*(str(wheel) for wheel in output.glob("*.whl")))
    session.run("pgcontract", "--version")
    session.run("pgcontract", "list", silent=True)
    for path in sorted(output.glob("pgcontract-*")):
        session.log(f"made {path}")
