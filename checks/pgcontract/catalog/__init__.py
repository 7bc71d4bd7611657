"""The live catalog as a Schema: from pg_catalog, and from information_schema."""

from __future__ import annotations

from pgcontract.catalog.changed_parts import subtract
from pgcontract.catalog.information_schema import (
    InformationSchema,
    InformationSchemaColumn,
    InformationSchemaConstraint,
    InformationSchemaPrivilege,
    InformationSchemaTable,
    InformationSchemaTrigger,
    read_information_schema,
)
from pgcontract.catalog.information_schema_gaps import Gap, find_information_schema_gaps
from pgcontract.catalog.object_ids import read_object_ids
from pgcontract.catalog.reader import read_catalog
