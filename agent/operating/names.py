"""What can be named in a question: subjects, ids, tools, actions, event types, steps and units. Start with `Names`."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from sqlalchemy import Connection

from agent.portfolio.model import EventType, Portfolio
from agent.store import naming
from agent.store.database import Database
from agent.store.naming import Asks, SentBefore
from tools.types import JsonObject, JsonValue, Tool

_T = TypeVar("_T")

FEW_LETTERS = 4
"""A word of so few letters is looked up in every case at once."""


@dataclass(frozen=True, kw_only=True)
class Ids:
    """Which of the ids that are written somewhere exist."""

    runs: frozenset[str] = frozenset()
    approvals: frozenset[str] = frozenset()
    effects: frozenset[str] = frozenset()


@dataclass(frozen=True, kw_only=True)
class Choice:
    """An argument whose value makes an action of its own, and the values it may have."""

    tool: str
    argument: str
    values: tuple[str, ...]


class Names:
    """The names of one Segue. Whatever is asked of the store is asked of a few rows by an index."""

    def __init__(self, database: Database, portfolio: Portfolio, tools: Callable[[], Mapping[str, Tool]]) -> None:
        """`tools` are those registered at the moment: they come and go while Segue runs."""
        self._database = database
        self._portfolio = portfolio
        self._tools = tools

    @property
    def tools(self) -> Mapping[str, Tool]:
        """The company's tools."""
        return self._tools()

    @property
    def event_types(self) -> Mapping[str, EventType]:
        """Those that start runs."""
        return self._portfolio.events

    @property
    def outcome_types(self) -> Collection[str]:
        """Those that start none."""
        return self._portfolio.outcomes.keys()

    def schema(self, type_: str) -> JsonObject:
        """Of the data of an event or outcome type."""
        kind = self._portfolio.events.get(type_) or self._portfolio.outcomes.get(type_)
        return {} if kind is None else kind.schema

    @property
    def steps(self) -> Sequence[str]:
        """Of all value chains."""
        return [step.name for chain in self._portfolio.chains for step in chain.steps]

    @property
    def units(self) -> Sequence[str]:
        """Business units that run tools."""
        return sorted({tool.governance.unit for tool in self.tools.values() if tool.governance.unit})

    @property
    def kinds(self) -> frozenset[str]:
        """What the company calls those its events are about: `customer`, where events bind `customer: subject`."""
        bound = {
            name.removesuffix("_id").replace("_", " ")
            for kind in self._portfolio.events.values()
            for name, path in kind.bind.items()
            if path == "subject"
        }
        return frozenset(name.lower() for name in bound)

    def choices(self) -> list[Choice]:
        """Of all tools; an argument without listed values has none here, see `action`."""
        return [
            Choice(tool=tool.name, argument=argument, values=_listed(tool.parameters, argument))
            for tool in self.tools.values()
            for argument in tool.governance.choice
        ]

    async def subjects(self, tenant: str, written: Collection[str]) -> Mapping[str, str]:
        """What is written -> the subject that is meant: in the very letters, else in others' case."""
        variants = {variant: one for one in written for variant in _cases(one)}
        found = await self._read(lambda connection: naming.subjects(connection, tenant, variants))
        known = {variants[one]: one for one in found} | {one: one for one in found if one in written}
        missing = [one for one in written if one not in known and len(_letters(one)) > FEW_LETTERS]
        if not missing or known:
            return known
        others = await self._read(lambda connection: naming.subjects_in_any_case(connection, tenant, missing))
        by_lower = {one.lower(): one for one in others}
        return known | {one: by_lower[one.lower()] for one in missing if one.lower() in by_lower}

    async def ids(self, tenant: str, ids: Collection[str], keys: Collection[str]) -> Ids:
        """Which of them are runs, approvals and effects of the tenant."""
        if not ids and not keys:
            return Ids()

        def work(connection: Connection) -> Ids:
            return Ids(
                runs=frozenset(naming.run_ids(connection, tenant, ids)),
                approvals=frozenset(naming.approval_ids(connection, tenant, ids)),
                effects=frozenset(naming.effect_keys(connection, tenant, keys)),
            )

        return await self._read(work)

    async def action(self, tenant: str, choice: Choice, value: str) -> str:
        """The action of a tool with that value: the one that was taken where several arguments make it."""
        single = f"{choice.tool}[{choice.argument}={value}]"
        if len(self.tools[choice.tool].governance.choice) == 1:
            return single
        taken = await self._read(lambda connection: naming.actions(connection, tenant, [choice.tool]))
        part = f"{choice.argument}={value}"
        return next((one for one in taken if part in one[len(choice.tool) + 1 : -1].split(",")), single)

    async def values(self, tenant: str, choice: Choice) -> list[str]:
        """What the argument may be, and what it was lately."""
        taken = await self._read(lambda connection: naming.actions(connection, tenant, [choice.tool]))
        start = f"{choice.argument}="
        parts = [part for one in taken for part in one[len(choice.tool) + 1 : -1].split(",")]
        seen = {part.removeprefix(start) for part in parts if part.startswith(start)}
        return [*choice.values, *sorted(seen - {*choice.values})]

    async def pending(self, tenant: str, run: str | None = None) -> list[Asks]:
        """Approvals an operator may answer now, of that run (None: of any), latest first, at most 20."""
        return await self._read(lambda connection: naming.pending(connection, tenant, run))

    async def last_event(self, tenant: str, subject: str | None, *types: str) -> SentBefore | None:
        """The last one that began a run, of the subject (None: of any) and one of the types (none: of any)."""
        return await self._read(lambda connection: naming.last_event(connection, tenant, subject, types))

    async def _read(self, work: Callable[[Connection], _T]) -> _T:
        return await self._database.read(work)


def _letters(word: str) -> list[int]:
    return [index for index, letter in enumerate(word) if letter.lower() != letter.upper()]


def _cases(word: str) -> set[str]:
    """Ways to write it: all of them for few letters, else the common ones."""
    places = _letters(word)
    if len(places) > FEW_LETTERS:
        return {word, word.lower(), word.upper(), word.capitalize(), word.title()}
    ways = {word}
    for place in places:
        ways |= {
            way[:place] + way[place].swapcase() + way[place + 1 :] for way in ways if len(way[place].swapcase()) == 1
        }
    return ways


def _listed(schema: JsonObject, argument: str) -> tuple[str, ...]:
    properties = schema.get("properties")
    one: JsonValue = properties.get(argument) if isinstance(properties, Mapping) else None
    if not isinstance(one, Mapping):
        return ()
    listed = one.get("enum")
    values = (
        listed
        if isinstance(listed, Sequence) and not isinstance(listed, str)
        else [one["const"]]
        if "const" in one
        else []
    )
    return tuple(value for value in values if isinstance(value, str))
