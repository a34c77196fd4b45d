"""Seeded randomness: the same parts give the same stream, in every process and in every order of calls."""

from __future__ import annotations

import hashlib
import random


def chance(*parts: str | int) -> random.Random:
    """A random stream of its own for these parts, so that arms that differ elsewhere share it."""
    digest = hashlib.sha256("\x1f".join(str(part) for part in parts).encode("utf-8", "replace")).digest()
    return random.Random(int.from_bytes(digest[:16], "big"))
