"""Event and outcome types of the portfolio, checked and built. Start with `build_event` and `build_outcome`."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from agent.expressions import Expression, ExpressionError
from agent.paths import DataPath, PathError, Template
from agent.portfolio.entries import Entry
from agent.portfolio.form import EventForm, OutcomeForm
from agent.portfolio.mistakes import MistakeList, Place, suggest
from agent.portfolio.model import EventType, Learning, Limits, OutcomeType, Reflex
from agent.portfolio.names import Names, Wish, resolve
from agent.portfolio.queueing import build_queueing
from agent.portfolio.reading import read_schema
from agent.portfolio.schemas import check_schema, find_field
from agent.types import Purpose
from tools.types import JsonObject

CONDITION_VARIABLES = frozenset({"event", "events", "data", "subject", "features", "results", "steps", "failed"})
GRADE_VARIABLES = frozenset({"event", "data", "subject"})
ANY_DATA: JsonObject = {"type": "object"}
_EVENT_FIELDS = frozenset({"subject", "id", "type", "source"})
_EVENT_VALUES = _EVENT_FIELDS | {"time", "data"}
_EXPRESSION_HINT = "Correct the expression: CEL has &&, ||, !, == and null; docs/portfolio.md shows the rest."
_LOOSE_FIELD = re.compile(r"\bdata\.\w+")


@dataclass(frozen=True, kw_only=True)
class Known:
    """The names that event and outcome types may use."""

    names: Names
    goals: frozenset[str]
    all_goals: bool
    events: frozenset[str]
    all_events: bool


def build_event(entry: Entry[EventForm], known: Known, mistakes: MistakeList) -> tuple[EventType, Wish]:
    """The event type with the tools allowed as far as they are known, and what it asks of the others."""
    form = entry.form
    schema = _schema(form, entry, mistakes)
    checker = _Checker(schema, entry.place, known.names.steps if known.names.all_steps else None, mistakes)
    checker.text(form.text)
    for name, path in form.features.items():
        checker.feature(name, path)
    for argument, path in form.bind.items():
        checker.bind(argument, path)
    for index, purpose in enumerate(form.playbook or ()):
        if purpose.when is not None:
            place = entry.place.at("playbook", index, "when")
            checker.expression(purpose.when, CONDITION_VARIABLES, place, frozenset(form.features))
    wish = Wish(
        place=entry.place,
        allow=tuple(form.allow),
        bound=tuple(form.bind),
        purposes=tuple(purpose.step for purpose in form.playbook or ()),
        mentions=tuple(checker.mentions),
    )
    event = EventType(
        name=entry.name,
        description=form.description,
        schema=schema,
        text=form.text,
        features=dict(form.features),
        allow=resolve(wish, known.names, mistakes),
        bind=dict(form.bind),
        playbook=_playbook(form),
        limits=Limits(**form.limits.model_dump()),
        queueing=build_queueing(form.queue, entry.place.at("queue"), mistakes),
        learning=_learning(form),
    )
    return event, wish


def build_outcome(entry: Entry[OutcomeForm], known: Known, mistakes: MistakeList) -> OutcomeType:
    """The outcome type; its grades name goals, its join names event types."""
    form = entry.form
    schema = _schema(form, entry, mistakes)
    checker = _Checker(schema, entry.place, None, mistakes)
    for goal, grade in form.grade.items():
        place = entry.place.at("grade", goal)
        if goal not in known.goals and known.all_goals:
            hint = suggest(goal, known.goals, "Write it under 'goals'.")
            mistakes.add(place, f"there is no goal {goal!r}", hint)
        checker.expression(grade, GRADE_VARIABLES, place, frozenset())
    for index, name in enumerate(form.join.events):
        if name not in known.events and known.all_events:
            hint = suggest(name, known.events, "Write it under 'events'.")
            mistakes.add(entry.place.at("join", "events", index), f"there is no event type {name!r}", hint)
    return OutcomeType(
        name=entry.name,
        description=form.description,
        schema=schema,
        events=tuple(form.join.events),
        window_s=form.join.window,
        grade=dict(form.grade),
    )


def _learning(form: EventForm) -> Learning:
    said = form.learning
    reflex = Reflex(**said.reflex.model_dump()) if said.reflex is not None else None
    return Learning(control=said.control, explore=said.explore, reflex=reflex)


def _playbook(form: EventForm) -> tuple[Purpose, ...] | None:
    if form.playbook is None:
        return None
    return tuple(Purpose(text=item.purpose, step=item.step, when=item.when) for item in form.playbook)


def _schema(
    form: EventForm | OutcomeForm, entry: Entry[EventForm] | Entry[OutcomeForm], mistakes: MistakeList
) -> JsonObject:
    """The schema that is written or pointed to; any object where there is none or it cannot be used."""
    place = entry.place.at("schema")
    schema: object = form.schema_
    if form.schema_file is not None:
        place = entry.place.at("schema_file")
        if schema is not None:
            mistakes.add(place, "there is a 'schema' as well", "Keep one of: schema, schema_file.")
        schema = read_schema(entry.directory, form.schema_file, place, mistakes)
    if isinstance(schema, Mapping) and check_schema(schema, place, mistakes):
        return schema
    return ANY_DATA


class _Checker:
    """Checks what an event or outcome type reads from data, events, features, results and steps."""

    def __init__(self, schema: JsonObject, place: Place, steps: frozenset[str] | None, mistakes: MistakeList) -> None:
        self.mentions: list[tuple[Place, str]] = []
        self._schema = schema
        self._place = place
        self._steps = steps
        self._mistakes = mistakes

    def text(self, template: str) -> None:
        place = self._place.at("text")
        try:
            parsed = Template.parse(template)
        except PathError as error:
            self._mistakes.add(place, str(error), "Write it as in {data.topic}: {data.question}.")
            return
        loose = _LOOSE_FIELD.search(template)
        if loose is not None and not parsed.paths:
            problem = f"{loose[0]!r} is not filled in, because it does not stand in single brackets"
            self._mistakes.add(place, problem, f"Write {{{loose[0]}}}.")
        for path in parsed.paths:
            self._event_path(path, place)

    def bind(self, argument: str, source: str) -> None:
        place = self._place.at("bind", argument)
        path = self._path(source, place, "subject or data.order_id")
        if path is not None:
            self._event_path(path, place)

    def feature(self, name: str, source: str) -> None:
        place = self._place.at("features", name)
        path = self._path(source, place, "data.segment or results.find_customer.segment")
        if path is None:
            return
        root, *fields = path.segments
        if root == "results" and len(fields) >= 2:
            self.mentions.append((place, fields[0]))
        elif root == "results":
            self._mistakes.add(place, f"{source!r} names no field of a tool's result", "Write results.TOOL.FIELD.")
        elif root == "data" or path.segments == ("subject",):
            self._data(path.segments, place)
        else:
            problem = f"{source!r} starts with {root!r}" if root != "subject" else "the subject has no fields"
            self._mistakes.add(place, problem, "Start it with one of: data.FIELD, subject, results.TOOL.FIELD.")

    def expression(self, source: str, variables: frozenset[str], place: Place, features: frozenset[str]) -> None:
        try:
            parsed = Expression.parse(source, variables)
            if parsed.is_constant and variables == GRADE_VARIABLES:
                parsed.reward({})
            elif parsed.is_constant:
                parsed.truth({})
        except ExpressionError as error:
            self._mistakes.add(place, str(error), _EXPRESSION_HINT)
            return
        for path in sorted(parsed.paths):
            root, *fields = path
            if root == "data":
                self._data(path, place)
            elif root == "event" and fields and fields[0] not in _EVENT_VALUES:
                hint = suggest(fields[0], _EVENT_VALUES, "")
                self._mistakes.add(place, f"an event has no field {fields[0]!r}", hint)
            elif root == "features" and fields and fields[0] not in features:
                hint = suggest(fields[0], features, "Write it under 'features' of this event type.")
                self._mistakes.add(place, f"there is no feature {fields[0]!r}", hint)
            elif root in {"results", "failed"} and fields:
                self.mentions.append((place, fields[0]))
            elif root == "steps" and fields and self._steps is not None and fields[0] not in self._steps:
                hint = suggest(fields[0], self._steps, "Write a chain with this step.")
                self._mistakes.add(place, f"there is no step {fields[0]!r}", hint)

    def _path(self, source: str, place: Place, example: str) -> DataPath | None:
        try:
            return DataPath.parse(source)
        except PathError as error:
            self._mistakes.add(place, str(error), f"Write it as in {example}.")
            return None

    def _event_path(self, path: DataPath, place: Place) -> None:
        root = path.segments[0]
        if root == "data":
            self._data(path.segments, place)
        elif root not in _EVENT_FIELDS or len(path.segments) > 1:
            problem = f"{str(path)!r} is no field of the event"
            self._mistakes.add(place, problem, "Use one of: subject, id, type, source, data.FIELD.")

    def _data(self, path: Sequence[str], place: Place) -> None:
        fields = path[1:] if path[0] == "data" else ()
        answer = find_field(self._schema, fields)
        if isinstance(answer, frozenset):
            problem = f"the schema has no field {'.'.join(path)!r}"
            nearest = suggest(fields[-1], answer, "The field above it has no fields of its own.")
            self._mistakes.add(place, problem, nearest)
