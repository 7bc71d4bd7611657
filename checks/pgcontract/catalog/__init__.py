"""What is there: the live catalog as a Schema, by pg_catalog and by the standard's views."""

from __future__ import annotations

from pgcontract.catalog.reader import read_catalog

__all__ = ["read_catalog"]
