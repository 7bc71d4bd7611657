"""The roles on stage: who migrates, and which of production's roles were found on the server or made there.

A role that is there already is used as it is and never altered. On a server of our own the rest is made for good; on
somebody else's it carries our mark, is shared with other runs of ours, and goes with the last of them. There a role of
this run alone migrates, which owns its databases and nothing else; where none can be made and log in, there is no run.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterable
from contextlib import closing
from dataclasses import dataclass, field, fields, replace

import psycopg
from psycopg import sql

from pgcontract.errors import ServerUnavailable
from pgcontract.model.schema import Grant, Part, Policy, Role, Schema, Setting
from pgcontract.postgres.cluster_settings import without_parked
from pgcontract.postgres.connection import Connection
from pgcontract.postgres.ownership import PREFIX, ROLE_COMMENT, STAGE_LOCK, drop_stage_roles, living, locked
from pgcontract.postgres.platform import Stage, StageRole
from pgcontract.postgres.providers import Server

_ROLES = """
SELECT rolname, rolsuper, pg_catalog.array_remove(ARRAY[
    CASE WHEN rolcanlogin THEN 'LOGIN' END, CASE WHEN rolcreatedb THEN 'CREATEDB' END,
    CASE WHEN rolcreaterole THEN 'CREATEROLE' END, CASE WHEN rolreplication THEN 'REPLICATION' END,
    CASE WHEN rolbypassrls THEN 'BYPASSRLS' END, CASE WHEN NOT rolinherit THEN 'NOINHERIT' END
], NULL)
FROM pg_catalog.pg_roles WHERE rolname = ANY (%s) OR rolname = current_user
"""


@dataclass(frozen=True, kw_only=True)
class Cast:
    """`migrator` is the role that migrates, also as quote_ident spells it; `hired` where it is this run's own.

    `lacking` names what production's roles have and those here have not, as `CREATEROLE of postgres`.
    """

    migrator: str
    quoted: str = ""
    hired: bool = False
    password: str = field(default="", repr=False)
    found: tuple[str, ...] = ()
    made: tuple[str, ...] = ()
    lacking: tuple[str, ...] = ()

    @property
    def told(self) -> str:
        """One line for a report: `made`, or which roles were made and found."""
        if not self.found:
            return "made"
        parts = (("found", self.found), ("made", self.made))
        return "; ".join(f"{word} {', '.join(names)}" for word, names in parts if names)


@dataclass(frozen=True, kw_only=True)
class _Known:
    """A role as it is on the server."""

    superuser: bool
    attributes: frozenset[str]


class _Casting:
    """Finds and makes the roles, as the one who administers."""

    def __init__(self, admin: psycopg.Connection, server: Server, stage: Stage, token: str) -> None:
        self.admin = admin
        self.server = server
        self.stage = stage
        self.token = token
        self.own = "own_server" in server.capabilities
        names = [stage.migrator.name, *(each.name for each in stage.roles)]
        self.known = {
            name: _Known(superuser=superuser, attributes=frozenset(attributes))
            for name, superuser, attributes in admin.execute(_ROLES, [names])
        }
        self.me = self.known[server.superuser]
        self.made: list[str] = []
        self.lacking: list[str] = []

    def run(self) -> Cast:
        for role in self.stage.roles:
            if role.name not in self.known:
                self._make(role, comment=None if self.own else ROLE_COMMENT)
        cast = self._migrator()
        [(quoted,)] = self.admin.execute("SELECT pg_catalog.quote_ident(%s)", [cast.migrator])
        names = [each.name for each in self.stage.roles]
        return replace(
            cast,
            quoted=quoted,
            found=tuple(name for name in [*names, *([] if cast.hired else [cast.migrator])] if name in self.known),
            made=tuple(self.made),
            lacking=tuple(self.lacking),
        )

    def _migrator(self) -> Cast:
        wanted = self.stage.migrator
        there = self.known.get(wanted.name)
        if self.own and there is None:
            password = self.server.passwords.get(wanted.name) or self._password()
            self._make(wanted, password=password)
            return Cast(migrator=wanted.name, password=password)
        if self.own and there is not None and not there.superuser:
            return Cast(migrator=wanted.name, password=self.server.passwords.get(wanted.name, ""))
        return self._hire(wanted)

    def _hire(self, wanted: StageRole) -> Cast:
        """A role of this run's own with production's attributes; ServerUnavailable where it cannot log in."""
        name, password = f"{PREFIX}{self.token}", self._password()
        self._make(replace(wanted, name=name), password=password, shown=wanted.name)
        if not self.me.superuser:
            options = " WITH INHERIT TRUE, SET TRUE" if self.server.major >= 16 else ""
            self._run("GRANT {} TO {}" + options, name, self.server.superuser)
        cast = Cast(migrator=name, hired=True, password=password)
        refused = self._refused(cast)
        if not refused:
            self.made.remove(name)
            return cast
        self._run("DROP ROLE {}", name)
        raise ServerUnavailable(
            f"migrations run as a role made for the run, never as {self.server.superuser}, and the role that was made "
            f"may not log in: {refused}. Let roles log in by password from here (pg_hba.conf), or use a server of the "
            "run's own: --pg wheel, or --pg docker."
        )

    def _refused(self, cast: Cast) -> str:
        """The server's words where the hired role may not log in; empty where it may."""
        server = replace(self.server, passwords={**self.server.passwords, cast.migrator: cast.password})
        refused = _log_in(server, self.server.maintenance, cast.migrator)
        if refused and not self.own:
            # Strangers may be kept out of that database alone: the word counts of one that the role owns.
            database = f"{PREFIX}{self.token}_0"
            self._run("CREATE DATABASE {} OWNER {} TEMPLATE template0", database, cast.migrator)
            try:
                refused = _log_in(server, database, cast.migrator)
            finally:
                self._run("DROP DATABASE {} WITH (FORCE)", database)
        return refused

    def _make(self, role: StageRole, *, password: str = "", comment: str | None = None, shown: str | None = None) -> None:
        attributes = [each for each in role.attributes if each not in self._short(role, self._given, told=False)]
        self.lacking += self._short(replace(role, name=shown or role.name), self._given)
        words: sql.Composable = sql.SQL(" ".join(attributes))
        if password:
            hidden = self.admin.pgconn.encrypt_password(password.encode(), role.name.encode(), b"scram-sha-256")
            words += sql.SQL(" PASSWORD {}").format(sql.Literal(hidden.decode()))
        try:
            with self.admin.transaction():
                self.admin.execute(sql.SQL("CREATE ROLE {} {}").format(sql.Identifier(role.name), words))
                if comment is not None:
                    told = sql.SQL("COMMENT ON ROLE {} IS {}")
                    self.admin.execute(told.format(sql.Identifier(role.name), sql.Literal(comment)))
                if role.search_path is not None:
                    path = sql.SQL("ALTER ROLE {} SET search_path = {}")
                    self.admin.execute(path.format(sql.Identifier(role.name), sql.SQL(role.search_path)))
        except (psycopg.errors.DuplicateObject, psycopg.errors.UniqueViolation):
            # Another run, which connects to another database, was quicker.
            self.known[role.name] = _Known(superuser=False, attributes=frozenset())
            return
        self.made.append(role.name)
        for group in role.member_of:
            try:
                self._run("GRANT {} TO {}", group, role.name)
            except psycopg.errors.Error:
                self.lacking.append(f"membership in {group} of {shown or role.name}")

    @property
    def _given(self) -> frozenset[str]:
        """The attributes that we may give, and will: on somebody else's server none that reaches what is not ours.

        Before 16 CREATEROLE reaches every role; a slot made by REPLICATION would keep the server's log for good.
        """
        always = frozenset(("LOGIN", "NOINHERIT"))
        if self.own:
            return always | {"CREATEDB", "CREATEROLE", "REPLICATION", "BYPASSRLS"}
        mine = self.me.attributes | (frozenset(("CREATEDB", "CREATEROLE", "BYPASSRLS")) if self.me.superuser else set())
        since_16 = {"CREATEROLE"} if self.me.superuser else {"CREATEROLE", "BYPASSRLS"}
        return (always | mine) - {"REPLICATION"} - (since_16 if self.server.major < 16 else set())

    def _short(self, role: StageRole, has: Iterable[str], *, told: bool = True) -> list[str]:
        short = [each for each in role.attributes if each not in {*has, "NOINHERIT"}]
        return [f"{each} of {role.name}" for each in short] if told else short

    def _password(self) -> str:
        """None is needed where the server trusts whoever reaches its socket."""
        return "" if self.server.is_local and self.own else secrets.token_urlsafe(24)

    def _run(self, text: str, *names: str) -> None:
        self.admin.execute(sql.SQL(text).format(*map(sql.Identifier, names)))


def _log_in(server: Server, database: str, user: str) -> str:
    try:
        with closing(Connection.connect(server.conninfo(dbname=database, user=user))):
            return ""
    except psycopg.OperationalError as error:
        return " ".join(str(error).split())


def cast_on(admin: psycopg.Connection, server: Server, stage: Stage, token: str) -> Cast:
    """Find or make the roles on stage. ServerUnavailable where no role of the run's own could migrate."""
    if "own_server" in server.capabilities:
        return _Casting(admin, server, stage, token).run()
    with locked(admin, STAGE_LOCK):
        return _Casting(admin, server, stage, token).run()


def dismiss(admin: psycopg.Connection, stage: Stage, token: str) -> None:
    """Drop the roles that runs of ours made for the stage, where no other run is alive that may use them."""
    with locked(admin, STAGE_LOCK):
        if not living(admin) - {token}:
            drop_stage_roles(admin, [each.name for each in stage.roles])


def as_told(schema: Schema, cast: Cast, stage: Stage, *, all_roles: bool) -> Schema:
    """The catalog as it would be had the one who migrates production's name.

    Without `all_roles`, none but the roles on stage and those that the one who migrates has made.
    """
    schema = without_parked(schema)
    if not all_roles:
        kept = _company(schema, cast, stage)
        schema = replace(
            schema,
            roles=tuple(each for each in schema.roles if each.name in kept),
            settings=tuple(each for each in schema.settings if _whose(each) in {*kept, "all", "database"}),
        )
    ours, name = cast.quoted, stage.migrator.name
    return schema if ours == name else _renamed(schema, ours, name)


def _renamed(schema: Schema, ours: str, name: str) -> Schema:
    """The schema with one role's name in place of another, wherever a part names a role."""
    role = re.escape(ours)
    in_names = {
        "grants": rf"(?<= to ){role}$",
        "default_grants": rf"^{role}(?= in | on )|(?<= to ){role}$",
        "roles": f"^{role}$",
        "settings": rf"(?<= of ){role}(?= in database$|$)",
    }
    parts: dict[str, tuple[Part, ...]] = {}
    for each in fields(schema):
        words = re.compile(in_names.get(each.name, "(?!)"))
        found = (_recast(part, ours, name, words.sub(name, part.name)) for part in getattr(schema, each.name))
        parts[each.name] = tuple(sorted(found, key=lambda part: part.name) if each.name in in_names else found)
    return replace(schema, **parts)  # type: ignore[arg-type]


def _recast(part: Part, ours: str, name: str, called: str) -> Part:
    changed: dict[str, object] = {"name": called} if called != part.name else {}
    if getattr(part, "owner", None) == ours:
        changed["owner"] = name
    match part:
        case Grant(grantee=grantee) if grantee == ours:
            changed["grantee"] = name
        case Policy(roles=roles) if ours in roles:
            changed["roles"] = tuple(sorted(name if each == ours else each for each in roles))
        case Role(member_of=groups):
            changed["member_of"] = tuple(re.sub(f"^{re.escape(ours)}(?= with|$)", name, each) for each in groups)
    return replace(part, **changed) if changed else part  # type: ignore[arg-type]


def _whose(setting: Setting) -> str:
    return setting.name.partition(" of ")[2].removesuffix(" in database")


def _company(schema: Schema, cast: Cast, stage: Stage) -> frozenset[str]:
    """The migrating role, the roles on stage, and those that one of them may give on, since it made them."""
    groups = {each.name: each.member_of for each in schema.roles}
    kept, more = set[str](), {cast.quoted}
    while more:
        kept |= more
        told = (each for name in more for each in groups.get(name, ()))
        given = {each.partition(" with admin option")[0] for each in told if " with admin option" in each}
        more = (given if cast.hired else set()) - kept
    return frozenset(kept | {each.name for each in stage.roles})
