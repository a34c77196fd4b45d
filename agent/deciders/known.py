"""What a run knew and when, as flat facts. Start with `knowledge`."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from agent.deciders.habit_rules import NAMES, SIZE, THERE, Facts, Path, Scalar
from agent.types import PastRun
from tools.types import JsonValue

MAX_FACTS = 200
"""Of an event, and of a result."""
MAX_DEPTH = 4
MAX_ROWS = 50
LARGEST = 1e15
"""Numbers from here on are no amounts."""


@dataclass(frozen=True, kw_only=True)
class Known:
    """What a run knew, and from which decision on."""

    run: PastRun
    data: Facts
    results: Sequence[tuple[int, str, Facts]]
    """Decision, tool and facts of each call that was done."""

    def before(self, decision: int | None, tools: frozenset[str] | None = None) -> Facts:
        """What the event and those tools (None: all) had told before that decision; in the end where there was none."""
        facts = dict(self.data)
        for number, tool, told in self.results:
            if (tools is None or tool in tools) and (decision is None or number < decision):
                facts = {path: value for path, value in facts.items() if path[:2] != ("results", tool)} | dict(told)
        return facts


@dataclass(frozen=True, kw_only=True)
class _About:
    """Whom a run is about, and whom any of them is."""

    subject: str
    subjects: frozenset[str]


def knowledge(run: PastRun, subjects: frozenset[str]) -> Known:
    """Its facts; `subjects` are all that lists may name."""
    about = _About(subject=run.subject, subjects=subjects)
    return Known(
        run=run,
        data=_facts(("data",), run.data, about),
        results=[
            (result.decision, result.call.tool, _facts(("results", result.call.tool), result.result, about))
            for result in run.results
            if result.state == "done" and _is_name(result.call.tool)
        ],
    )


def _facts(path: Path, value: JsonValue, about: _About) -> Facts:
    return dict(itertools.islice(_flat(path, value, about), MAX_FACTS))


def _flat(path: Path, value: JsonValue, about: _About) -> Iterator[tuple[Path, Scalar]]:
    """Every scalar in it, of every list the length and which fields of its rows name the subject.

    Names that CEL cannot spell are left out.
    """
    match value:
        case bool() | str():
            yield path, value
        case int() | float() if abs(value) < LARGEST:
            yield path, float(value)
        case Mapping() if len(path) < MAX_DEPTH:
            if len(path) > 1:
                yield (*path, THERE), True
            for name, inner in value.items():
                if _is_name(str(name)):
                    yield from _flat((*path, str(name)), inner, about)
        case Sequence() if not isinstance(value, str):
            yield (*path, SIZE), float(len(value))
            yield from (((*path, name, NAMES), own) for name, own in _named(value[:MAX_ROWS], about).items())


def _named(rows: Sequence[JsonValue], about: _About) -> Mapping[str, bool]:
    """By field of the rows that names a subject, whether it names the run's own."""
    named: dict[str, bool] = {}
    for row in rows:
        for name, value in row.items() if isinstance(row, Mapping) else ():
            if isinstance(value, str) and value in about.subjects and _is_name(str(name)):
                named[str(name)] = named.get(str(name), False) or value == about.subject
    return named


def _is_name(name: str) -> bool:
    return name.isidentifier() and name.isascii() and name not in _RESERVED


_RESERVED = frozenset(
    (
        *("as", "break", "const", "continue", "else", "false", "for", "function", "has", "if", "import", "in", "let"),
        *("loop", "namespace", "null", "package", "return", "true", "var", "void", "while"),
    )
)
