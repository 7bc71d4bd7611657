"""Values behave as frozen dataclasses of the standard library do, side by side."""

from __future__ import annotations

import copy
import dataclasses
import inspect
from collections.abc import Callable
from functools import cached_property
from typing import Any

import pytest
from pgcontract import values


def kinds(dataclass: Callable[..., Any]) -> dict[str, type]:
    """A value, one that derives from it, one that changes what it is given, one with its own words, and an empty one."""

    @dataclass(frozen=True, kw_only=True)
    class Value:
        name: str
        number: int = 0
        seen: list[int] = dataclasses.field(default_factory=list)
        note: str = dataclasses.field(default="", compare=False, repr=False)

        @cached_property
        def length(self) -> int:
            return len(self.name)

    @dataclass(frozen=True, kw_only=True)
    class Derived(Value):
        number: int = 7
        size: int

    @dataclass(frozen=True, kw_only=True)
    class Finished:
        name: str

        def __post_init__(self) -> None:
            object.__setattr__(self, "name", self.name.upper())

    @dataclass(frozen=True, kw_only=True)
    class Worded:
        name: str

        def __eq__(self, other: object) -> bool:
            return isinstance(other, Worded)

        def __repr__(self) -> str:
            return f"<{self.name}>"

    @dataclass(frozen=True, kw_only=True)
    class Counted:
        name: str
        counts: dict[str, int] = dataclasses.field(default_factory=dict, hash=False)

    @dataclass(frozen=True, kw_only=True)
    class Empty:
        pass

    return {kind.__name__: kind for kind in (Value, Derived, Finished, Worded, Counted, Empty)}


def answer(kind: Callable[[], object]) -> str:
    """What comes of it, or the kind of error."""
    try:
        return repr(kind())
    except Exception as error:  # noqa: BLE001 - it is what is compared
        return type(error).__name__


QUESTIONS: dict[str, Callable[[dict[str, type]], object]] = {
    "all given": lambda k: k["Value"](name="a", number=1, seen=[2], note="n"),
    "defaults": lambda k: k["Value"](name="a"),
    "a list of its own": lambda k: k["Value"](name="a").seen is k["Value"](name="a").seen,
    "one missing": lambda k: k["Value"](number=1),
    "one too many": lambda k: k["Value"](name="a", other=1),
    "by position": lambda k: k["Value"]("a"),
    "derived": lambda k: k["Derived"](name="a", size=2),
    "derived, one missing": lambda k: k["Derived"](name="a"),
    "finished": lambda k: k["Finished"](name="a"),
    "its own words": lambda k: (k["Worded"](name="a"), k["Worded"](name="a") == k["Worded"](name="b")),
    "a hash beside an equality of its own": lambda k: hash(k["Worded"](name="a")) == hash(k["Worded"](name="a")),
    "empty": lambda k: (k["Empty"](), k["Empty"]() == k["Empty"](), len({k["Empty"](), k["Empty"]()})),
    "equal": lambda k: k["Value"](name="a") == k["Value"](name="a"),
    "not equal": lambda k: k["Value"](name="a") == k["Value"](name="a", number=1),
    "equal but for what is not compared": lambda k: k["Value"](name="a") == k["Value"](name="a", note="n"),
    "equal to one that derives": lambda k: k["Value"](name="a", number=7) == k["Derived"](name="a", size=2),
    "equal to something else": lambda k: k["Value"](name="a") == ("a", 0, []),
    "a set": lambda k: len({k["Finished"](name="a"), k["Finished"](name="A"), k["Finished"](name="b")}),
    "a set of what has more than its hash": lambda k: len(
        {k["Counted"](name="a"), k["Counted"](name="a"), k["Counted"](name="a", counts={"b": 1})}
    ),
    "a set of what has a list": lambda k: {k["Value"](name="a")},
    "assigned": lambda k: setattr(k["Value"](name="a"), "name", "b"),
    "deleted": lambda k: delattr(k["Value"](name="a"), "name"),
    "replaced": lambda k: dataclasses.replace(k["Value"](name="a", note="n"), number=1).note,
    "replaced by what is not there": lambda k: dataclasses.replace(k["Value"](name="a"), other=1),
    "fields": lambda k: [(f.name, f.default, f.compare) for f in dataclasses.fields(k["Derived"])],
    "as a dict": lambda k: dataclasses.asdict(k["Derived"](name="a", size=2)),
    "variables": lambda k: sorted(vars(k["Derived"](name="a", size=2))),
    "cached": lambda k: k["Value"](name="abc").length,
    "copied": lambda k: copy.deepcopy(k["Value"](name="a", seen=[1])),
    "called like this": lambda k: [
        (p.name, p.kind, p.annotation, p.default is p.empty) for p in inspect.signature(k["Derived"]).parameters.values()
    ],
    "matched": lambda k: k["Value"].__match_args__,
}


@pytest.mark.parametrize("question", QUESTIONS.values(), ids=QUESTIONS)
def test_a_value_answers_as_the_standard_dataclass(question: Callable[[dict[str, type]], object]) -> None:
    ours, standard = kinds(values.dataclass), kinds(dataclasses.dataclass)

    assert answer(lambda: question(standard)) == answer(lambda: question(ours))


def test_a_mutable_default_is_refused() -> None:
    with pytest.raises(ValueError, match="mutable default"):

        @values.dataclass(frozen=True, kw_only=True)
        class Value:
            seen: list[int] = []  # noqa: RUF012 - what is refused


def test_other_options_are_the_standard_librarys() -> None:
    @values.dataclass(frozen=True, order=True)
    class Value:
        number: int

    assert Value(1) < Value(2)


def test_without_options_it_is_the_standard_librarys() -> None:
    @values.dataclass
    class Value:
        number: int

    assert Value(1) == Value(1)
