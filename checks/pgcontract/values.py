"""`dataclass`, as the standard library's, at a twentieth of what a class costs to make.

The standard one writes six methods of each class as text, and Python compiles it: half a millisecond a class, of which a
run imports four hundred. Here those that are `frozen` and `kw_only` share their methods; any other is the standard one's.
So is one that plug-ins derive from: the standard library wants all of a class's bases frozen by itself.
"""

from __future__ import annotations

import dataclasses
import inspect
from collections.abc import Iterable
from operator import attrgetter
from typing import TYPE_CHECKING, Any, NoReturn

if TYPE_CHECKING:
    from dataclasses import dataclass as dataclass
else:

    def dataclass(cls=None, /, **options):
        """The class as a dataclass, or what makes a class one."""
        if options == {"frozen": True, "kw_only": True}:
            return _frozen_by_keyword
        return dataclasses.dataclass(cls, **options)


def _frozen_by_keyword(cls: type) -> type:
    if cls.__doc__ is None:
        cls.__doc__ = ""  # else a signature is made for it
    dataclasses.dataclass(init=False, repr=False, eq=False, kw_only=True)(cls)
    fields = dataclasses.fields(cls)
    compared = _getter(field.name for field in fields if field.compare)
    hashed = _getter(field.name for field in fields if (field.compare if field.hash is None else field.hash))

    def equal(self: Any, other: object) -> Any:
        return compared(self) == compared(other) if other.__class__ is self.__class__ else NotImplemented

    methods: dict[str, Any] = {
        "__init__": _initialiser(cls, fields),
        "__repr__": _repr,
        "__eq__": equal,
        "__hash__": lambda self: hash(hashed(self)),
        "__setattr__": _refuse_assignment,
        "__delattr__": _refuse_deletion,
        "__signature__": _SIGNATURE,
    }
    own = vars(cls)
    for name, method in methods.items():
        if own.get(name) is None:  # Python itself puts None for __hash__ beside an __eq__
            setattr(cls, name, method)
    return cls


def _getter(names: Iterable[str]) -> Any:
    names = tuple(names)
    return attrgetter(*names) if names else lambda _: ()


def _initialiser(cls: type, fields: tuple[dataclasses.Field[Any], ...]) -> Any:
    absent = dataclasses.MISSING
    factories = {field.name: field.default_factory for field in fields if field.default_factory is not absent}
    defaults = {field.name: field.default for field in fields if field.default is not absent}
    names = frozenset(field.name for field in fields)
    required = names - defaults.keys() - factories.keys()
    finish = getattr(cls, "__post_init__", None)

    def initialise(self: Any, /, **values: Any) -> None:
        given = values.keys()
        if not required <= given <= names:
            raise _wrong_call(cls, [field.name for field in fields if field.name in required - given], given - names)
        own = self.__dict__
        own.update(defaults)
        own.update(values)
        for name, make in factories.items():
            if name not in values:
                own[name] = make()
        if finish is not None:
            finish(self)

    return initialise


class _Signature:
    """What `inspect` says of how a class is called, made when it is asked."""

    def __get__(self, value: object, cls: type) -> inspect.Signature:
        if value is not None:
            raise AttributeError("a value is not called")
        return inspect.Signature(
            [
                inspect.Parameter(
                    field.name, inspect.Parameter.KEYWORD_ONLY, default=_shown_default(field), annotation=field.type
                )
                for field in dataclasses.fields(cls)
            ]
        )


def _shown_default(field: dataclasses.Field[Any]) -> Any:
    given = (value for value in (field.default, field.default_factory) if value is not dataclasses.MISSING)
    return next(given, inspect.Parameter.empty)


_SIGNATURE = _Signature()


def _wrong_call(cls: type, missing: list[str], unknown: set[str]) -> TypeError:
    call = f"{cls.__qualname__}.__init__()"
    if unknown:
        return TypeError(f"{call} got an unexpected keyword argument {min(unknown)!r}")
    return TypeError(f"{call} missing {len(missing)} required keyword-only argument(s): {', '.join(missing)}")


def _repr(self: Any) -> str:
    shown = ", ".join(f"{field.name}={getattr(self, field.name)!r}" for field in dataclasses.fields(self) if field.repr)
    return f"{self.__class__.__qualname__}({shown})"


def _refuse_assignment(self: Any, name: str, value: Any) -> NoReturn:
    raise dataclasses.FrozenInstanceError(f"cannot assign to field {name!r}")


def _refuse_deletion(self: Any, name: str) -> NoReturn:
    raise dataclasses.FrozenInstanceError(f"cannot delete field {name!r}")
