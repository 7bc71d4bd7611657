"""Every key of the configuration with its value and where that comes from."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from pydantic import BaseModel

from pgcontract.contract.configuration import Configuration
from pgcontract.contract.project_file import ProjectSpec
from pgcontract.contract.toml_positions import KeyPath
from pgcontract.contract.validation_errors import spell_path
from pgcontract.values import dataclass

DEFAULT: Final = "default"
# What holds where no file says it, and the model has no value for it.
_UNSAID: Final[Mapping[KeyPath, Any]] = {
    ("runner", "layout"): "told by looking",
    ("runner", "applied"): "all but the last",
    ("production", "platform"): "told by looking",
    ("production", "locale"): "C.UTF-8",
    ("production", "tables"): "not known",
    ("report", "section"): "the default outline",
    ("severity",): "the checks' own",
    ("leave_out",): "none",
}
_NOT_SAID: Final = "not said"


@dataclass(frozen=True, kw_only=True)
class Setting:
    """One key, as TOML spells it, its value, and where that is from: `default`, `file:line`, or the name of an option or
    of a variable of the environment."""

    key: str
    value: Any
    source: str


def settings(configuration: Configuration) -> tuple[Setting, ...]:
    """In the order of the model; of a table with names of its owner's each of them."""
    return tuple(_settings(ProjectSpec, configuration.spec, configuration, ()))


def _settings(
    model: type[BaseModel], values: BaseModel, configuration: Configuration, above: KeyPath
) -> Iterator[Setting]:
    for name in model.model_fields:
        key, value = (*above, name), getattr(values, name)
        if isinstance(value, BaseModel):
            yield from _settings(type(value), value, configuration, key)
        elif isinstance(value, Mapping) and value:
            for inner, one in value.items():
                yield _setting((*key, inner), one, configuration)
        elif key == ("report", "section") and value:
            yield _setting(key, [section.id for section in value], configuration)
        else:
            yield _setting(key, value, configuration)


def _setting(key: KeyPath, value: Any, configuration: Configuration) -> Setting:
    origin = configuration.origin(*key)
    if origin is None:
        value = _UNSAID.get(key, _NOT_SAID if value is None else value)
    return Setting(key=spell_path(key), value=value, source=DEFAULT if origin is None else str(origin))
