"""From documents to named entries: each entry is checked by itself, so that one mistake does not hide another.

Start with `read_entries`, then `merge`.
"""

from __future__ import annotations

import re
import types
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Generic, Literal, TypeVar, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError

from agent.portfolio.form import (
    EVENT_TYPE,
    FUNCTION,
    HEADER,
    NAME,
    ChainForm,
    EventForm,
    GoalForm,
    OutcomeForm,
    SourceForm,
)
from agent.portfolio.mistakes import MistakeList, Place, shown, suggest
from agent.portfolio.reading import Document
from tools.types import JsonValue

FormT = TypeVar("FormT", bound=BaseModel)
Section = Literal["goals", "chains", "sources", "events", "outcomes"]

SECTIONS = ("segue", "goals", "chains", "sources", "events", "outcomes")
_WRONG_KIND: Mapping[str, tuple[str, str]] = {
    "string_type": ("is no text", "Write text, in quotes where YAML would read something else."),
    "bool_parsing": ("is neither true nor false", "Use true or false."),
    "bool_type": ("is neither true nor false", "Use true or false."),
    "dict_type": ("is not names with values", "Write names, each with its value, as in NAME: VALUE."),
    "model_type": ("is not keys and values", "Write keys and values"),
    "list_type": ("is no list", "Write a list, as in [A, B]."),
    "float_type": ("is no number", "Write a number."),
    "float_parsing": ("is no number", "Write a number, without quotes and without a unit."),
    "int_type": ("is no whole number", "Write a whole number."),
    "int_parsing": ("is no whole number", "Write a whole number, without quotes and without a unit."),
    "int_from_float": ("is no whole number", "Write a whole number."),
    "too_short": ("is empty", "Name at least one."),
    "string_too_short": ("is empty", "Write at least one character."),
}
_PATTERN_HINTS: Mapping[str, str] = {
    NAME: "Use 1 to 64 letters, digits, _ and -, with a letter or _ first.",
    EVENT_TYPE: "Use 1 to 200 letters, digits and . _ - / :, with a letter or digit first.",
    FUNCTION: "Write module:function, as in shop.pricing:look_up_price.",
    HEADER: "Use the name of an HTTP header, as in X-Token.",
}
_VALUE_HINTS: Mapping[str, str] = {
    "is no duration": "Use a number above 0 and s, m, h or d, up to 3650d: 30d, 12h, 90m, 45s.",
    "is no rate": "Write how many runs may start, from 1, and within what time: 100/1m, 5/1s, 1000/1h.",
    "is no http:// or https:// address": "Write it as in http://127.0.0.1:8801/openapi.json.",
    "is not printable ASCII": "Use one line of plain characters.",
    "is a truth value, not a number": "Write a number.",
}


@dataclass(frozen=True, kw_only=True)
class Entry(Generic[FormT]):
    """One goal, chain, source, event or outcome type, and where it is written."""

    name: str
    place: Place
    directory: Path
    form: FormT


@dataclass(kw_only=True)
class Entries:
    """What the files say, in order."""

    goals: list[Entry[GoalForm]] = field(default_factory=list)
    chains: list[Entry[ChainForm]] = field(default_factory=list)
    sources: list[Entry[SourceForm]] = field(default_factory=list)
    events: list[Entry[EventForm]] = field(default_factory=list)
    outcomes: list[Entry[OutcomeForm]] = field(default_factory=list)
    broken: set[Section] = field(default_factory=set)
    """Sections in which something could not be read, so that a name missing there says nothing."""


def read_entries(document: Document, entries: Entries, mistakes: MistakeList) -> None:
    """Add the entries of a document; what does not have the form becomes a mistake."""
    reader = _Reader(document, entries, mistakes)
    reader.check_keys()
    entries.goals += reader.named("goals", GoalForm, NAME)
    entries.chains += reader.listed("chains", ChainForm)
    entries.sources += reader.listed("sources", SourceForm)
    entries.events += reader.named("events", EventForm, EVENT_TYPE)
    entries.outcomes += reader.named("outcomes", OutcomeForm, EVENT_TYPE)


def merge(entries: Sequence[Entry[FormT]], kind: str, mistakes: MistakeList) -> dict[str, Entry[FormT]]:
    """The entries by name; an equal name is a mistake that names both places."""
    merged: dict[str, Entry[FormT]] = {}
    for entry in entries:
        if entry.name in merged:
            clash(kind, entry.name, entry.place, merged[entry.name].place, mistakes)
        merged.setdefault(entry.name, entry)
    return merged


def clash(kind: str, name: str, place: Place, first: Place, mistakes: MistakeList) -> None:
    """Report an equal name; `first` is where it was seen before."""
    problem = f"{kind} {name!r} is also in {first.file} at {first.path}"
    mistakes.add(place, problem, "Rename or remove one of them.")


class _Reader:
    def __init__(self, document: Document, entries: Entries, mistakes: MistakeList) -> None:
        self._document = document
        self._entries = entries
        self._mistakes = mistakes

    def check_keys(self) -> None:
        content, place = self._document.content, self._document.place
        if "segue" not in content:
            self._mistakes.add(
                place.at("segue"), "the version of the format is missing", "Start the file with 'segue: 1'."
            )
        elif content["segue"] != 1 or isinstance(content["segue"], bool):
            problem = f"version {shown(content['segue'])} of the format is not known"
            self._mistakes.add(place.at("segue"), problem, "Write 'segue: 1'.")
        for key in content:
            if key not in SECTIONS:
                self._mistakes.add(place.at(key), f"there is no section {shown(key)}", suggest(key, SECTIONS, ""))

    def named(self, section: Section, form: type[FormT], pattern: str) -> list[Entry[FormT]]:
        """A section of names and what they mean."""
        value = self._section(section, dict)
        place = self._document.place.at(section)
        found = []
        for name, item in value.items() if isinstance(value, dict) else ():
            if not re.fullmatch(pattern, name):
                self._mistakes.add(place.at(name), f"{shown(name)} is not allowed", _PATTERN_HINTS[pattern])
            found += self._entry(section, name, item, place.at(name), form)
        return found

    def listed(self, section: Section, form: type[FormT]) -> list[Entry[FormT]]:
        """A section that is a list of entries with a `name` each."""
        value = self._section(section, list)
        place = self._document.place.at(section)
        found = []
        for index, item in enumerate(value if isinstance(value, list) else ()):
            found += self._entry(section, None, item, place.at(index), form)
        return found

    def _section(self, section: Section, kind: type) -> JsonValue:
        value = self._document.content.get(section)
        if value is not None and not isinstance(value, kind):
            named = "Write names, each with keys and values, as in NAME: {...}."
            hint = named if kind is dict else "Write a list of entries, each starting with '- name: NAME'."
            self._mistakes.add(self._document.place.at(section), f"{shown(value)} is not of the right form", hint)
            self._entries.broken.add(section)
        return value

    def _entry(
        self, section: Section, name: str | None, item: JsonValue, place: Place, form: type[FormT]
    ) -> list[Entry[FormT]]:
        try:
            made = form.model_validate({} if item is None else item)
        except ValidationError as error:
            self._report(error, place, form, section)
            return []
        name = name if name is not None else str(getattr(made, "name", ""))
        return [Entry(name=name, place=place, directory=self._document.directory, form=made)]

    def _report(self, error: ValidationError, place: Place, form: type[BaseModel], section: Section) -> None:
        self._entries.broken.add(section)
        for detail in error.errors(include_url=False):
            location = tuple(part for part in detail["loc"] if part != "[key]")
            quiet = "headers" in location
            context = detail.get("ctx", {})
            given = "the value" if quiet else shown(detail["input"])
            problem, hint = _explain(detail["type"], detail["msg"], context, given)
            where = place.at(*location)
            if detail["type"] == "extra_forbidden":
                known = _known_keys(form, location[:-1])
                problem, hint = f"there is no key {shown(location[-1])} here", suggest(str(location[-1]), known, "")
            elif detail["type"] == "model_type":
                hint += f": {', '.join(_known_keys(form, location))}."
            elif detail["type"] == "list_type" and isinstance(detail["input"], str) and not quiet:
                hint = f"Write a list: [{shown(detail['input'])[1:-1]}]."
            elif detail["type"] == "missing":
                problem, hint = f"the key {location[-1]!r} is missing", "Add it."
            self._mistakes.add(where, problem, hint)


def _explain(kind: str, message: str, context: Mapping[str, object], given: str) -> tuple[str, str]:
    """What is wrong and what would be right, for one error of pydantic."""
    if kind == "string_pattern_mismatch":
        return f"{given} is not allowed", _PATTERN_HINTS[str(context["pattern"])]
    if kind == "literal_error":
        expected = str(context.get("expected")).replace(" or ", ", ").replace("'", "")
        return f"{given} is not allowed", f"Use one of: {expected}."
    if kind == "value_error":
        problem = str(context.get("error", message))
        return f"{given} {problem}", _VALUE_HINTS.get(problem, "Correct it.")
    if kind in _WRONG_KIND:
        problem, hint = _WRONG_KIND[kind]
        return f"{given} {problem}", hint
    said = re.sub(r"^(Input|Value|String|List|Dictionary) should ", "", message).rstrip(".")
    return f"{given} is not allowed", f"It must {said}."


def _known_keys(form: type[BaseModel], location: Sequence[int | str]) -> list[str]:
    """The keys allowed at a location inside a form."""
    at: object = form
    for part in location:
        at = _below(_plain_type(at), part)
    at = _plain_type(at)
    if isinstance(at, type) and issubclass(at, BaseModel):
        return [info.alias or name for name, info in at.model_fields.items()]
    return []


def _below(at: object, part: int | str) -> object:
    if isinstance(at, type) and issubclass(at, BaseModel):
        fields = {info.alias or name: info.annotation for name, info in at.model_fields.items()}
        return fields.get(str(part))
    arguments = get_args(at)
    return arguments[-1] if arguments and get_origin(at) in {dict, list} else None


def _plain_type(at: object) -> object:
    """Without `Annotated` and `| None`."""
    while get_origin(at) in {Annotated, Union, types.UnionType}:
        at = get_args(at)[0]
    return at
