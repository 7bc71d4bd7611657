"""The sections of contract.toml besides the schema, one file each: this folder is the list of them."""

from __future__ import annotations

import pkgutil
from importlib import import_module
from typing import Final

from pgcontract.contract.section import Section

for module in sorted(module.name for module in pkgutil.iter_modules(__path__)):
    import_module(f"{__name__}.{module}")

SECTIONS: Final = tuple(Section.__subclasses__())  # in the order of their files
