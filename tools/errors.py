"""Errors of the tools. `ToolError` is what the decider may repair; `source_error` gathers a source's mistakes."""

from __future__ import annotations

from collections.abc import Sequence

from tools.types import SourceError

SHOWN_MISTAKES = 50


class ToolError(Exception):
    """A refusal the decider may repair. Raised before anything was done; its text becomes the tool's answer."""


def source_error(source: str, mistakes: Sequence[str]) -> SourceError:
    """One error that lists every mistake of a source, so that they are mended in one go."""
    shown = [f"  - {mistake}" for mistake in mistakes[:SHOWN_MISTAKES]]
    if len(mistakes) > SHOWN_MISTAKES:
        shown.append(f"  - and {len(mistakes) - SHOWN_MISTAKES} more")
    return SourceError("\n".join([f"tool source {source!r} cannot be used:", *shown]))


def shorten(text: str, length: int) -> str:
    """Text from outside, made safe to show: no control characters, at most `length` characters."""
    clean = "".join(char if char.isprintable() else " " for char in text[: length + 1]).strip()
    return clean if len(clean) <= length else clean[: length - 1] + "…"
