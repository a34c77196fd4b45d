"""No write is forgotten: each that the product makes has a word by which a process can be killed around it."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.durability.points import Unnamed, word_of

ROOT = Path(__file__).parent.parent.parent


def writes(tree: ast.AST, place: str = "") -> Iterator[tuple[str, frozenset[str]]]:
    """Where each `database.write(...)` of a module is made, as a qualified name, and the names that are used there."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            yield from writes(node, f"{place}.{node.name}".lstrip("."))
            continue
        if isinstance(node, ast.Call) and _is_write(node.func):
            yield _written(node.args[0], place)
        yield from writes(node, place)


def _is_write(called: ast.expr) -> bool:
    return (
        isinstance(called, ast.Attribute) and called.attr == "write" and ast.unparse(called).endswith("database.write")
    )


def _written(work: ast.expr, place: str) -> tuple[str, frozenset[str]]:
    if isinstance(work, ast.Lambda):
        named = (node for node in ast.walk(work) if isinstance(node, ast.Name | ast.Attribute))
        return place, frozenset(node.id if isinstance(node, ast.Name) else node.attr for node in named)
    # A function of another module is called by its own name, one defined here by where it is defined.
    return (work.attr if isinstance(work, ast.Attribute) else f"{place}.{ast.unparse(work)}"), frozenset()


MADE = sorted(
    {
        (f"{file.relative_to(ROOT)}: {place}", place, names)
        for folder in ("agent", "api", "memory")
        for file in (ROOT / folder).rglob("*.py")
        if ".write(" in (text := file.read_text())
        for place, names in writes(ast.parse(text))
    }
)


def test_the_product_writes_at_all() -> None:
    assert len(MADE) > 10


@pytest.mark.parametrize(("place", "names"), [one[1:] for one in MADE], ids=[one[0] for one in MADE])
def test_every_write_has_a_word(place: str, names: frozenset[str]) -> None:
    word_of(place, names)


def test_a_write_without_a_word_is_told() -> None:
    with pytest.raises(Unnamed, match=r"Segue\.forget_all"):
        word_of("Segue.forget_all.<locals>.<lambda>", frozenset({"delete"}))
