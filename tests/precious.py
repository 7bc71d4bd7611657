"""An owner's server with what he would miss, and one question about all of it: is it as it was, by value?"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
from pgcontract import RunOptions, load_project, verify
from pgcontract.postgres.providers import Server, provider_for

FILES = {file.stem: file for file in sorted((Path(__file__).parent / "hostile" / "corpus").iterdir())}
TIMEOUT_MS = 2_000
LOGIN = "expendable"
PASSWORD = "p:ss'w\\ord"
# As whom the owner lets a run administer; where it makes no roles, migrations run as the expendable login.
ADMINISTRATORS = {"boss": "SUPERUSER", "maker": "CREATEDB CREATEROLE", "plain": "CREATEDB"}

# Everything that all databases share, row by row with its oids: an object that was made again is another.
_SHARED = {
    "roles": "SELECT * FROM pg_catalog.pg_authid ORDER BY oid",
    "memberships": "SELECT * FROM pg_catalog.pg_auth_members ORDER BY roleid, member, grantor",
    # Whoever may connect can have the default rights spelled out, by a REVOKE that warns and takes nothing.
    "databases": """
        SELECT oid, datname, datdba, datistemplate, datallowconn, datconnlimit, dattablespace,
            coalesce(datacl, pg_catalog.acldefault('d', datdba))
        FROM pg_catalog.pg_database ORDER BY oid""",
    # Of the expendable login, without what the server lets nobody take away again but a superuser.
    "settings of roles and databases": f"""
        SELECT setdatabase, setrole, c FROM pg_catalog.pg_db_role_setting, unnest(setconfig) c
        WHERE setrole <> '{LOGIN}'::regrole OR c NOT SIMILAR TO '(seed|transaction_read_only)=%' ORDER BY 1, 2, 3""",
    "settings of the server": """
        SELECT name, setting, source, sourcefile, pending_restart FROM pg_catalog.pg_settings
        WHERE source NOT IN ('client', 'session') AND name <> 'application_name' ORDER BY name""",
    "files of settings": "SELECT * FROM pg_catalog.pg_file_settings ORDER BY seqno",
    "when they were read": "SELECT pg_catalog.pg_conf_load_time()",
    "comments": "SELECT * FROM pg_catalog.pg_shdescription ORDER BY objoid, classoid",
    "dependencies": "SELECT * FROM pg_catalog.pg_shdepend ORDER BY dbid, classid, objid, objsubid, refclassid, refobjid",
    "tablespaces": "SELECT * FROM pg_catalog.pg_tablespace ORDER BY oid",
    "rights on settings": "SELECT * FROM pg_catalog.pg_parameter_acl ORDER BY oid",
    "subscriptions": "SELECT oid, subname FROM pg_catalog.pg_subscription ORDER BY oid",
    "slots": "SELECT slot_name FROM pg_catalog.pg_replication_slots ORDER BY slot_name",
    "prepared transactions": "SELECT gid FROM pg_catalog.pg_prepared_xacts ORDER BY gid",
    "locks of its session": """
        SELECT l.pid, l.classid, l.objid, l.mode, l.granted FROM pg_catalog.pg_locks l
        JOIN pg_catalog.pg_database d ON d.oid = l.database
        WHERE l.locktype = 'advisory' AND d.datname = 'precious' ORDER BY l.objid""",
}
_IN_PRECIOUS = {
    "rows": "SELECT * FROM public.treasure ORDER BY id",
    "large objects": "SELECT loid, pageno, data FROM pg_catalog.pg_largeobject ORDER BY loid, pageno",
    "relations": "SELECT oid, relname, relowner, relacl FROM pg_catalog.pg_class WHERE oid >= 16384 ORDER BY oid",
    "functions": "SELECT oid, proname, prosrc FROM pg_catalog.pg_proc WHERE oid >= 16384 ORDER BY oid",
    "extensions": "SELECT oid, extname FROM pg_catalog.pg_extension ORDER BY oid",
}
_MAKE = (
    "CREATE ROLE keeper LOGIN PASSWORD 'keeps' CONNECTION LIMIT 7 VALID UNTIL '2999-01-01'",
    "CREATE ROLE reader NOLOGIN",
    "GRANT reader TO keeper",
    "COMMENT ON ROLE keeper IS 'Keeps what is precious'",
    "ALTER ROLE keeper SET work_mem = '5MB'",
    "ALTER ROLE reader CONNECTION LIMIT 3",
    "CREATE DATABASE precious OWNER keeper",
    "COMMENT ON DATABASE precious IS 'What he would miss'",
    "ALTER DATABASE precious SET statement_timeout = '77s'",
    "ALTER ROLE keeper IN DATABASE precious SET search_path = public",
    "GRANT CONNECT ON DATABASE precious TO reader",
)
_MAKE_IN_PRECIOUS = (
    "CREATE TABLE public.treasure (id integer PRIMARY KEY, what text)",
    "INSERT INTO public.treasure VALUES (1, 'ring'), (2, 'crown')",
    "GRANT SELECT ON public.treasure TO reader",
    "ALTER TABLE public.treasure OWNER TO keeper",
    "SELECT lo_from_bytea(4712, 'a large treasure')",
)


@dataclass(kw_only=True)
class Precious:
    """The server, and the live session of its owner: it holds an advisory lock and listens."""

    server: Server
    session: psycopg.Connection

    def ask(self, *queries: str, dbname: str = "postgres") -> list[list[Any]]:
        """The rows of each query."""
        with closing(psycopg.connect(self.server.conninfo(dbname=dbname), autocommit=True)) as connection:
            cursors = [connection.execute(query.encode()) for query in queries]
            return [cursor.fetchall() if cursor.description else [] for cursor in cursors]

    def everything(self) -> dict[str, Any]:
        """All of it, by name. The expendable login's password may be stored with another salt, not be another one."""
        state: dict[str, Any] = dict(zip(_SHARED, self.ask(*_SHARED.values()), strict=True))
        state["roles"] = [
            tuple("" if LOGIN in role and str(value).startswith("SCRAM") else value for value in role)
            for role in state["roles"]
        ]
        state |= zip(_IN_PRECIOUS, self.ask(*_IN_PRECIOUS.values(), dbname="precious"), strict=True)
        state["live session"] = self.session.execute("SELECT pg_backend_pid(), current_user::text").fetchone()
        state["heard"] = [notify.payload for notify in self.session.notifies(timeout=0)]
        with closing(psycopg.connect(self.conninfo(LOGIN), connect_timeout=5)) as connection:
            state["login"] = connection.info.user
        return state

    def conninfo(self, user: str) -> str:
        return psycopg.conninfo.make_conninfo(
            host=self.server.host, port=self.server.port, dbname="lobby", user=user, password=PASSWORD
        )

    def options(self, user: str) -> dict[str, Any]:
        """What a run is told to administer as this role."""
        login = psycopg.conninfo.make_conninfo(user=LOGIN, password=PASSWORD)
        return {"pg": f"dsn:{self.conninfo(user)}", "pg_run_as": login if user == "plain" else None}

    def give_to(self, user: str) -> None:
        """Have this role own what is precious: only then it is in reach of who administers."""
        self.ask(f"ALTER DATABASE precious OWNER TO {user}")

    def judge(self, file: Path, folder: Path, user: str) -> tuple[bool, tuple[str, ...], dict[str, str]]:
        """Whether the verdict on a file of the corpus is one that its first line names; the checks that failed
        themselves; and what is no more as it was. A refusal of the run, as any other error, is the test's."""
        right = file.read_text("utf-8").partition("\n")[0][2:].strip().split(" or ")
        only = ("script.applies",) if file.suffix == ".sql" else ()
        before = self.everything()
        options = RunOptions(**self.options(user), only=only, timeout_ms=TIMEOUT_MS)
        run = verify(load_project(write_case(file, folder)), options)
        after = self.everything()
        changed = {kind: f"{before[kind]} became {after[kind]}" for kind in before if before[kind] != after[kind]}
        return run.verdict.decision.value in right, tuple(finding.item for finding in run.errors), changed


@contextmanager
def precious_server(spec: str) -> Iterator[Precious]:
    """A server of this source with all that on it, where everybody logs in by password."""
    settings = {"max_prepared_transactions": "5", "wal_level": "logical"}
    with provider_for(spec).start(settings=settings) as server, ExitStack() as stack:
        with closing(psycopg.connect(server.conninfo(dbname="postgres"), autocommit=True)) as admin:
            for statement in _MAKE:
                admin.execute(statement.encode())
            for name, attributes in {**ADMINISTRATORS, LOGIN: ""}.items():
                hidden = admin.pgconn.encrypt_password(PASSWORD.encode(), name.encode(), b"scram-sha-256").decode()
                admin.execute(f"CREATE ROLE {name} LOGIN {attributes} PASSWORD '{hidden}'".encode())
            admin.execute("CREATE DATABASE lobby")
            admin.execute(f"GRANT {LOGIN} TO plain".encode())
            [(hba,)] = admin.execute("SHOW hba_file")
            Path(hba).write_text("local all supabase_admin,keeper trust\nlocal all all scram-sha-256\n", encoding="utf-8")
            admin.execute("SELECT pg_reload_conf()")
        session = psycopg.connect(server.conninfo(dbname="precious", user="keeper"), autocommit=True)
        precious = Precious(server=server, session=stack.enter_context(closing(session)))
        precious.ask(*_MAKE_IN_PRECIOUS, dbname="precious")
        session.execute("SELECT pg_advisory_lock(4711)")
        session.execute("LISTEN precious_channel")
        yield precious


def write_case(file: Path, folder: Path) -> Path:
    """The corpus' file as a path that can be verified: one script, or the project that it describes."""
    if file.suffix == ".sql":
        script = folder / f"001_{file.name}"
        script.write_text(file.read_text("utf-8"), encoding="utf-8")
        return script
    for path, text in tomllib.loads(file.read_text("utf-8")).items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        head = 'migration = "001_note.sql"\ncomments = "optional"\n' if path.endswith("contract.toml") else ""
        (folder / path).write_text(head + text, encoding="utf-8")
    return folder
