"""What is there: the live catalog as a Schema, by pg_catalog and by the standard's views."""

from __future__ import annotations

from pgcontract.catalog.hidden import Hidden, hidden_by_standard_views
from pgcontract.catalog.identities import read_identities
from pgcontract.catalog.reader import read_catalog
from pgcontract.catalog.standard import (
    StandardColumn,
    StandardConstraint,
    StandardPrivilege,
    StandardTable,
    StandardTrigger,
    StandardViews,
    read_information_schema,
)
from pgcontract.catalog.subtract import subtract

__all__ = [
    "Hidden",
    "StandardColumn",
    "StandardConstraint",
    "StandardPrivilege",
    "StandardTable",
    "StandardTrigger",
    "StandardViews",
    "hidden_by_standard_views",
    "read_catalog",
    "read_identities",
    "read_information_schema",
    "subtract",
]
