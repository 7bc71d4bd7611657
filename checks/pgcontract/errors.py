"""The exception tree: what could not be asked. A broken promise is a Finding, never an exception.

    PgcontractError
    ├── InputError            the owner's: usage, contract, a missing or unreadable file      exit 2
    │   ├── ContractError     a contract.toml, claims.toml or pgcontract.toml, with its place exit 2
    │   └── UnreadableScript  a migration that is no text or no SQL                           exit 2
    └── ServerUnavailable     the world's: no provider can start, disk full, server gone      exit 3

CouldNotAsk is apart: one question that cannot be put, and no reason to ask no other; CouldNotConnect is one of these.
Anything else that escapes is our own bug: exit 4.
"""

from __future__ import annotations


class PgcontractError(Exception):
    """What was tried, what was found, what to do: in that order, as one message a person can act on."""

    exit_code = 4

    def __init__(self, message: str, *, file: str | None = None, line: int | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.file = file
        self.line = line

    def __str__(self) -> str:
        """`file:line: message`, with only the parts that are known."""
        place = ":".join(str(part) for part in (self.file, self.line) if part is not None)
        return f"{place}: {self.message}" if place else self.message


class InputError(PgcontractError):
    """Input that cannot be handed to the server: usage, a missing or unreadable file, a bad option."""

    exit_code = 2


class ContractError(InputError):
    """A declaration that cannot be read: names the file, the line, the key and the nearest known word."""


class UnreadableScript(InputError):
    """A file that is no text, or no SQL: it cannot be handed to the server, though others of its folder can."""


class ServerUnavailable(PgcontractError):
    """No server could be had, or it went away: lists what was probed, why not, and the remedy."""

    exit_code = 3


class CouldNotAsk(Exception):
    """A fact that a rule needs cannot be had; its text is the reason. The engine makes it UNKNOWN."""


class CouldNotConnect(CouldNotAsk):
    """It cannot be had for want of a connection: the world's fault, so that nothing is shown, promised or not."""
