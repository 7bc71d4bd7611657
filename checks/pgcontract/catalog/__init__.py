"""What is there: the live catalog as a Schema, by pg_catalog and by the standard's views."""

from __future__ import annotations

from pgcontract.catalog.changed_parts import subtract
from pgcontract.catalog.information_schema import (
    StandardColumn,
    StandardConstraint,
    StandardPrivilege,
    StandardTable,
    StandardTrigger,
    StandardViews,
    read_information_schema,
)
from pgcontract.catalog.information_schema_gaps import Hidden, hidden_by_standard_views
from pgcontract.catalog.object_ids import read_identities
from pgcontract.catalog.reader import read_catalog

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
