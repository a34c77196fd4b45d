"""A portfolio file as plain JSON-like data: strict, bounded YAML with environment variables filled in.

Start with `read_document`. What is wrong with the file as a file is found here; what it says is checked later.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Hashable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from yaml.composer import Composer
from yaml.constructor import SafeConstructor
from yaml.resolver import Resolver

from agent.portfolio.mistakes import MistakeList, Place, shown
from tools.types import JsonValue

MAX_BYTES = 1_000_000
MAX_DEPTH = 40
MAX_VALUES = 100_000
"""Values in a file at most, each use of an alias counted anew."""

_YAML_HINT = "Correct the line, or one above it: text with any of : # { } [ ] , & * in it needs quotes."
_VARIABLE = re.compile(r"\$\$\{|\$\{([A-Za-z_][A-Za-z0-9_]*)(?:(:-)([^{}]*))?}|\$\{")
_FORBIDDEN = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")


@dataclass(frozen=True, kw_only=True)
class Document:
    """One portfolio file, read."""

    place: Place
    directory: Path
    content: Mapping[str, JsonValue]


def read_document(path: Path, environment: Mapping[str, str], mistakes: MistakeList) -> Document | None:
    """Read a portfolio file and fill in `${NAME}`; None, and a mistake, when it cannot be read."""
    place = Place(file=str(path))
    before = len(mistakes)
    content = _load(path, place, mistakes)
    if len(mistakes) > before:
        return None
    if not isinstance(content, dict):
        what = "is empty" if content is None else f"is a {_kind(content)}, not keys and values"
        mistakes.add(place, f"the file {what}", "Start it with 'segue: 1'.")
        return None
    filled = _Variables(environment, mistakes).fill(content, place)
    return Document(place=place, directory=path.parent, content=filled) if isinstance(filled, dict) else None


def read_schema(directory: Path, name: str, place: Place, mistakes: MistakeList) -> JsonValue:
    """A JSON Schema in a file of its own (JSON or YAML); None, and a mistake, when it cannot be read."""
    path = Path(name)
    if not name or path.is_absolute():
        mistakes.add(place, f"{name!r} is not a relative path", "Name the file relative to the portfolio file.")
        return None
    found = MistakeList()
    content = _load(directory / path, Place(file=str(directory / path)), found)
    if len(found) or not isinstance(content, dict):
        detail = found.first() if len(found) else "it does not hold an object"
        mistakes.add(
            place, f"the schema file {name!r} cannot be used: {detail}", "Point to a JSON Schema in JSON or YAML."
        )
        return None
    return content


def _load(path: Path, place: Place, mistakes: MistakeList) -> object:
    text = _text(path, place, mistakes)
    if text is None:
        return None
    before = len(mistakes)
    content = _parse(text, path.suffix == ".json", place, mistakes)
    if len(mistakes) == before:
        _Shape(mistakes).check(content, place, 0)
    return content


def _text(path: Path, place: Place, mistakes: MistakeList) -> str | None:
    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        mistakes.add(place, f"the file cannot be read: {reason}", "Name a readable file.")
        return None
    if len(data) > MAX_BYTES:
        mistakes.add(place, f"the file is larger than {MAX_BYTES} bytes", "Split it: several files merge.")
        return None
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        mistakes.add(place, f"the file is not UTF-8 (byte {error.start})", "Save it as UTF-8.")
        return None


def _parse(text: str, is_json: bool, place: Place, mistakes: MistakeList) -> object:
    try:
        if is_json:
            return json.loads(text)
        content, repeated = _read_yaml(text)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = place.at() if mark is None else Place(file=place.file, path=f"line {mark.line + 1}")
        hint = "Indent with spaces." if "'\\t'" in (error.problem or "") else _YAML_HINT
        mistakes.add(where, f"not YAML: {error.problem or error.context}", hint)
        return None
    except RecursionError:
        mistakes.add(place, "the file is nested too deep", f"Nest at most {MAX_DEPTH} levels.")
        return None
    except (yaml.YAMLError, ValueError, TypeError, ArithmeticError, AttributeError, LookupError) as error:
        # Beside its own errors, the YAML library lets through those of a malformed date, number or tag.
        mistakes.add(
            place, f"not readable: {str(error).splitlines()[0] if str(error) else shown(error)}", "Correct it."
        )
        return None
    for line, problem in repeated:
        mistakes.add(Place(file=place.file, path=f"line {line}"), problem, "Keep one of them.")
    return content


def _read_yaml(text: str) -> tuple[object, list[tuple[int, str]]]:
    """The content, and what is wrong with its keys by line.

    libyaml is six times as fast; what it does not take is read by the parser in Python, whose messages are plainer.
    """
    if yaml.__with_libyaml__:
        with suppress(yaml.YAMLError, ValueError):
            return _read_events(yaml.CSafeLoader(text))
    return _read_events(yaml.SafeLoader(text))


def _read_events(parser: yaml.CSafeLoader | yaml.SafeLoader) -> tuple[object, list[tuple[int, str]]]:
    loader = _StrictLoader(parser)
    try:
        return loader.get_single_data(), loader.repeated
    finally:
        parser.dispose()


class _StrictLoader(Composer, SafeConstructor, Resolver):
    """Makes safe YAML from a parser's events, without repeated keys, without merge keys, and with bounded depth."""

    def __init__(self, parser: yaml.CSafeLoader | yaml.SafeLoader) -> None:
        Composer.__init__(self)
        SafeConstructor.__init__(self)
        Resolver.__init__(self)
        self.check_event, self.peek_event, self.get_event = parser.check_event, parser.peek_event, parser.get_event
        self.repeated: list[tuple[int, str]] = []
        self._depth = 0

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        self._depth += 1
        if self._depth > MAX_DEPTH:
            mark: Any = getattr(self.peek_event(), "start_mark", None)
            raise yaml.MarkedYAMLError(problem=f"nested deeper than {MAX_DEPTH} levels", problem_mark=mark)
        node = super().compose_node(parent, index)
        self._depth -= 1
        return node

    def flatten_mapping(self, node: yaml.MappingNode) -> None:
        first: dict[Hashable, int] = {}
        for key, _ in node.value:
            line = key.start_mark.line + 1
            if key.tag == "tag:yaml.org,2002:merge":
                problem = "merge keys (<<) are not supported; write the keys out"
                raise yaml.MarkedYAMLError(problem=problem, problem_mark=key.start_mark)
            if not isinstance(key, yaml.ScalarNode):
                continue
            if key.value in first:
                self.repeated.append((line, f"key {shown(key.value)} is repeated, first on line {first[key.value]}"))
            first.setdefault(key.value, line)


class _Shape:
    """Checks that what YAML gave is JSON: keys are text, no dates or bytes, bounded in depth and number."""

    def __init__(self, mistakes: MistakeList) -> None:
        self._mistakes = mistakes
        self._values = 0

    def check(self, value: object, place: Place, depth: int) -> None:
        self._values += 1
        if depth > MAX_DEPTH or self._values > MAX_VALUES:
            if depth > MAX_DEPTH or self._values == MAX_VALUES + 1:
                problem = f"nested deeper than {MAX_DEPTH} levels or more than {MAX_VALUES} values, aliases counted"
                self._mistakes.add(place, problem, "Write less, or split the file.")
            self._values = MAX_VALUES + 2
            return
        match value:
            case dict():
                for key, item in value.items():
                    self._key(key, place)
                    self.check(item, place.at(str(key)), depth + 1)
            case list():
                for index, item in enumerate(value):
                    self.check(item, place.at(index), depth + 1)
            case str():
                if _FORBIDDEN.search(value):
                    self._mistakes.add(place, "the text has control characters or broken Unicode", "Remove them.")
            case int() if abs(value) >= 2**63:
                self._mistakes.add(place, "the number is too large", "Use at most 64 bits, or quote it.")
            case float() if not math.isfinite(value):
                self._mistakes.add(place, "the number is not finite", "Use a plain number.")
            case None | bool() | int() | float():
                pass
            case _:
                problem = f"YAML reads the value as a {type(value).__name__}"
                self._mistakes.add(place, problem, "Put it in quotes.")

    def _key(self, key: object, place: Place) -> None:
        if not isinstance(key, str):
            problem = f"YAML reads the key {shown(key)} as a {_kind(key)}, not as text"
            self._mistakes.add(place, problem, "Put the key in quotes.")
        elif _FORBIDDEN.search(key):
            self._mistakes.add(place, "a key has control characters or broken Unicode", "Remove them.")


class _Variables:
    """Fills `${NAME}` and `${NAME:-default}` into the texts of a document; `$${` stands for `${`."""

    def __init__(self, environment: Mapping[str, str], mistakes: MistakeList) -> None:
        self._environment = environment
        self._mistakes = mistakes

    def fill(self, value: JsonValue, place: Place) -> JsonValue:
        if isinstance(value, str):
            return _VARIABLE.sub(lambda match: self._value(match, place), value) if "${" in value else value
        if isinstance(value, dict):
            return {key: self.fill(item, place.at(key)) for key, item in value.items()}
        if isinstance(value, list):
            return [self.fill(item, place.at(index)) for index, item in enumerate(value)]
        return value

    def _value(self, match: re.Match[str], place: Place) -> str:
        if match[0] == "$${":
            return "${"
        name = match[1]
        if name is None:
            problem = f"an unfinished variable in {shown(match.string)}"
            self._mistakes.add(place, problem, "Write ${NAME} or ${NAME:-default}, or $${ for the characters.")
            return ""
        value = self._environment.get(name, "" if match[2] else None)
        if value is None:
            self._mistakes.add(
                place, f"the environment variable {name} is not set", f"Set it, or write ${{{name}:-default}}."
            )
            return ""
        if _FORBIDDEN.search(value):
            self._mistakes.add(place, f"the environment variable {name} has control characters", "Correct it.")
            return ""
        return match[3] if match[2] and not value else value


def _kind(value: object) -> str:
    kinds = {dict: "mapping", list: "list", str: "text", bool: "truth value", int: "number", float: "number"}
    return kinds.get(type(value), type(value).__name__)
