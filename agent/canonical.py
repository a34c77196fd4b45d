"""Canonical JSON and the hashes made of it: what an approval is bound to and what makes two calls alike."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from decimal import Decimal

from tools.types import JsonObject, JsonValue


def canonical(value: JsonValue) -> str:
    """One text per JSON value: sorted keys, no spaces, and 1.0 written as 1, as JSON knows only numbers."""
    return json.dumps(_plain(value), sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False)


def digest(value: JsonValue) -> str:
    """SHA-256 of the canonical text, in hex."""
    return hashlib.sha256(canonical(value).encode()).hexdigest()


def like(tool: str, arguments: JsonObject, subject: str) -> str:
    """What an unknown effect blocks: the same tool with the same arguments for the same subject."""
    return digest([tool, arguments, subject])


def _plain(value: object) -> object:
    if isinstance(value, float) and value.is_integer():
        # By its digits, not by its bits: PostgreSQL gives 1e23 back as the integer 10**23.
        return int(Decimal(repr(value)))
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value
