"""A plug-in that took part in a verification."""

from __future__ import annotations

from pgcontract.values import dataclass


@dataclass(frozen=True, kw_only=True)
class PluginUse:
    """The distribution by `name` and `version`, and what it `brought` to the Run: its checks that were asked, as
    "check money.cents", and the layout, the standards and the provider that were its own."""

    name: str
    version: str
    brought: tuple[str, ...]
