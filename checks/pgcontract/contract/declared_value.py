"""What an owner declares, as the value that everybody uses: the model that reads it is the value.

`name`, `path` and `origin` do not stand in the table itself: the reader puts them there from the key path and its line.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Final, TypeVar, get_args

from pydantic import BaseModel, ConfigDict, Field, GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic.fields import FieldInfo
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import PydanticOmit, core_schema

from pgcontract.contract.declaration_models import NameKey, Spec
from pgcontract.contract.toml_positions import KeyPath, line_of
from pgcontract.model.schema import Origin
from pgcontract.values import dataclass

T = TypeVar("T")

# No key that an owner may write: each is reserved for what the reader adds to a table.
NAME: Final = "@name"
PATH: Final = "@path"
ORIGIN: Final = "@origin"
TEXT: Final = "@text"
ADDED_KEYS: Final = (NAME, PATH, ORIGIN, TEXT)
_PLACE: Final = ("path", "origin")


class FromReader:
    """A field that the reader sets: neither validated nor part of the JSON Schema."""

    def __get_pydantic_core_schema__(self, source: object, handler: GetCoreSchemaHandler) -> core_schema.CoreSchema:
        return core_schema.any_schema()

    def __get_pydantic_json_schema__(
        self, schema: core_schema.CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        raise PydanticOmit


@dataclass(frozen=True, kw_only=True)
class FromList:
    """A tuple that stands in the file as a list, of at least and at most so many elements."""

    least: int | None = None
    most: int | None = None

    def __get_pydantic_core_schema__(self, source: object, handler: GetCoreSchemaHandler) -> core_schema.CoreSchema:
        element = handler.generate_schema(get_args(source)[0])
        elements = core_schema.list_schema(element, min_length=self.least, max_length=self.most, strict=False)
        return core_schema.no_info_after_validator_function(tuple, elements)


@dataclass(frozen=True, kw_only=True)
class FromTable:
    """A tuple that stands in the file as a table: of its values, which know their names, or of its pairs."""

    key: Any = NameKey
    pairs: bool = False
    least: int | None = None

    def __get_pydantic_core_schema__(self, source: object, handler: GetCoreSchemaHandler) -> core_schema.CoreSchema:
        element = get_args(source)[0]
        value = get_args(element)[1] if self.pairs else element
        table = Annotated[dict[self.key, value], Field(min_length=self.least)]  # type: ignore[name-defined, valid-type]
        return core_schema.no_info_wrap_validator_function(self._tuple, handler.generate_schema(table))

    def _tuple(self, written: object, read: core_schema.ValidatorFunctionWrapHandler) -> object:
        if isinstance(written, tuple):  # it is a value already
            return written
        table = read(written)
        return tuple(table.items() if self.pairs else table.values())


Many = Annotated[tuple[T, ...], FromList()]
NonEmpty = Annotated[tuple[T, ...], FromList(least=1)]
Named = Annotated[tuple[T, ...], FromTable()]
Pairs = Annotated[tuple[tuple[str, T], ...], FromTable(key=str, pairs=True)]


class DeclaredValue(Spec):
    """A table of keys and the value that it is: two are equal that say the same, wherever they stand."""

    model_config = ConfigDict(validate_by_alias=True, validate_by_name=True)

    path: Annotated[KeyPath, FromReader()] = Field(default=(), validation_alias=PATH)
    origin: Annotated[Origin | None, FromReader()] = Field(default=None, validation_alias=ORIGIN)

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and [*self.__repr_args__()] == [*other.__repr_args__()]

    def __hash__(self) -> int:
        return hash((type(self), *(value for _, value in self._fields() if not isinstance(value, Mapping))))

    def __repr_args__(self) -> Iterator[tuple[str, Any]]:
        """What it says: all of it but its place."""
        yield from self._fields()
        yield from (self.model_extra or {}).items()

    def _fields(self) -> Iterator[tuple[str, Any]]:
        return ((name, getattr(self, name)) for name in type(self).model_fields if name not in _PLACE)


class NamedValue(DeclaredValue):
    """One whose key is its name."""

    name: Annotated[str, FromReader()] = Field(validation_alias=NAME)


class TextValue(DeclaredValue):
    """One of a list that stands in the file as a text and not as a table."""

    text: str = Field(validation_alias=TEXT)

    @classmethod
    def __get_pydantic_json_schema__(
        cls, schema: core_schema.CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        table = handler.resolve_ref_schema(handler(schema))
        return {key: value for key, value in table["properties"][TEXT].items() if key != "title"}


def key_of(name: str, field: FieldInfo) -> str:
    """The key that the field has in the file."""
    return str(field.validation_alias or name)


def with_places(
    model: type[BaseModel], table: Any, *, file: str, lines: Mapping[KeyPath, int], path: KeyPath = ()
) -> Any:
    """The same TOML, and in each table that is read as a DeclaredValue its name, its path and its origin."""
    place = {PATH: path, ORIGIN: Origin(file=file, line=line_of(path, lines))}
    if issubclass(model, TextValue):
        return {TEXT: table, **place}
    if not isinstance(table, dict):
        return table
    placed = dict(table)
    for name, field in model.model_fields.items():
        key = key_of(name, field)
        part = _declared_type(field.annotation) if key in table else None
        if part is None:
            continue
        match table[key]:
            case dict() as tables if any(isinstance(how, FromTable) for how in field.metadata):
                placed[key] = {
                    step: with_places(part, one, file=file, lines=lines, path=(*path, key, step))
                    for step, one in tables.items()
                }
            case list() as tables:
                placed[key] = [
                    with_places(part, one, file=file, lines=lines, path=(*path, key, at)) for at, one in enumerate(tables)
                ]
            case dict() as one:
                placed[key] = with_places(part, one, file=file, lines=lines, path=(*path, key))
    if issubclass(model, DeclaredValue):
        placed |= place
    if issubclass(model, NamedValue):
        placed[NAME] = path[-1]
    return placed


def _declared_type(annotation: Any) -> type[DeclaredValue] | None:
    """The values that a field holds, if there are any in it."""
    if isinstance(annotation, type) and issubclass(annotation, DeclaredValue):
        return annotation
    return next((part for argument in get_args(annotation) if (part := _declared_type(argument))), None)
