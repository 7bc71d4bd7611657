"""A running server as other packages see it: an address, a version and its capabilities."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import field
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Literal, Protocol

from pgcontract.postgres.stand_ins import StandInFolder
from pgcontract.values import dataclass

if TYPE_CHECKING:
    from pgcontract.postgres.sandbox import PlatformStates

NO_SETTINGS: Mapping[str, str] = MappingProxyType({})

Capability = Literal["own_server", "superuser", "stop"]


@dataclass(frozen=True, kw_only=True)
class PreparedState:
    """What a server is to hold when it starts: `make` puts it there, once for each `key`, on a server with `settings`.

    `needed_bytes` says how much that takes, and is asked where it is not there yet.
    """

    key: str
    make: Callable[[Server], None]
    needed_bytes: Callable[[], int]
    settings: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Server:
    """One server that accepts connections until its provider's context ends.

    `version_num` is `server_version_num` (180006), `host` the socket's folder, `bin_dir` where its programs are, if
    any; `phases_ms` names the parts of the start in order, each with its milliseconds of wall time.
    `start_another(settings)` is a new server from the same source; `crash()` ends this one at once, as a kill would, and
    returns when it is there again on the same files. Both are there where `capabilities` has "stop".
    `start_prepared(what, settings)` is a fresh server with a prepared state: from a cache, if it was made before.

    `superuser` is the role that administers; what it does in a database that a migration has seen, it may do as a
    superuser only where `capabilities` has "superuser". A server without "own_server" is an owner's: what was there
    before us is neither altered nor relied on; `run_as` is the login that its owner made for migrations, empty where one
    is made for the run. `maintenance_database` is the one to administer from; `locale` what each new database is to
    have, where not the server's; `passwords` are by role; `parameters` are further libpq keywords, which win over ours.
    The last two are in no repr. `stand_ins` are for extensions that it was built without. `platform_states` is what a
    server that runs on between projects holds already.
    """

    provider: str
    version_num: int
    version: str
    host: str
    port: int
    superuser: str
    bin_dir: Path | None = None
    capabilities: frozenset[Capability] = frozenset()
    started_from: Literal["cache", "initdb", "image", "owner"]
    storage: Literal["tmpfs", "disk", "unknown"]
    run_as: str = ""
    stand_ins: StandInFolder | None = field(default=None, compare=False)
    maintenance_database: str = "postgres"
    locale: str | None = None
    passwords: Mapping[str, str] = field(default_factory=dict, compare=False, repr=False)
    parameters: Mapping[str, str] = field(default_factory=dict, compare=False, repr=False)
    phases_ms: tuple[tuple[str, float], ...] = field(default=(), compare=False)
    log_file: Path | None = field(default=None, compare=False)
    start_another: Callable[[Mapping[str, str]], AbstractContextManager[Server]] | None = field(
        default=None, compare=False, repr=False
    )
    crash: Callable[[], None] | None = field(default=None, compare=False, repr=False)
    start_prepared: Callable[[PreparedState, Mapping[str, str]], AbstractContextManager[Server]] | None = field(
        default=None, compare=False, repr=False
    )

    platform_states: PlatformStates | None = field(default=None, compare=False, repr=False)

    @property
    def major(self) -> int:
        """The major version: 18 for 180006."""
        return self.version_num // 10000

    @property
    def is_local(self) -> bool:
        """Whether its processes are this machine's, so that a backend's pid means something here."""
        return self.bin_dir is not None

    def conninfo(self, *, dbname: str, user: str | None = None) -> str:
        """A libpq connection string, password included, that the environment's PG* cannot change.

        `user` is the one who administers if not given. For libpq alone: whoever shows it shows a password.
        """
        user = user or self.superuser
        parts = {
            "host": self.host,
            "port": str(self.port),
            "client_encoding": "UTF8",
            **_NEUTRAL_PARAMETERS,
            **self.parameters,
            "dbname": dbname,
            "user": user,
            "password": self.passwords.get(user, ""),
        }
        return " ".join(f"{key}={_quote(value)}" for key, value in parts.items())


# libpq reads a variable of the environment wherever a keyword is not given at all: an empty one counts as given.
_NEUTRAL_PARAMETERS = {
    "hostaddr": "",
    "options": "",
    "requirepeer": "",
    "sslmode": "disable",
    "gssencmode": "disable",
    "channel_binding": "disable",
    "target_session_attrs": "any",
}


def _quote(value: str) -> str:
    """The value as libpq's connection strings spell it (manual, 34.1.1.1)."""
    return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"


@dataclass(frozen=True, kw_only=True)
class Probe:
    """Whether a provider could start a server: a `summary`, and the `remedy` where it is not `ok`."""

    provider: str
    ok: bool
    summary: str
    remedy: str = ""


class Provider(Protocol):
    """A source of servers. `start` raises InputError for what the owner can put right, else ServerUnavailable."""

    @property
    def name(self) -> str: ...

    def probe(self) -> Probe:
        """What is there to be started, found without starting it."""
        ...

    def start(
        self, *, settings: Mapping[str, str] = NO_SETTINGS, locale: str | None = None
    ) -> AbstractContextManager[Server]:
        """A fresh server while the context lasts; `settings` win over ours, `locale` is initdb's `--locale`."""
        ...
