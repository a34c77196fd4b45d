"""The named values arguments may be taken from: fields of the event, then of earlier results. Start with `Fields`.

A value inside a list is a field only when there is no doubt which element is meant: the list has one element, all say
the same, or exactly one agrees with what the event itself names.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from agent.deciders.planner_meaning import in_words, tokens
from agent.deciders.planner_values import as_schema, properties, shape
from agent.types import CallResult, Situation
from tools.types import JsonObject, JsonValue, Tool

Match: TypeAlias = Literal["name", "words", "path", "affix"]
"""How a field's name matches an argument's: letter by letter, word by word, with its parents, or in part."""

MAX_FIELDS = 600
MAX_DEPTH = 6
MAX_RESULTS = 20
MATCHES: tuple[Match, ...] = ("name", "words", "path", "affix")
IDENTIFIER = frozenset({"id", "identifier", "number", "no", "key", "ref", "reference", "code"})
"""Last words of names that identify something."""
_GENERIC = IDENTIFIER | {"name", "type", "kind", "status", "state", "date", "time", "value", "text", "title", "list"}
_GENERIC |= {"data", "item", "entry", "result", "at", "on", "by", "of", "to", "from", "for", "in", "the", "is", "has"}
_CONTRARY = frozenset({"min", "max", "minimum", "maximum", "old", "new", "previous", "next", "last", "first"})
_CONTRARY |= {"start", "end", "not", "no", "other", "source", "target", "per", "un", "begin", "limit", "average"}


@dataclass(frozen=True, kw_only=True)
class Field:
    """One named value."""

    path: tuple[str, ...]
    value: JsonValue
    origin: int
    """0 for the event, then the results of the run from the newest."""

    @property
    def words(self) -> str:
        """The path as words, for its meaning."""
        return " ".join(in_words(name) for name in self.path[-3:])


@dataclass(frozen=True, kw_only=True)
class EmptyList:
    """A list in a result that has nothing in it."""

    path: tuple[str, ...]
    tool: str


class Fields:
    """The fields of one situation."""

    def __init__(self, situation: Situation) -> None:
        self._fields: list[Field] = []
        self.empty: list[EmptyList] = []
        self._names: dict[str, tuple[str, ...]] = {}
        self._matches: dict[str, dict[Match, list[Field]]] = {}
        self._known = {tokens(name): value for name, value in situation.bound.items() if value is not None}
        for name, value in situation.event.data.items():
            if isinstance(value, str | int) and not isinstance(value, bool):
                self._known.setdefault(tokens(str(name)), value)
        self.tied = {tokens(name): value for name, value in situation.bound.items() if value is not None}
        """What the portfolio ties down, by the words of its name."""
        for name, value in situation.bound.items():
            self._add(name, value, (), 0, None)
        self._walk(situation.event.data, (), 0, None)
        done = [result for result in situation.results if result.state == "done"]
        for origin, result in enumerate(reversed(done[-MAX_RESULTS:]), start=1):
            self._walk_result(result, origin)

    def __iter__(self) -> Iterator[Field]:
        return iter(self._fields)

    def named(self, argument: str, match: Match) -> Iterator[Sequence[Field]]:
        """Groups of fields that match the name so, nearest first: the event before results, shallow before deep."""
        found = self._matching(argument).get(match, [])
        if match == "affix":
            # In part is weak enough that any second reading is a doubt, wherever it stands.
            if found:
                yield found
            return
        for origin, depth in sorted({(field.origin, len(field.path)) for field in found}):
            yield [field for field in found if (field.origin, len(field.path)) == (origin, depth)]

    def _matching(self, argument: str) -> Mapping[Match, list[Field]]:
        if argument not in self._matches:
            found: dict[Match, list[Field]] = {}
            for field in self._fields:
                match = self._match(argument, field)
                if match is not None:
                    found.setdefault(match, []).append(field)
            self._matches[argument] = found
        return self._matches[argument]

    def _match(self, argument: str, field: Field) -> Match | None:
        name = field.path[-1]
        if name == argument:
            return "name"
        wanted, own = self._tokens(argument), self._tokens(name)
        if not wanted or not own:
            return None
        if wanted == own:
            return "words"
        whole = tuple(word for part in field.path for word in self._tokens(part))
        if len(wanted) > len(own) and whole[-len(wanted) :] == wanted:
            return "path"
        return "affix" if _in_part(wanted, own) else None

    def _tokens(self, name: str) -> tuple[str, ...]:
        if name not in self._names:
            self._names[name] = tokens(name)
        return self._names[name]

    def _walk_result(self, result: CallResult, origin: int) -> None:
        # A result's fields belong to what the tool is about, as if they stood under its name.
        if isinstance(result.result, Mapping):
            self._walk(result.result, (result.call.tool,), origin, result.call.tool)
        elif isinstance(result.result, Sequence) and not isinstance(result.result, str):
            self._add(result.call.tool, result.result, (), origin, result.call.tool)

    def _walk(self, value: JsonObject, path: tuple[str, ...], origin: int, tool: str | None) -> None:
        if len(path) > MAX_DEPTH:
            return
        for name, inner in value.items():
            if len(self._fields) >= MAX_FIELDS:
                return
            self._add(str(name), inner, path, origin, tool)

    def _add(self, name: str, value: JsonValue, parents: tuple[str, ...], origin: int, tool: str | None) -> None:
        path = (*parents, name)
        tied = self.tied.get(self._tokens(name))
        if value is None or value == "" or (tied is not None and tied != value):
            # A field that contradicts what is tied down under its name speaks of something else.
            return
        if isinstance(value, Mapping):
            self._fields.append(Field(path=path, value=value, origin=origin))
            self._walk(value, path, origin, tool)
        elif isinstance(value, Sequence) and not isinstance(value, str):
            if not value and tool is not None:
                self.empty.append(EmptyList(path=path, tool=tool))
            if value:
                self._fields.append(Field(path=path, value=value, origin=origin))
                self._walk_list(value, path, origin, tool)
        else:
            self._fields.append(Field(path=path, value=value, origin=origin))

    def _walk_list(self, value: Sequence[JsonValue], path: tuple[str, ...], origin: int, tool: str | None) -> None:
        items = [item for item in value[:MAX_FIELDS] if isinstance(item, Mapping)]
        if not items or len(items) != len(value):
            return
        meant = items if len(items) == 1 else [item for item in items if self._agrees(item)]
        if len(meant) == 1:
            self._walk(meant[0], path, origin, tool)
            return
        for name, first in items[0].items():
            column = [item.get(name) for item in items]
            if first is None or any(isinstance(one, Mapping | list | tuple) or one is None for one in column):
                continue
            same = all(type(one) is type(first) and one == first for one in column)
            self._add(str(name), first if same else column, path, origin, tool)

    def _agrees(self, item: JsonObject) -> bool:
        """Whether the element carries an identifier the event names, and the same one."""
        shared = [
            (value, self._known[words])
            for name, value in item.items()
            for words in [self._tokens(str(name))]
            if words and words in self._known and words[-1] in IDENTIFIER
        ]
        return bool(shared) and all(type(one) is type(other) and one == other for one, other in shared)


def could_fill(empty: EmptyList, argument: str, tools: Mapping[str, Tool]) -> bool:
    """Whether the argument could have come from the list, had there been anything in it."""
    wanted = set(tokens(argument))
    names = set(tokens(empty.path[-1]))
    if (wanted - _GENERIC and (wanted - _GENERIC) <= names) or wanted == names:
        return True
    giver = tools.get(empty.tool)
    return giver is not None and tokens(argument) in _item_names(as_schema(giver.returns), inside=False)


def may_give(tool: Tool, argument: str) -> bool:
    """Whether the tool declares a result with a field of that name."""
    wanted = tokens(argument)
    names = returned_names(as_schema(tool.returns))
    return bool(wanted) and (wanted in names or any(wanted == (*tokens(tool.name)[-1:], *name) for name in names))


def returned_names(schema: JsonObject, depth: int = 0) -> set[tuple[str, ...]]:
    """Names of the fields a result schema declares, as words."""
    schema = shape(schema)
    if depth > MAX_DEPTH:
        return set()
    found: set[tuple[str, ...]] = set()
    for name, inner in properties(schema).items():
        found |= {tokens(name)} | returned_names(inner, depth + 1)
    if "items" in schema:
        found |= returned_names(as_schema(schema["items"]), depth + 1)
    return found


def _item_names(schema: JsonObject, *, inside: bool, depth: int = 0) -> set[tuple[str, ...]]:
    """Names declared inside the lists of a result schema."""
    schema = shape(schema)
    if depth > MAX_DEPTH:
        return set()
    found: set[tuple[str, ...]] = set()
    for name, inner in properties(schema).items():
        found |= ({tokens(name)} if inside else set()) | _item_names(inner, inside=inside, depth=depth + 1)
    if "items" in schema:
        found |= _item_names(as_schema(schema["items"]), inside=True, depth=depth + 1)
    return found


def tell_apart(wanted: tuple[str, ...], own: tuple[str, ...]) -> bool:
    """Whether the names themselves say that they are two things: a width and its minimum, a thing and its name."""
    mine, yours = set(wanted), set(own)
    return bool((mine ^ yours) & _CONTRARY) or mine <= yours or yours <= mine


def _in_part(wanted: tuple[str, ...], own: tuple[str, ...]) -> bool:
    """Whether one name is the end of the other (planned width, width) or names whose identifier the other is."""
    if len(wanted) > 1 and wanted[:-1] == own[:-1] and {wanted[-1], own[-1]} <= IDENTIFIER:
        return True
    short, long = sorted((wanted, own), key=len)
    rest_front, rest_back = long[: -len(short)], long[len(short) :]
    if len(short) == len(long) or not set(short) - _GENERIC:
        return False
    if long[-len(short) :] == short:
        return not set(rest_front) & _CONTRARY
    return long[: len(short)] == short and set(rest_back) <= IDENTIFIER
