"""Whose words a contract's SQL is: the role that sends it, and the claims of the token that it came with."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from pydantic import Field

from pgcontract.contract.declaration_models import Scalar
from pgcontract.contract.declared_value import DeclaredValue
from pgcontract.contract.section import Mistake
from pgcontract.contract.sql_parameters import parameters_of
from pgcontract.contract.validation_errors import nearest


class ActingRole(DeclaredValue):
    """SQL that is not sent by the role that migrates, or not without claims."""

    role: str | None = Field(
        default=None,
        validation_alias="as",
        min_length=1,
        description="The role that sends it, by SET ROLE, as in authenticated. Default: the one that migrates.",
    )
    claims: dict[str, Scalar] = Field(
        default={},
        description='The claims of the token that it comes with, as in { sub = "…" }: auth.uid() and auth.jwt() read '
        "them from request.jwt.claims. In a flow a text may hold {actor} and %(name)s, one of its values, in a race "
        "%(session)s.",
    )

    def claim_mistakes(self, known: Iterable[str] = ()) -> Iterator[Mistake]:
        """Parameters in claims that have no value when the SQL is sent."""
        names = tuple(known)
        for word, value in self.claims.items():
            for name in _parameters(value):
                if name not in names:
                    message = f"the parameter %({name})s has no value here; {nearest(name, names)}"
                    yield (*self.path, "claims", word), message


def _parameters(value: Any) -> Iterator[str]:
    match value:
        case str():
            yield from parameters_of(value)
        case list():
            for item in value:
                yield from _parameters(item)
        case Mapping():
            for item in value.values():
                yield from _parameters(item)
