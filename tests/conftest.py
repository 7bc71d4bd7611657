"""What every test may use: pytest's own door for testing plugins, and a small project."""

from __future__ import annotations

import gc
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import shared_server
from pgcontract.runner import scratch_databases, session
from shipped_run import ShippedRun, shipped_run

pytest_plugins = ["pytester"]
# As the command has it: what a test run has imported is not looked through for garbage every few hundred objects.
gc.set_threshold(50_000)


@pytest.fixture(scope="session")
def shipped(tmp_path_factory: pytest.TempPathFactory) -> ShippedRun:
    """What the gate says of the shipped chain, shared by the session's workers."""
    return shipped_run(tmp_path_factory)


@pytest.fixture(scope="session", autouse=True)
def _stop_shared_servers() -> Iterator[None]:
    yield
    shared_server.stop_all()


@pytest.fixture(scope="module")
def one_server() -> Iterator[None]:
    """The runs in this process share a server, each finding it as it was when it started."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(session, "provider_for", shared_server.shared_provider)
        patched.setattr(scratch_databases, "provider_for", shared_server.shared_provider)
        yield


@pytest.fixture
def room() -> Iterator[Path]:
    """Where a test's runs put their files, its name short enough for a socket: what is left in it was left by them."""
    memory = "/dev/shm" if Path("/dev/shm").is_dir() else None
    with tempfile.TemporaryDirectory(prefix="room-", dir=memory) as folder:
        Path(folder).chmod(0o1777)  # as root the server runs as somebody else
        yield Path(folder)


@pytest.fixture(scope="session")
def write_project() -> Callable[[Path], Path]:
    """Writes a project of one small migration whose contract tells the truth, into a folder it makes."""
    return _write


def _write(root: Path) -> Path:
    (root / "migrations").mkdir(parents=True)
    (root / "contracts" / "001_note").mkdir(parents=True)
    (root / "migrations" / "001_note.sql").write_text(
        "CREATE TABLE IF NOT EXISTS public.note (id integer PRIMARY KEY, body text);\n"
        "COMMENT ON TABLE public.note IS 'What somebody wrote down';\n"
        "COMMENT ON COLUMN public.note.id IS 'Which note';\n"
        "COMMENT ON COLUMN public.note.body IS 'The words';\n"
        "COMMENT ON CONSTRAINT note_pkey ON public.note IS 'One row a note';\n"
        "COMMENT ON INDEX public.note_pkey IS 'Finds a note';\n",
        encoding="utf-8",
    )
    (root / "migrations" / "001_note.down.sql").write_text(
        "DO $$ BEGIN\n"
        "IF to_regclass('public.note') IS NOT NULL AND NOT EXISTS (\n"
        "    SELECT FROM pg_constraint WHERE conrelid = to_regclass('public.note') AND contype = 'p'\n"
        ") THEN\n"
        "    RAISE EXCEPTION 'public.note is not the table that this migration made';\n"
        "END IF;\n"
        "DROP TABLE IF EXISTS public.note;\n"
        "END $$;\n",
        encoding="utf-8",
    )
    (root / "contracts" / "001_note" / "contract.toml").write_text(
        'migration = "001_note.sql"\n'
        "\n"
        '[table."public.note"]\n'
        'purpose = "What somebody wrote down"\n'
        'primary_key = ["id"]\n'
        'sample = { id = 1, body = "words" }\n'
        'columns.id = { type = "integer", purpose = "Which note" }\n'
        'columns.body = { type = "text", purpose = "The words" }\n',
        encoding="utf-8",
    )
    return root
