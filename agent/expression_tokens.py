"""The words of a CEL expression, for what the library cannot tell: scopes of loops, fields read, literal patterns.

Start with `tokenize`; it is given only what the library has parsed already, so it need not report mistakes.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

TokenKind: TypeAlias = Literal["string", "float", "int", "name", "sign"]

LOOPS = frozenset({"all", "exists", "exists_one", "map", "filter"})
_KEYWORDS = frozenset({"true", "false", "null", "in"})
_TOKEN = re.compile(
    r"""(?P<space>\s+|//[^\n]*)
    |(?P<string>(?:[bB]?[rR]|[rR][bB])(?:'{3}[\s\S]*?'{3}|"{3}[\s\S]*?"{3}|'[^'\n]*'|"[^"\n]*")
        |[bB]?(?:'{3}(?:\\[\s\S]|[^\\])*?'{3}|"{3}(?:\\[\s\S]|[^\\])*?"{3}|'(?:\\.|[^'\\\n])*'|"(?:\\.|[^"\\\n])*"))
    |(?P<float>(?:\d+\.\d+|\.\d+)(?:[eE][+-]?\d+)?|\d+[eE][+-]?\d+)
    |(?P<int>0x[0-9a-fA-F]+[uU]?|\d+[uU]?)
    |(?P<name>[A-Za-z_][A-Za-z0-9_]*)
    |(?P<sign>&&|\|\||[=!<>]=|[\s\S])""",
    re.VERBOSE,
)
_PLAIN_STRING = re.compile(r"""(['"])([^'"\\]*)\1\Z""")


@dataclass(frozen=True, kw_only=True)
class Token:
    index: int
    kind: TokenKind
    text: str
    is_name: bool
    """It names a variable: no field, no function, no keyword."""


@dataclass(frozen=True, kw_only=True)
class Macro:
    """One loop, `list.map(x, ...)`: from its opening bracket to the closing one."""

    name: str
    variable: str
    start: int
    end: int

    def __contains__(self, token: Token) -> bool:
        return self.start < token.index < self.end

    def inside(self, other: Macro) -> bool:
        return other.start < self.start and self.end < other.end


def tokenize(source: str) -> tuple[Token, ...]:
    """The tokens in order, without space and comments."""
    found = [match for match in _TOKEN.finditer(source) if match.lastgroup != "space"]
    texts = ["", *(match.group() for match in found), ""]
    tokens = []
    for index, match in enumerate(found):
        kind: TokenKind = match.lastgroup  # type: ignore[assignment]  # the groups are named like the kinds
        names = kind == "name" and texts[index] != "." and texts[index + 2] != "(" and match.group() not in _KEYWORDS
        tokens.append(Token(index=index, kind=kind, text=match.group(), is_name=names))
    return tuple(tokens)


def macros(tokens: Sequence[Token]) -> tuple[Macro, ...]:
    """The loops of an expression, in order of their opening brackets."""
    found = []
    for token in tokens[1:-4]:
        opening, variable, comma = tokens[token.index + 1 : token.index + 4]
        called = tokens[token.index - 1].text == "." and opening.text == "("
        if called and token.text in LOOPS and variable.kind == "name" and comma.text == ",":
            end = _closing(tokens, opening.index)
            found.append(Macro(name=token.text, variable=variable.text, start=opening.index, end=end))
    return tuple(found)


def call_arguments(tokens: Sequence[Token], function: str) -> tuple[tuple[Token, ...], ...]:
    """For each call of a function, the tokens between its brackets."""
    found = []
    for token in tokens[:-1]:
        opening = token.index + 1
        if token.text == function and tokens[opening].text == "(":
            found.append(tuple(tokens[opening + 1 : _closing(tokens, opening)]))
    return tuple(found)


def field_paths(tokens: Sequence[Token], variables: frozenset[str]) -> frozenset[tuple[str, ...]]:
    """The fields read, as far as written out: `data.order["total"]` is `("data", "order", "total")`."""
    return frozenset(_path_at(tokens, token.index) for token in tokens if token.is_name and token.text in variables)


def _path_at(tokens: Sequence[Token], index: int) -> tuple[str, ...]:
    path = [tokens[index].text]
    position = index + 1
    while position + 1 < len(tokens):
        mark, word = tokens[position], tokens[position + 1]
        if mark.text == "." and word.kind == "name":
            if position + 2 < len(tokens) and tokens[position + 2].text == "(":
                break
            path.append(word.text)
            position += 2
            continue
        plain = _PLAIN_STRING.match(word.text)
        if mark.text != "[" or plain is None or position + 2 >= len(tokens) or tokens[position + 2].text != "]":
            break
        path.append(plain[2])
        position += 3
    return tuple(path)


def _closing(tokens: Sequence[Token], opening: int) -> int:
    depth = 0
    for token in tokens[opening:]:
        depth += (token.text in {"(", "[", "{"}) - (token.text in {")", "]", "}"})
        if depth == 0:
            return token.index
    return len(tokens)
