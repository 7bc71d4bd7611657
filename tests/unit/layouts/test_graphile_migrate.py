"""Projects of graphile-migrate: what is committed, with the hashes that 1.4 writes, and current.sql."""

from __future__ import annotations

FIRST = "sha1:cf5f541745ac08ec28cdb2138f24a399b3d37f56"
SAMPLE = {
    "migrations/committed/000001-rooms.sql": (
        f"--! Previous: -\n--! Hash: {FIRST}\n\nCREATE TABLE rooms (id bigint PRIMARY KEY);\n"
    ),
    "migrations/committed/000002.sql": (
        f"--! Previous: {FIRST}\n--! Hash: sha1:5a5ae547370ccb0e9fe91fd8d6ac348ca83a73a1\n\n--! no-transaction\n"
        "CREATE INDEX CONCURRENTLY i ON rooms (id);\n"
    ),
    "migrations/current.sql": "-- Enter migration here\n",
}
FOLDER = "migrations"
