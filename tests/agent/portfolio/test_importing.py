"""Lines for a portfolio, made from what a service offers: they load, or every mistake is said."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from agent.portfolio.importing import NewSource, Taken, fit_name, problems, propose, source_name, written
from agent.portfolio.load import load_portfolio
from agent.portfolio.model import OpenApiEntry
from tools.offer import Offer, offer_of

ADDRESS = "http://desk.example/${KEY}/openapi.json"
OLD = """
segue: 1
chains: [{name: care, steps: [{name: know}, {name: calm}]}]
sources: [{name: desk, python: {open_case: "desk.cases:open_case"}}]
"""


def offer(paths: dict[str, Any] | None = None) -> Offer:
    made: dict[str, Any] = {
        "/cases": {"post": {"operationId": "open_case"}, "get": {"operationId": "list cases!"}},
        "/cases/{id}": {
            "delete": {"operationId": "drop", "parameters": [{"name": "id", "in": "path", "schema": {}}]},
            "put": {"operationId": "drop?", "parameters": [{"name": "id", "in": "path", "schema": {}}]},
        },
    }
    return offer_of(ADDRESS, {"openapi": "3.1.0", "info": {"title": "Desk"}, "paths": paths or made})


@pytest.fixture
def old(tmp_path: Path) -> Path:
    """A portfolio that has a source, a tool and steps."""
    file = tmp_path / "old.yaml"
    file.write_text(OLD)
    return file


def test_each_operation_is_proposed_with_a_fit_name_a_guess_and_what_has_its_name() -> None:
    found = propose(offer(), Taken(tools={"open_case"}, steps={"list_cases"}))
    assert [(one.operation.method, one.name, one.effect, one.risk, one.clash) for one in found] == [
        ("GET", "list_cases", "read", "low", "step"),
        ("POST", "open_case", "write", "medium", "tool"),
        ("PUT", "drop", "write", "medium", None),
        ("DELETE", "drop_2", "write", "high", None),
    ]


@pytest.mark.parametrize("text", ["", "9 lives", "<img onerror=1>", "é" * 90, "${HOME}", "-", "a.b/c", "x" * 500])
def test_any_text_becomes_a_name_a_portfolio_takes(text: str, tmp_path: Path) -> None:
    (tmp_path / "p.yaml").write_text(f"segue: 1\ngoals: {{'{fit_name(text)}': {{}}}}\n")
    assert list(load_portfolio([tmp_path / "p.yaml"], {}).goals) == [fit_name(text)]


def test_the_lines_load_and_say_what_was_chosen(tmp_path: Path, old: Path) -> None:
    found = {one.operation.address: one for one in propose(offer(), Taken())}
    tools = (
        replace(found["POST /cases"], name="new_case", step="calm", risk="high", idempotent=True),
        found["GET /cases"],
    )
    source = NewSource(name="desk_2", offer=offer(), tools=tools, owner="care: #1 ${TEAM}", unit="shop", timeout_s=7.5)
    assert problems(source, [old], {}) == ()
    file = tmp_path / "new.yaml"
    file.write_text(written(source))
    entry = load_portfolio([old, file], {}).sources[1]
    assert isinstance(entry, OpenApiEntry)
    assert entry.address == ADDRESS
    assert entry.tools is not None
    told = {one.name: (one.operation, one.governance) for one in entry.tools}
    operation, governance = told["new_case"]
    assert operation == "open_case"
    assert (governance.step, governance.risk, governance.idempotent) == ("calm", "high", True)
    assert (governance.owner, governance.unit, governance.timeout_s) == ("care: #1 ${TEAM}", "shop", 7.5)
    assert told["list_cases"][0] == "list cases!"
    assert told["list_cases"][1].effect == "read"


def test_a_source_gets_a_name_that_none_has() -> None:
    assert source_name(offer(), Taken(sources={"desk"})) == "desk_2"


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"tools": ()}, "no operation is taken"),
        ({"name": "desk"}, "source 'desk' is also in"),
        ({"name": "not a name"}, "'not a name' is not allowed"),
        ({"timeout_s": 0.0}, "timeout_s"),
        ({"timeout_s": 1e9}, "timeout_s"),
        ({"owner": "x" * 9_000}, "owner"),
    ],
)
def test_what_the_loader_refuses_is_said_in_words(old: Path, change: dict[str, Any], says: str) -> None:
    tools = tuple(replace(one, name=f"{one.name}_new") for one in propose(offer(), Taken()))
    source = replace(NewSource(name="desk_2", offer=offer(), tools=tools), **change)
    found = problems(source, [old], {})
    assert found
    assert says in "\n".join(found)
    assert "/segue-import-" not in "\n".join(found)


def test_names_in_use_are_refused_wherever_they_are(old: Path) -> None:
    (case, *_) = [one for one in propose(offer(), Taken()) if one.name == "open_case"]

    def told(running: tuple[str, ...] = (), **changes: Any) -> str:
        source = NewSource(name="desk_2", offer=offer(), tools=(replace(case, **changes),))
        return "\n".join(problems(source, [old], {}, running))

    assert "tool 'open_case' is also in" in told()
    assert "'calm' is both a tool and a step" in told(name="calm")
    assert "'elsewhere' is registered already" in told(("elsewhere",), name="elsewhere")
    assert "there is no step 'calmm' in a chain. Did you mean 'calm'?" in told(name="new", step="calmm")
    assert "is not allowed" in told(name="<b>")
    assert told(name="new") == ""
