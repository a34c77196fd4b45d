"""What is wrong in a portfolio file, and where. Start with `Mistake`; checks add to a `MistakeList`."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable
from dataclasses import dataclass

_PLAIN_KEY = re.compile(r"[A-Za-z_$][A-Za-z0-9_-]*\Z")
_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f]+")


@dataclass(frozen=True, kw_only=True)
class Mistake:
    """One thing to correct; as text `file: path: what is wrong. What would be right.`"""

    file: str
    path: str
    """Where in the file: `events["order.placed"].allow[0]`; a line where the file is no YAML; empty for the whole."""
    problem: str
    hint: str

    def __str__(self) -> str:
        place = f"{self.file}: {self.path}" if self.path else self.file
        line = f"{place}: {self.problem}. {self.hint}"
        return _UNPRINTABLE.sub(" ", line).encode("utf-8", "backslashreplace").decode("utf-8")


class PortfolioError(Exception):
    """A portfolio cannot be used; carries every mistake found, in the order of the files."""

    def __init__(self, mistakes: Iterable[Mistake]) -> None:
        self.mistakes = tuple(mistakes)
        super().__init__("\n".join(str(mistake) for mistake in self.mistakes))


@dataclass(frozen=True, kw_only=True)
class Place:
    """A place in a portfolio file."""

    file: str
    path: str = ""

    def at(self, *keys: str | int) -> Place:
        """The place of a key or an element below this one."""
        path = self.path
        for key in keys:
            if isinstance(key, int):
                path += f"[{key}]"
            elif _PLAIN_KEY.match(key):
                path += f".{key}" if path else key
            else:
                shown = key if len(key) <= 200 else key[:200] + "..."
                path += f'["{shown}"]'
        return Place(file=self.file, path=path)


class MistakeList:
    """Collects mistakes, so that all are reported at once."""

    def __init__(self) -> None:
        self._mistakes: list[Mistake] = []

    def add(self, place: Place, problem: str, hint: str) -> None:
        self._mistakes.append(Mistake(file=place.file, path=place.path, problem=problem, hint=hint))

    def __len__(self) -> int:
        return len(self._mistakes)

    def first(self) -> str:
        """The first mistake as text."""
        return str(self._mistakes[0]).rstrip(".")

    def raise_if_any(self) -> None:
        """Raises `PortfolioError` with everything that was added."""
        if self._mistakes:
            raise PortfolioError(self._mistakes)


def suggest(name: str, known: Iterable[str], none: str) -> str:
    """A hint for an unknown name: the nearest known one, else a list of them; `none` where there are none at all."""
    names = sorted(set(known))
    if not names:
        return none
    near = difflib.get_close_matches(name[:100], names, n=1, cutoff=0.6)
    if near:
        return f"Did you mean {near[0]!r}?"
    more = f" and {len(names) - 12} more" if len(names) > 12 else ""
    return f"Use one of: {', '.join(names[:12])}{more}."


def shown(value: object) -> str:
    """A value as a message quotes it, short."""
    text = repr(value)
    return text if len(text) <= 80 else text[:80] + "..."
