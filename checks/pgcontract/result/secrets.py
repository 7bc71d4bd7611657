"""Values that must be in no report: whatever a run says is said with their names."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, is_dataclass, replace
from typing import Any, TypeVar

T = TypeVar("T")


def mask_secrets(value: T, secrets: Mapping[str, str]) -> T:
    """The same value, with what `secrets` gives for each of its keys in the place of that key, in every text in it."""
    if not secrets:
        return value
    masked: Any = _masked(value, dict(sorted(secrets.items(), key=lambda pair: -len(pair[0]))))
    return masked  # type: ignore[no-any-return]


def _masked(value: Any, secrets: Mapping[str, str]) -> Any:
    match value:
        case str():
            for secret, name in secrets.items():
                value = value.replace(secret, name) if secret in value else value
            return value
        case tuple() if type(value) is tuple:
            return tuple(_masked(part, secrets) for part in value)
        case list():
            return [_masked(part, secrets) for part in value]
        case Mapping():
            return {_masked(key, secrets): _masked(part, secrets) for key, part in value.items()}
        case _ if is_dataclass(value) and not isinstance(value, type):
            return _masked_dataclass(value, secrets)
    return value


def _masked_dataclass(value: Any, secrets: Mapping[str, str]) -> Any:
    """The value itself where nothing in it is a secret: others may know it by its identity."""
    before = {each.name: getattr(value, each.name) for each in fields(value) if each.init}
    after = {name: _masked(part, secrets) for name, part in before.items()}
    return value if after == before else replace(value, **after)
