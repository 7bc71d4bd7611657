"""What a report prints at its head and its end, in its owner's words."""

from __future__ import annotations

from pgcontract.values import dataclass


@dataclass(frozen=True, kw_only=True)
class DocumentInfo:
    """The document that a migration is to keep; `project_ref` is the Supabase project that it is for."""

    title: str | None = None
    date: str | None = None
    status: str | None = None
    purpose: str | None = None
    owner: str | None = None
    project_ref: str | None = None
