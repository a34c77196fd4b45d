"""Ids of runs, outcomes and approvals: ULIDs, so that they sort by time."""

from __future__ import annotations

from ulid import ULID


def new_id() -> str:
    """26 characters, unique, sortable by creation."""
    return str(ULID())
