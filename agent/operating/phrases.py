"""Questions that each operators' tool answers, for who must route without a language model."""

from __future__ import annotations

from collections.abc import Mapping

PHRASES: Mapping[str, tuple[str, ...]] = {}
