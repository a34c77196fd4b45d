"""Arguments for a tool from the event, earlier results and the tool's own schema. Start with `Filler.fill`.

Values come from fields, permitted values and the purpose's words, never out of free text. Optional arguments are filled
only where a field has their name; a required one that cannot be found is named as missing, never made up.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal, TypeAlias

from agent.deciders.planner_fields import IDENTIFIER, MATCHES, Field, Fields, could_fill, tell_apart
from agent.deciders.planner_meaning import Meanings, in_words, tokens
from agent.deciders.planner_settings import PlannerSettings
from agent.deciders.planner_values import (
    NOTHING,
    Nothing,
    as_schema,
    coerce,
    fits,
    kinds,
    members,
    properties,
    required,
    same_text,
    shape,
)
from agent.types import Situation
from tools.arguments import check_arguments
from tools.types import JsonObject, JsonValue, Tool

How: TypeAlias = Literal["bound", "choice", "name", "affix", "value", "meaning", "text", "schema"]
"""Where a value came from; from `affix` on it is a guess that an exact name would overrule."""

WEAK: frozenset[How] = frozenset({"affix", "value", "meaning", "text", "schema"})
MAX_NESTING = 3
MAX_MEANT = 40
"""Fields whose meaning is compared with an argument's, so that an event with many fields costs little more."""
_WHY = frozenset({"reason", "note", "comment", "remark", "explanation", "justification", "purpose", "rationale", "why"})
_WHAT = frozenset({"summary", "message", "description", "text", "body", "content", "detail", "title", "subject"})
_WHAT |= {"headline", "report", "issue", "problem"}
_ASKED = frozenset({"question", "query", "search"})


@dataclass(frozen=True, kw_only=True)
class Filled:
    """Arguments as far as they could be found."""

    arguments: dict[str, JsonValue]
    missing: tuple[str, ...] = ()
    """Required arguments nothing was found for."""
    barred: tuple[str, ...] = ()
    """Arguments tied to a field that the event does not have, or whose value the tool does not take."""
    emptied: tuple[str, ...] = ()
    """Missing arguments that could only have come from a list that turned out to be empty."""
    unfit: tuple[str, ...] = ()
    """Missing arguments for which a value was found that the tool does not take."""
    problems: tuple[str, ...] = ()
    """What is wrong with the arguments as a whole."""
    how: Mapping[str, How] = field(default_factory=dict)

    @property
    def guessed(self) -> tuple[str, ...]:
        """Arguments whose value is a guess that an exact name would overrule."""
        return tuple(name for name, how in self.how.items() if how in WEAK and name in self.arguments)

    @property
    def complete(self) -> bool:
        """Whether the call can be made."""
        return not (self.missing or self.barred or self.problems)


class Filler:
    """Fills arguments within one decision."""

    def __init__(self, situation: Situation, meanings: Meanings, settings: PlannerSettings) -> None:
        self._situation = situation
        self._meanings = meanings
        self._settings = settings
        self._fields = Fields(situation)
        self._tools = {tool.name: tool for tool in situation.tools}

    async def fill(self, tool: Tool, *, purpose: str | None, chosen: Mapping[str, JsonValue]) -> Filled:
        """Fill every argument the tool declares; `chosen` holds the values of its `choice` arguments."""
        needed = required(tool.parameters)
        arguments: dict[str, JsonValue] = {}
        how: dict[str, How] = {}
        barred: list[str] = []
        for name, schema in properties(tool.parameters).items():
            if name in self._situation.bound:
                value = self._situation.bound[name]
                if value is not None and fits(schema, value):
                    arguments[name], how[name] = value, "bound"
                elif name in needed or value is not None:
                    barred.append(name)
                continue
            found = self._certain(name, schema, chosen)
            if found is None and name in needed:
                found = await self._guess(name, schema, tool, purpose)
            if found is not None:
                arguments[name], how[name] = found
        missing = tuple(name for name in needed if name not in arguments and name not in barred)
        filled = Filled(arguments=arguments, missing=missing, barred=tuple(barred), how=how)
        return self._checked(tool, filled, needed)

    def _checked(self, tool: Tool, filled: Filled, needed: Sequence[str]) -> Filled:
        """The final word of the tool's schema; optional values go before the call does."""
        if filled.missing or filled.barred:
            emptied = tuple(name for name in filled.missing if self._only_from_nothing(name))
            unfit = tuple(name for name in filled.missing if self._is_named(name))
            return replace(filled, emptied=emptied, unfit=unfit)
        problems = check_arguments(tool, filled.arguments)
        if not problems:
            return filled
        kept = {
            name: value
            for name, value in filled.arguments.items()
            if name in needed or filled.how[name] in {"bound", "choice"}
        }
        problems = check_arguments(tool, kept)
        return replace(filled, arguments=kept, problems=problems)

    def _is_named(self, argument: str) -> bool:
        return any(group for match in MATCHES[:3] for group in self._fields.named(argument, match))

    def _only_from_nothing(self, argument: str) -> bool:
        return any(could_fill(empty, argument, self._tools) for empty in self._fields.empty)

    def _certain(self, name: str, schema: JsonObject, chosen: Mapping[str, JsonValue]) -> tuple[JsonValue, How] | None:
        """What needs no guess: a value the portfolio ties down, a chosen one, a field of that name."""
        if name in chosen and fits(schema, chosen[name]):
            return chosen[name], "choice"
        for bound, tied in self._situation.bound.items():
            if tied is not None and tokens(bound) == tokens(name) and fits(schema, tied):
                return tied, "bound"
        value = self._by_name(name, schema, partly=False)
        return None if isinstance(value, Nothing) else (value, "name")

    def _by_name(self, name: str, schema: JsonObject, *, partly: bool) -> JsonValue | Nothing:
        """The value of the field with that name, where there is exactly one."""
        for match in MATCHES[3:] if partly else MATCHES[:3]:
            for group in self._fields.named(name, match):
                values = [value for value in _usable(group, schema) if self._keeps_bindings(value)]
                if values and all(same_json(value, values[0]) for value in values):
                    return values[0]
        return NOTHING

    def _keeps_bindings(self, value: JsonValue) -> bool:
        """Whether nothing inside the value contradicts what the portfolio ties down, a thing policy would refuse."""
        if isinstance(value, Mapping):
            bound = self._situation.bound
            return all(
                (name not in bound or same_json(inner, bound[name])) and self._keeps_bindings(inner)
                for name, inner in value.items()
            )
        if isinstance(value, Sequence) and not isinstance(value, str):
            return all(self._keeps_bindings(inner) for inner in value)
        return True

    async def _guess(
        self, name: str, schema: JsonObject, tool: Tool, purpose: str | None
    ) -> tuple[JsonValue, How] | None:
        """A value for a required argument no field is named after, from the surest way to the weakest."""
        listed = members(schema)
        if listed and "boolean" not in kinds(schema):
            return await self._member(name, schema, listed)
        found = self._by_name(name, schema, partly=True)
        if not isinstance(found, Nothing):
            return found, "affix"
        found = self._nested(schema, 0)
        if not isinstance(found, Nothing):
            return found, "name"
        default = shape(schema).get("default", schema.get("default"))
        if default is not None and fits(schema, default):
            return default, "schema"
        found = await self._by_meaning(name, schema, tool)
        if not isinstance(found, Nothing):
            return found, "meaning"
        found = self._explanation(name, schema, tool, purpose)
        return None if isinstance(found, Nothing) else (found, "text")

    async def _member(self, name: str, schema: JsonObject, listed: Sequence[JsonValue]) -> tuple[JsonValue, How] | None:
        """A permitted value: the one a field holds, the only one, the default, or the nearest in meaning."""
        if len(listed) == 1:
            return listed[0], "schema"
        held: dict[str, JsonValue] = {}
        for one in self._fields:
            equal = [member for member in listed if isinstance(one.value, str) and same_text(member, one.value)]
            if equal and len(held) < MAX_MEANT:
                held[one.words] = equal[0]
        nearest = await self._clear_best(_described(name, schema), held, 0.0, self._settings.argument_margin)
        if nearest is not None:
            return held[nearest], "value"
        default = shape(schema).get("default", schema.get("default"))
        if default is not None and fits(schema, default):
            return default, "schema"
        by_words = {f"{in_words(name)}: {in_words(member)}": member for member in listed if isinstance(member, str)}
        nearest = await self._clear_best(
            self._situation.text, by_words, self._settings.member_meaning, self._settings.member_margin
        )
        return None if nearest is None else (by_words[nearest], "meaning")

    def _nested(self, schema: JsonObject, depth: int) -> JsonValue | Nothing:
        """An object whose parts stand apart in the event, or a list of one such object."""
        schema = shape(schema)
        declared = properties(schema)
        if depth >= MAX_NESTING:
            return NOTHING
        if kinds(schema) == ("array",):
            one = self._nested(as_schema(schema.get("items")), depth + 1)
            return NOTHING if isinstance(one, Nothing) or not fits(schema, [one]) else [one]
        if kinds(schema) != ("object",) or not required(schema):
            return NOTHING
        made: dict[str, JsonValue] = {}
        value: JsonValue | Nothing
        for name, inner in declared.items():
            if name in self._situation.bound:
                value = self._situation.bound[name]
            else:
                value = self._by_name(name, inner, partly=False)
                if isinstance(value, Nothing) and name in required(schema):
                    value = self._nested(inner, depth + 1)
            if not isinstance(value, Nothing) and value is not None and fits(inner, value):
                made[name] = value
        return made if all(name in made for name in required(schema)) and fits(schema, made) else NOTHING

    async def _by_meaning(self, name: str, schema: JsonObject, tool: Tool) -> JsonValue | Nothing:
        """The field whose path means what the argument is described as, of the very same type; needs a description.

        A field that is named like another argument is that and nothing else; one that is tied down must be named in the
        description.
        """
        if not set(kinds(schema)) & {"string", "integer", "number"} or _described(name, schema) == in_words(name):
            return NOTHING
        taken = {tokens(other) for other in properties(tool.parameters) if other != name}
        said = set(tokens(_described(name, schema)))
        taken |= {tied for tied in self._fields.tied if not set(tied) - IDENTIFIER <= said}
        values: dict[str, JsonValue] = {}
        for one in self._fields:
            own = tokens(one.path[-1])
            if own in taken or tell_apart(tokens(name), own):
                continue
            value = coerce(one.value, schema) if _same_kind(one.value, schema) else NOTHING
            if not isinstance(value, Nothing) and len(values) < MAX_MEANT and fits(schema, value):
                values.setdefault(one.words, value)
        settings = self._settings
        best = await self._clear_best(
            _described(name, schema), values, settings.argument_meaning, settings.argument_margin
        )
        return NOTHING if best is None or not await self._same_thing(name, schema, best) else values[best]

    async def _same_thing(self, name: str, schema: JsonObject, field_words: str) -> bool:
        """Whether two identifiers identify the same kind of thing, by description or meaning; others always do."""
        wanted, own = tokens(name), tokens(field_words)
        if wanted[-1:] == () or own[-1:] == () or wanted[-1] not in IDENTIFIER or own[-1] not in IDENTIFIER:
            return True
        if set(own[:-1]) <= set(tokens(_described(name, schema))):
            return True
        heads = " ".join(wanted[:-1]), " ".join(own[:-1])
        cosine = (await self._meanings.of(heads[0], {"other": heads[1]}))["other"]
        return cosine >= self._settings.identifier_meaning

    async def _clear_best(
        self, text: str, values: Mapping[str, JsonValue], threshold: float, margin: float
    ) -> str | None:
        """The key nearest in meaning, if near enough and clear of every key with another value."""
        if len(values) == 1 and threshold <= 0:
            return next(iter(values))
        cosines = await self._meanings.of(text, {key: key for key in values})
        ordered = sorted(cosines, key=lambda key: -cosines[key])
        if not ordered or cosines[ordered[0]] < threshold:
            return None
        best = ordered[0]
        others = [cosines[key] for key in ordered[1:] if not same_json(values[key], values[best])]
        return best if not others or cosines[best] - others[0] >= margin else None

    def _explanation(self, name: str, schema: JsonObject, tool: Tool, purpose: str | None) -> JsonValue | Nothing:
        """Words for an argument that wants to be told why or what."""
        inner = shape(schema)
        last = tokens(name)[-1:]
        if kinds(schema) != ("string",) or "format" in inner or not last:
            return NOTHING
        situation = self._situation
        told = situation.text or situation.event_description
        if last[0] in _WHY:
            text = purpose or told
        elif last[0] in _WHAT or (last[0] in _ASKED and tool.governance.effect == "read"):
            text = told or purpose or ""
        else:
            return NOTHING
        longest = inner.get("maxLength")
        room = longest if isinstance(longest, int) else self._settings.max_free_text
        text = text[: min(room, self._settings.max_free_text)].strip()
        return text if text and fits(schema, text) else NOTHING


def is_explanation(argument: str) -> bool:
    """Whether the argument only tells why or what, so that two calls that differ in it alone do the same."""
    return tokens(argument)[-1:] != () and tokens(argument)[-1] in _WHY


def same_json(one: JsonValue, other: JsonValue) -> bool:
    """Equality as JSON knows it: true is not 1."""
    return isinstance(one, bool) == isinstance(other, bool) and one == other


def _usable(group: Sequence[Field], schema: JsonObject) -> list[JsonValue]:
    made = [coerce(one.value, schema) for one in group]
    return [value for value in made if not isinstance(value, Nothing) and fits(schema, value)]


def _same_kind(value: JsonValue, schema: JsonObject) -> bool:
    wanted = kinds(schema)
    if isinstance(value, bool):
        return False
    if isinstance(value, str):
        return "string" in wanted
    return isinstance(value, int | float) and bool({"integer", "number"} & set(wanted))


def _described(name: str, schema: JsonObject) -> str:
    description = shape(schema).get("description", schema.get("description"))
    return f"{in_words(name)}: {description}" if isinstance(description, str) and description else in_words(name)
