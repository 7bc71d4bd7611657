"""The keys an owner may write: what every declaration has in common, and the types of its values.

Every key is optional here, because a later contract restates only what changes; what is still missing once all
contracts are taken together is reported by `schema_parts`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Final, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from pgcontract.contract.name_spelling import spell_name


class Spec(BaseModel):
    """A table of keys. Unknown keys are refused and nothing is converted: what is written is what is meant."""

    # A validator is built when a file first needs it: a run without a contract needs none of them.
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, defer_build=True)


def _spelling_validator(least: int, most: int, example: str) -> AfterValidator:
    return AfterValidator(lambda name: spell_name(name, parts=(least, most), example=example))


def _require_arguments(name: str) -> str:
    if not name.endswith(")") or "(" not in name:
        raise ValueError(f"{name!r} has no argument types; write them in brackets, as in public.set_updated_at()")
    return name


# A name that stands as a value is spelled as the server spells it; a name that stands as a key is only checked here,
# so that the key can still be found in the file, and spelled when the shape is made.
Identifier = Annotated[str, _spelling_validator(1, 1, "email")]
Qualified = Annotated[str, _spelling_validator(2, 2, "public.orders")]
Callable = Annotated[str, _spelling_validator(2, 2, "public.set_updated_at()"), AfterValidator(_require_arguments)]
ColumnName = Annotated[str, _spelling_validator(3, 3, "public.orders.id")]


def _key_validator(least: int, most: int, example: str) -> AfterValidator:
    def check(name: str) -> str:
        spell_name(name, parts=(least, most), example=example)
        return name

    return AfterValidator(check)


IdentifierKey = Annotated[str, _key_validator(1, 1, "email")]
QualifiedKey = Annotated[str, _key_validator(2, 2, "public.orders")]
CallableKey = Annotated[str, _key_validator(2, 2, "public.set_updated_at()"), AfterValidator(_require_arguments)]


def _check_name(name: str) -> str:
    if not name.replace("-", "").replace("_", "").isalnum():
        raise ValueError(f"{name!r} is no word; use letters, digits, - and _")
    return name


NameKey = Annotated[str, AfterValidator(_check_name)]  # names what is no object of the database

_PRIVILEGES: Final = (
    *("select", "insert", "update", "delete", "truncate", "references", "trigger", "maintain", "usage", "execute"),
    *("create", "connect", "temporary", "set", "alter system"),
)
if TYPE_CHECKING:
    Privilege = str
else:
    Privilege = Literal[(*_PRIVILEGES, *(f"{word} with grant option" for word in _PRIVILEGES))]
Privileges = list[Privilege]
Grants = Annotated[
    dict[IdentifierKey, Privileges],
    Field(
        description="What each role may do: the whole set, as `service_role = ["
        '"select", "insert"]`; "public" is everybody. A role not named has what default privileges gave it.'
    ),
]
Scalar = Any  # whatever TOML can hold: a row's value, to be sent as a parameter


class PartSpec(Spec):
    """What every part may say."""

    purpose: str | None = Field(None, description="What this part is for. The report prints it.")
    comment: str | None = Field(
        None, description="The exact text of its COMMENT. Not given, any comment that is not empty will do."
    )
    same_as: list[str] | None = Field(
        None,
        description="The server's own spelling of this part's expression or body, where it differs from what is "
        "written here and you have read it and mean it. One that matches nothing is BROKEN.",
    )
    anew: Literal[True] | None = Field(
        None,
        description="Forget what an earlier contract said of this part itself, instead of keeping the keys that are "
        "not named here. What hangs on it (columns, checks, ...) stays.",
    )
    removed: Literal[True] | None = Field(None, description="Remove this part, which an earlier contract declared.")


class OwnedSpec(PartSpec):
    """What every part with an owner may say."""

    owner: str | None = Field(None, description="The role that owns it. Default: the role that migrates.")


def column_list(value: Any) -> Any:
    """`["id"]` in place of `{ columns = ["id"] }`."""
    return {"columns": value} if isinstance(value, list) else value


Shorthand = BeforeValidator(column_list)
EnabledSpec = Literal["origin", "replica", "always", "disabled"]
