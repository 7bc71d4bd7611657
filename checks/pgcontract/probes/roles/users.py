"""Two signed-in users, nobody, and the service, as the REST API lets them act."""

from __future__ import annotations

from typing import Final

from pgcontract.postgres.acting_identity import Identity
from pgcontract.values import dataclass


@dataclass(frozen=True, kw_only=True)
class User:
    """Who a row may be tied to: `number` 1 or 2, which the values of his rows carry."""

    name: str
    number: int
    id: str
    email: str


ANNA: Final = User(name="user A", number=1, id="a0000000-0000-4000-8000-00000000000a", email="anna@example.org")
BERT: Final = User(name="user B", number=2, id="b0000000-0000-4000-8000-00000000000b", email="bert@example.org")
USERS: Final = (ANNA, BERT)


@dataclass(frozen=True, kw_only=True)
class Actor:
    """A role and whom its token names: nobody, where there is no `user`. `metadata` is what he says of himself in it."""

    name: str
    role: str
    user: User | None = None
    metadata: tuple[tuple[str, str], ...] = ()

    @property
    def identity(self) -> Identity:
        claims: dict[str, object] = {"role": self.role}
        if self.user is not None:
            claims |= {
                "sub": self.user.id,
                "aud": self.role,
                "email": self.user.email,
                "app_metadata": {},
                "user_metadata": dict(self.metadata),
                "is_anonymous": False,
            }
        return Identity.of(self.role, claims) or Identity()


ANON: Final = Actor(name="anon", role="anon")
FIRST: Final = Actor(name=ANNA.name, role="authenticated", user=ANNA)
SECOND: Final = Actor(name=BERT.name, role="authenticated", user=BERT)
SERVICE: Final = Actor(name="service_role", role="service_role")
ACTORS: Final = (ANON, FIRST, SECOND, SERVICE)
PUBLIC_ACTORS: Final = (ANON, FIRST, SECOND)
