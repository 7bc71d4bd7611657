"""Stand-ins for extensions that a server was built without: the names, types and functions that migrations lean on.

CREATE EXTENSION finds them on a server of ours (from 18 on by extension_control_path, before in an installation that is
linked together around them), and makes them as it would the real one: in the schema given, with CASCADE, to be altered,
commented on and dropped. So a folder is judged beyond that line; `extension.available` says what was not asked, and
nothing that such a function gives is evidence about it.

Where production is Supabase, what its role postgres may create there though it is no superuser, it may create here too.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Collection
from contextlib import suppress
from functools import cached_property
from importlib.resources import files
from pathlib import Path
from typing import Final

from pgcontract.values import dataclass

# extension_control_path came with it.
FIRST_WITH_PATH: Final = 18
_FUNCTION: Final = re.compile(r"CREATE FUNCTION (?:\w+\.)?\"?([a-z]\w*)|'(http_\w+)\(")
# What every project of Supabase has in it from the start.
PREINSTALLED: Final = frozenset({"pgcrypto", "uuid-ossp", "pg_graphql", "supabase_vault"})


@dataclass(frozen=True, kw_only=True)
class StandIn:
    """An extension in SQL: `version` as the real one's, `schema` where it takes no other. `parts` are what it is made of,
    none where its name alone is wanted; `home` is the schema that they make for it, where they do. `contrib` is
    PostgreSQL's own, which a plain folder may create as well. The functions in `exact` do here
    what they do there; all of them where it is None."""

    name: str
    version: str
    parts: tuple[str, ...] = ()
    schema: str = ""
    requires: str = ""
    contrib: bool = False
    home: str = ""
    exact: frozenset[str] | None = frozenset()

    @property
    def control(self) -> str:
        lines = ["comment = 'a stand-in'", f"default_version = '{self.version}'", "trusted = true"]
        lines.append(f"relocatable = {'true' if self.contrib else 'false'}")
        if self.schema:
            lines.append(f"schema = '{self.schema}'")
        if self.requires:
            lines.append(f"requires = '{self.requires}'")
        return "\n".join(lines) + "\n"

    @cached_property
    def functions(self) -> frozenset[str]:
        """The names of its functions, as migrations call them, without those that PostgreSQL itself has."""
        return frozenset("".join(names) for names in _FUNCTION.findall(self.script)) - {"gen_random_uuid"}

    def differs(self, called: Collection[str]) -> bool:
        """Whether one of the functions that a statement calls may do here something else than there."""
        if self.exact is None:
            return False
        # A hash with a salt that is drawn is another each time.
        drawn = {"crypt"} if "gen_salt" in called else set()
        return not set(called) <= self.exact | drawn

    @property
    def script(self) -> str:
        texts = (files(__package__).joinpath(f"{part}.sql").read_text("utf-8") for part in self.parts)
        return "".join(texts).replace("{name}", self.name.partition("-")[0])


_OF_PGCRYPTO: Final = frozenset(
    ("digest", "hmac", "gen_random_bytes", "gen_salt", "armor", "dearmor", "pgp_armor_headers")
)
_OF_PGMQ: Final = frozenset(
    """
    archive create create_non_partitioned create_unlogged delete drop_queue list_queues pop purge_queue read send
    send_batch set_vt
    """.split()  # noqa: SIM905 - a list of them all, a line each, says no more
)
STAND_INS: Final = (
    StandIn(name="pgcrypto", version="1.4", parts=("_sha1", "pgcrypto"), contrib=True, exact=_OF_PGCRYPTO),
    StandIn(name="uuid-ossp", version="1.1", parts=("_sha1", "uuid-ossp"), contrib=True, exact=None),
    StandIn(name="pg_cron", version="1.6", parts=("pg_cron",), schema="pg_catalog", home="cron", exact=None),
    StandIn(name="pg_net", version="0.14.0", parts=("pg_net",), home="net"),
    StandIn(name="pgmq", version="1.5.1", parts=("pgmq",), schema="pgmq", home="pgmq", exact=_OF_PGMQ),
    StandIn(name="http", version="1.6", parts=("http",)),
    StandIn(name="pgjwt", version="0.2.0", parts=("pgjwt",), requires="pgcrypto", exact=None),
    StandIn(name="pg_graphql", version="1.5.11", schema="graphql"),
    StandIn(name="supabase_vault", version="0.3.1", schema="vault"),
    StandIn(name="pgsodium", version="3.1.8", schema="pgsodium"),
    StandIn(name="pgaudit", version="18.0"),
    StandIn(name="hypopg", version="1.4.1"),
    StandIn(name="index_advisor", version="0.2.0"),
    StandIn(name="pg_stat_monitor", version="2.1"),
)
# What Supabase's supautils lets the role postgres create, of what PostgreSQL and its packages have; without dblink and
# postgres_fdw, for no script is to reach another server from here.
PRIVILEGED: Final = frozenset(
    """
    autoinc bloom btree_gin btree_gist citext cube dict_int dict_xsyn earthdistance fuzzystrmatch hstore
    insert_username intarray isn ltree moddatetime pg_buffercache pg_prewarm pg_stat_statements pg_trgm pg_walinspect
    pgrowlocks pgstattuple plpgsql_check postgis refint rum seg sslinfo tablefunc tcn tsm_system_rows
    tsm_system_time unaccent vector xml2
    """.split()  # noqa: SIM905 - a list of them all, a line each, says no more
)


def offered(platform: str) -> tuple[StandIn, ...]:
    """Those that a folder for this platform may create."""
    return tuple(stand_in for stand_in in STAND_INS if platform == "supabase" or stand_in.contrib)


@dataclass(frozen=True, kw_only=True)
class StandInFolder:
    """Where a server of ours finds stand-ins, and the names of those that it has nothing better for. Before 18 it is
    started from `bin_dir`, and looks for its extensions behind `link`."""

    folder: Path
    names: frozenset[str]
    link: Path | None = None
    bin_dir: Path | None = None

    def search_path(self, platform: str) -> str | None:
        """The extension_control_path of who migrates a database of the platform; None where a `link` leads to them."""
        return None if self.link is not None else f"{self.folder / platform}:$system"

    def lead_to(self, platform: str) -> None:
        """Have the link, where there is one, lead to what the platform has."""
        if self.link is not None:
            draft = self.link.with_name("extension.new")
            draft.unlink(missing_ok=True)
            draft.symlink_to(self.folder / platform / "extension")
            draft.replace(self.link)


def write_stand_ins(folder: Path, bin_dir: Path) -> StandInFolder | None:
    """Puts `<platform>/extension/` for each platform into the folder. None where it is not known what is installed."""
    installed = installed_extensions(bin_dir)
    if installed is None or "'" in str(installed) or ":" in str(installed):  # no control file could name it
        return None
    lacking = [stand_in for stand_in in STAND_INS if not (installed / f"{stand_in.name}.control").exists()]
    for platform in ("postgres", "supabase"):
        extensions = folder / platform / "extension"
        extensions.mkdir(parents=True)
        for stand_in in lacking:
            if stand_in in offered(platform):
                (extensions / f"{stand_in.name}.control").write_text(stand_in.control, "utf-8")
                (extensions / f"{stand_in.name}--{stand_in.version}.sql").write_text(stand_in.script, "utf-8")
    for name in PRIVILEGED:
        with suppress(FileNotFoundError):
            text = (installed / f"{name}.control").read_text("utf-8")
            text += f"\ntrusted = true\nsuperuser = true\ndirectory = '{installed}'\n"
            (folder / "supabase" / "extension" / f"{name}.control").write_text(text, "utf-8")
    for path in (folder, *folder.rglob("*")):  # the server's user reads it, whatever our umask is
        path.chmod(0o755 if path.is_dir() else 0o644)
    return StandInFolder(folder=folder, names=frozenset(stand_in.name for stand_in in lacking))


def link_installation(stand_ins: StandInFolder, bin_dir: Path) -> StandInFolder | None:
    """A server of these programs in the same folder, all but itself linked, which finds the stand-ins beside its own
    extensions. None where it is not laid out so that it finds its parts from where it stands."""
    installed, libraries = installed_extensions(bin_dir), bin_dir.parent / "lib"
    is_found = any(libraries.glob("**/plpgsql.*"))
    if installed is None or not is_found or os.statvfs(stand_ins.folder).f_flag & os.ST_NOEXEC:
        return None
    share, root = installed.parent, os.path.commonpath((bin_dir, installed))
    programs = stand_ins.folder / "installation" / bin_dir.relative_to(root)
    parts = stand_ins.folder / "installation" / share.relative_to(root)
    programs.mkdir(parents=True)
    parts.mkdir(parents=True, exist_ok=True)
    shutil.copy(bin_dir / "postgres", programs / "postgres")  # it looks from where it is, and not from a link to it
    (programs.parent / "lib").symlink_to(libraries)
    for part in share.iterdir():
        if part != installed:
            (parts / part.name).symlink_to(part)
    for platform in ("postgres", "supabase"):
        extensions = stand_ins.folder / platform / "extension"
        for file in installed.iterdir():
            if not (extensions / file.name).exists():
                (extensions / file.name).symlink_to(file)
    for path in (stand_ins.folder / "installation").rglob("*"):
        if not path.is_symlink():
            path.chmod(0o755)
    linked = StandInFolder(folder=stand_ins.folder, names=stand_ins.names, link=parts / "extension", bin_dir=programs)
    linked.lead_to("postgres")
    return linked


def installed_extensions(bin_dir: Path) -> Path | None:
    """The folder of the extensions that these programs have, where it is known."""
    share = bin_dir.parent / "share"
    major = bin_dir.parent.name  # Debian: /usr/lib/postgresql/18/bin, /usr/share/postgresql/18
    for folder in (share, share / "postgresql", Path("/usr/share/postgresql") / major):
        extensions = folder / "extension"
        if (extensions / "plpgsql.control").exists():
            return extensions
    return None
