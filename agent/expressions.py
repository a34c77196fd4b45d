"""CEL expressions of the portfolio: the one place that touches the `cel` library. Start with `Expression.parse`.

An expression comes from the portfolio and is checked when that is loaded; the values it reads come from outside.
What surprises about CEL as the library does it (0.10), and what is done about it here:

- It never converts between whole and decimal numbers: `1 + 1.5` is an error, and `80 / 100` is 0. JSON does not keep
  the two apart, so **every number of the context is a double here**: write `data.satisfaction / 100.0`. Comparing
  mixes freely (`data.amount > 100`); an index does not (`data.items[int(data.n)]`). Whole-number literals
  beside a field are refused at load. `size()` and literals without a point are whole numbers.
- An absent field is an error (`MissingField`), also inside `has()` when the parent is absent: `has(data.a.b)` needs
  `data.a`. Reading a field of null, text or a number is an `ExpressionError`. `||` and `&&` swallow an error on one
  side when the other side alone decides.
- `==` between different types is false, `<` is an error. `&&`, `||`, `!` and `?:` take booleans only.
- `timestamp('2026-01-02T03:04:05Z')` and `duration('90m')` read text; a time in an event stays text until then. A
  duration too long for 64-bit nanoseconds (292 years) is cut without an error, and `getMonth()` counts from 0.
- There is no `min`, `max`, `math.*`, `lowerAscii` or `.?`: a call of an unknown function is refused at load. A
  known one given the wrong type reports itself as undefined.
- `map` and `filter` copy their result for each element, and each field access copies what it reads: 10,000 elements
  take seconds. Very deep contexts crash the process. So size, depth and work are bounded before the library is called.
- A regular expression runs in linear time, but a counted repetition makes that line steep: patterns must be literal.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from itertools import pairwise

import cel

from agent.expression_tokens import Macro, Token, call_arguments, field_paths, macros, tokenize
from tools.types import JsonValue

MAX_SOURCE = 2_000
MAX_NODES = 50_000
MAX_DEPTH = 64
MAX_CHARS = 2_000_000
MAX_WORK = 5_000_000
"""Values copied by one evaluation at most, 50 to 300 ns each."""
MAX_REGEX_WORK = 50_000_000
MAX_REGEX = 300
MAX_MACROS = 8
PARSED = 1_000
"""Expressions kept parsed, as conditions and grades come again with every decision and outcome."""

FUNCTIONS = frozenset({"size", "contains", "startsWith", "endsWith", "matches"})
FUNCTIONS |= {"int", "uint", "double", "string", "bytes", "timestamp", "duration", "dyn", "type"}
FUNCTIONS |= {"getFullYear", "getMonth", "getDayOfYear", "getDayOfMonth", "getDate", "getDayOfWeek"}
FUNCTIONS |= {"getHours", "getMinutes", "getSeconds", "getMilliseconds"}
"""The functions the library has; the macros `has all exists exists_one map filter` are expanded while parsing."""
TYPE_NAMES = frozenset(["int", "uint", "double", "string", "bool", "bytes", "list", "map", "null_type", "type"])
_OPERATOR = re.compile(r"[^A-Za-z]|@")
_ARITHMETIC = frozenset("+-*/%")


class ExpressionError(Exception):
    """An expression cannot be parsed or evaluated; says which, and what is wrong with it."""

    def __init__(self, source: str, problem: str) -> None:
        self.source = source
        self.problem = problem
        shown = source if len(source) <= 200 else source[:200] + "..."
        super().__init__(f"{shown!r}: {problem}")


class MissingField(ExpressionError):
    """The expression reads a field, variable or list element that is not there."""


@dataclass(frozen=True, kw_only=True)
class _Cost:
    """What makes an evaluation dear: loops, loops in loops, results that grow, patterns."""

    loops: int
    exponent: int
    growth: int
    commas: int
    regex: int


@dataclass(frozen=True, kw_only=True)
class Expression:
    """A parsed CEL expression over named variables."""

    source: str
    paths: frozenset[tuple[str, ...]]
    """The fields it reads, as far as they are written out: `("data", "order", "total")`."""
    _program: cel.Program
    _used: frozenset[str]
    _cost: _Cost

    @classmethod
    def parse(cls, source: str, variables: frozenset[str]) -> Expression:
        """Parse and check against the variables there will be. Raises `ExpressionError`."""
        if len(source) > MAX_SOURCE:
            raise ExpressionError(source, f"it has {len(source)} characters, more than {MAX_SOURCE}")
        return _parse(source, variables)

    @property
    def is_constant(self) -> bool:
        """Whether it reads nothing, so that its value is known at once."""
        return not self._used

    def evaluate(self, context: Mapping[str, JsonValue]) -> JsonValue:
        """The value for this context, with times as ISO 8601 text and durations in seconds.

        Raises `MissingField` when something it reads is absent, else `ExpressionError`.
        """
        for name in sorted(self._used):
            if name not in context:
                raise MissingField(self.source, f"there is no {name!r}")
        size = _Size(self.source)
        values = {name: size.copy(context[name], 0) for name in self._used}
        self._bound_work(size)
        return self._json(self._run(values), 0)

    def truth(self, context: Mapping[str, JsonValue]) -> bool:
        """As `evaluate`, for a condition: anything but true or false is an `ExpressionError`."""
        value = self.evaluate(context)
        if not isinstance(value, bool):
            raise ExpressionError(self.source, f"a condition gives true or false, not {_shown(value)}")
        return value

    def reward(self, context: Mapping[str, JsonValue]) -> float:
        """As `evaluate`, for a grade: a number in [0, 1], or true for 1 and false for 0; else `ExpressionError`."""
        value = self.evaluate(context)
        if not isinstance(value, bool | int | float):
            raise ExpressionError(self.source, f"a grade is a number from 0 to 1, not {_shown(value)}")
        if not 0 <= value <= 1:
            raise ExpressionError(self.source, f"a grade lies from 0 to 1, this is {_shown(value)}")
        return float(value)

    def _bound_work(self, size: _Size) -> None:
        cost = self._cost
        longest = size.longest + cost.commas
        total = size.nodes + size.chars // 64 + len(self.source)
        turns = float(longest) ** cost.exponent if cost.loops else 1.0
        if cost.loops * turns * total * cost.growth > MAX_WORK:
            raise ExpressionError(self.source, f"its loops take too long over lists of {size.longest} elements")
        if cost.regex * (size.chars + 200) * turns > MAX_REGEX_WORK:
            raise ExpressionError(self.source, "its patterns take too long over texts of that length")

    def _run(self, values: dict[str, object]) -> object:
        try:
            return self._program.execute(values)
        except (KeyError, IndexError) as error:
            raise MissingField(self.source, _missing(error)) from error
        except Exception as error:
            raise ExpressionError(self.source, _failure(error)) from error
        except BaseException as error:
            # A panic of the Rust code arrives as an exception that is no Exception.
            if type(error).__name__ != "PanicException":
                raise
            raise ExpressionError(self.source, "the CEL library broke on it") from error

    def _json(self, value: object, depth: int) -> JsonValue:
        if depth > MAX_DEPTH:
            raise ExpressionError(self.source, f"the result is nested more than {MAX_DEPTH} deep")
        match value:
            case None | bool() | int() | str():
                return value
            case float():
                if not math.isfinite(value):
                    raise ExpressionError(self.source, f"the result {value} is no number")
                return value
            case datetime():
                return value.isoformat()
            case timedelta():
                return value.total_seconds()
            case list():
                return [self._json(item, depth + 1) for item in value]
            case dict() if all(isinstance(key, str) for key in value):
                return {str(key): self._json(item, depth + 1) for key, item in value.items()}
        raise ExpressionError(self.source, f"the result is a {type(value).__name__}, which JSON does not have")


@lru_cache(maxsize=PARSED)
def _parse(source: str, variables: frozenset[str]) -> Expression:
    program = _compile(source)
    tokens = tokenize(source)
    loops = macros(tokens)
    bound = {loop.variable for loop in loops}
    _check_functions(source, program)
    _check_names(source, tokens, loops, variables, frozenset(program.variables()))
    _check_numbers(source, tokens, variables)
    return Expression(
        source=source,
        paths=field_paths(tokens, variables),
        _program=program,
        _used=(frozenset(program.variables()) & variables) - bound,
        _cost=_cost(source, tokens, loops),
    )


class _Size:
    """Copies values for the library, numbers as doubles, and counts what it copies."""

    def __init__(self, source: str) -> None:
        self.nodes = 0
        self.chars = 0
        self.longest = 0
        self._source = source

    def copy(self, value: JsonValue, depth: int) -> object:
        self.nodes += 1
        if depth > MAX_DEPTH or self.nodes > MAX_NODES or self.chars > MAX_CHARS:
            raise ExpressionError(self._source, "the values it reads are too large or nested too deep")
        match value:
            case None | bool():
                return value
            case int() | float():
                return self._number(value)
            case str():
                return self._text(value)
            case Mapping():
                self.longest = max(self.longest, len(value))
                return {self._text(str(key)): self.copy(item, depth + 1) for key, item in value.items()}
            case Sequence():
                self.longest = max(self.longest, len(value))
                return [self.copy(item, depth + 1) for item in value]
        raise ExpressionError(self._source, f"a value of type {type(value).__name__} is not JSON")

    def _number(self, value: float) -> float:
        try:
            return float(value)
        except OverflowError as error:
            raise ExpressionError(self._source, "a number it reads is too large") from error

    def _text(self, value: str) -> str:
        self.chars += len(value)
        if self.chars > MAX_CHARS:
            raise ExpressionError(self._source, "the texts it reads are too long")
        # Half a surrogate pair is legal in JSON but has no UTF-8.
        return value if value.isascii() else value.encode("utf-8", "replace").decode("utf-8")


def _compile(source: str) -> cel.Program:
    try:
        return cel.compile(source)
    except Exception as error:
        raise ExpressionError(source, _syntax(error)) from error
    except BaseException as error:
        if type(error).__name__ != "PanicException":
            raise
        raise ExpressionError(source, "the CEL library broke on it") from error


def _check_names(
    source: str, tokens: Sequence[Token], loops: Sequence[Macro], variables: frozenset[str], read: frozenset[str]
) -> None:
    bound = {loop.variable for loop in loops}
    known = ", ".join(sorted(variables)) or "none"
    for name in sorted(bound & variables):
        raise ExpressionError(source, f"{name!r} is a variable already; name the element of the list otherwise")
    unknown = sorted(read - variables - TYPE_NAMES - bound)
    for token in tokens:
        if token.is_name and token.text in bound and not any(token in loop for loop in loops):
            unknown.append(token.text)
    if unknown:
        raise ExpressionError(source, f"there is no variable {unknown[0]!r}. Variables here: {known}")


def _check_functions(source: str, program: cel.Program) -> None:
    called = {name for name in program.functions() if not _OPERATOR.match(name)}
    for name in sorted(called - FUNCTIONS):
        problem = f"there is no function {name}() with these arguments. Functions: {', '.join(sorted(FUNCTIONS))}"
        raise ExpressionError(source, problem)


def _check_numbers(source: str, tokens: Sequence[Token], variables: frozenset[str]) -> None:
    """Refuse `data.n / 100`: fields are doubles, and CEL does not mix them with whole numbers."""
    ends = {path.end for path in _plain_paths(tokens, variables)}
    starts = {path.start for path in _plain_paths(tokens, variables)}
    for left, operator in pairwise(tokens):
        right = tokens[operator.index + 1] if operator.index + 1 < len(tokens) else None
        if operator.text not in _ARITHMETIC or right is None:
            continue
        whole = right if left.index in ends and right.kind == "int" else None
        whole = left if right.index in starts and left.kind == "int" else whole
        if whole is not None:
            raise ExpressionError(source, f"numbers of events are decimal: write {whole.text}.0, not {whole.text}")


@dataclass(frozen=True, kw_only=True)
class _Span:
    start: int
    end: int


def _plain_paths(tokens: Sequence[Token], variables: frozenset[str]) -> list[_Span]:
    """Where `variable.field.field` stands as a value, not as the receiver of a call or an index."""
    spans = []
    for token in tokens:
        if token.text not in variables or not token.is_name:
            continue
        end = token.index
        while end + 2 < len(tokens) and tokens[end + 1].text == "." and tokens[end + 2].kind == "name":
            end += 2
        following = tokens[end + 1].text if end + 1 < len(tokens) else ""
        if following not in {"(", "[", "."}:
            spans.append(_Span(start=token.index, end=end))
    return spans


def _cost(source: str, tokens: Sequence[Token], loops: Sequence[Macro]) -> _Cost:
    if len(loops) > MAX_MACROS:
        raise ExpressionError(source, f"it has {len(loops)} loops, more than {MAX_MACROS}")
    growing = [loop for loop in loops if loop.name == "map"]
    depth = max((1 + sum(loop.inside(other) for other in loops) for loop in loops), default=0)
    uses = [sum(token.text == loop.variable for token in tokens if token in loop) - 1 for loop in growing]
    return _Cost(
        loops=len(loops),
        exponent=depth + (len(growing) if len(loops) > 1 else 0),
        growth=math.prod(max(1, count) for count in uses),
        commas=sum(token.text == "," for token in tokens),
        regex=sum(_regex_size(source, argument) for argument in call_arguments(tokens, "matches")),
    )


def _regex_size(source: str, argument: Sequence[Token]) -> int:
    """How large a machine the pattern makes, roughly; checks that it is a literal and compiles."""
    if not argument or argument[-1].kind != "string" or (len(argument) > 1 and argument[-2].text != ","):
        raise ExpressionError(source, "matches() takes a pattern in quotes, not a computed one")
    pattern = argument[-1].text
    if len(pattern) > MAX_REGEX:
        raise ExpressionError(source, f"a pattern has more than {MAX_REGEX} characters")
    try:
        cel.evaluate(f"''.matches({pattern})")
    except Exception as error:
        raise ExpressionError(source, f"the pattern {pattern} is no regular expression: {_failure(error)}") from error
    repeats = [
        max(int(number) for number in re.findall(r"\d+", text)) for text in re.findall(r"\{[\d,]*\d[\d,]*}", pattern)
    ]
    classes = len(re.findall(r"\\[wWdDsSpPbB]", pattern))
    return (len(pattern) + 100 * classes) * math.prod(max(1, count) for count in repeats)


def _missing(error: LookupError) -> str:
    detail = str(error.args[0]) if error.args else ""
    return f"there is no field {detail!r}" if isinstance(error, KeyError) else detail or "index out of bounds"


def _syntax(error: Exception) -> str:
    """The library's message without the echo of the source: `line:column: what is wrong`."""
    text = str(error).partition("ERROR: <input>:")[2] or str(error)
    return f"not CEL: {_first_line(text)}"


def _failure(error: Exception) -> str:
    text = _first_line(str(error))
    if isinstance(error, TypeError):
        brief = text.split(". CEL does not coerce")[0].split(": the operation")[0]
        return f"{brief}: the types do not fit; numbers of events are decimal (write 1.0, not 1)"
    undefined = re.match(r"Undefined variable or function: '(.*?)'", text)
    if undefined:
        return f"{undefined[1]} cannot be used with these arguments"
    return text.partition(". Check function arguments")[0]


def _first_line(text: str) -> str:
    line = text.strip().partition("\n")[0]
    return line if len(line) <= 200 else line[:200] + "..."


def _shown(value: JsonValue) -> str:
    text = repr(value)
    return text if len(text) <= 80 else text[:80] + "..."
