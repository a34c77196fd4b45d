"""Each mistake one can make in a portfolio is reported at its place, with what would be right."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from agent.portfolio.load import load_portfolio
from tests.agent.portfolio.files import DELETE, EVENT, OUTCOME, RIGHT, mistakes_of, with_change, write

E = 'events["room.leak.reported"]'
O = 'outcomes["guest.reviewed"]'  # noqa: E741
TOOL = ("sources", 0, "tools", "send_plumber")

CASES: list[tuple[tuple[str | int, ...], object, str, str, str]] = [
    # what is changed, to what, path reported, part of the problem, part of the hint
    (("segue",), DELETE, "segue", "version", "segue: 1"),
    (("segue",), True, "segue", "version True", "segue: 1"),
    (("gaols",), {}, "gaols", "no section", "Did you mean 'goals'?"),
    (("goals",), [1], "goals", "not of the right form", "names"),
    (("goals", "comfort", "weight"), 0, "goals.comfort.weight", "0 is not allowed", "greater than 0"),
    (("goals", "comfort", "weight"), True, "goals.comfort.weight", "truth value", "number"),
    (("goals", "comfort", "weight"), "heavy", "goals.comfort.weight", "'heavy' is no number", "Write a number"),
    (("goals", "com fort"), {}, 'goals["com fort"]', "not allowed", "letter or _ first"),
    (("goals", "comfort", "wieght"), 1, "goals.comfort.wieght", "no key", "Did you mean 'weight'?"),
    (("chains", 0, "steps"), [], "chains[0].steps", "is empty", "at least one"),
    (
        ("chains", 0, "steps", 0),
        "inspect",
        "chains[0].steps[0]",
        "is not keys and values",
        "values: name, description.",
    ),
    (("chains",), {"stay": {}}, "chains", "not of the right form", "- name: NAME"),
    (("chains", 0, "name"), DELETE, "chains[0].name", "missing", "Add it"),
    (("chains", 0, "steps", 1, "name"), "inspect", "chains[0].steps[1].name", "is also in", "Rename"),
    (("sources", 0, "openapi"), "rooms.json", "sources[0].openapi", "no http", "openapi.json"),
    (("sources", 0, "openapi"), DELETE, "sources[0]", "neither", "exactly one of: openapi, python"),
    (("sources", 0, "python"), {"a": "b:c"}, "sources[0]", "both", "exactly one of: openapi, python"),
    (("sources", 0, "headers", "X Y"), "z", 'sources[0].headers["X Y"]', "not allowed", "HTTP header"),
    (("sources", 0, "defaults", "effect"), "reed", "sources[0].defaults.effect", "'reed'", "Use one of: read, write."),
    (("sources", 0, "defaults", "step"), "inspct", "sources[0].defaults.step", "no step", "'inspect'"),
    (("sources", 0, "tools", "1x"), {}, 'sources[0].tools["1x"]', "not allowed", "letter or _ first"),
    ((*TOOL, "risk"), "hgh", "sources[0].tools.send_plumber.risk", "'hgh'", "Use one of: low, medium, high."),
    ((*TOOL, "timeout_s"), 0, "sources[0].tools.send_plumber.timeout_s", "0 is not allowed", "greater than 0"),
    ((*TOOL, "timeout_s"), 3601, "sources[0].tools.send_plumber.timeout_s", "3601", "less than or equal to 3600"),
    ((*TOOL, "timeout_s"), "5s", "sources[0].tools.send_plumber.timeout_s", "'5s' is no number", "without a unit"),
    ((*TOOL, "choice"), "firm", "sources[0].tools.send_plumber.choice", "is no list", "Write a list: [firm]."),
    ((*TOOL, "timout_s"), 3, "sources[0].tools.send_plumber.timout_s", "no key", "Did you mean 'timeout_s'?"),
    ((*TOOL, "idempotent"), "perhaps", "sources[0].tools.send_plumber.idempotent", "'perhaps'", "true or false"),
    ((*TOOL, "choice"), [""], "sources[0].tools.send_plumber.choice[0]", "is empty", "at least one character"),
    ((*TOOL, "choice"), ["a", "a"], "sources[0].tools.send_plumber.choice", "twice", "once"),
    ((*TOOL, "step"), "repiar", "sources[0].tools.send_plumber.step", "no step 'repiar'", "Did you mean 'repair'?"),
    (
        ("sources", 1, "python", "price_of"),
        "shop.pricing",
        "sources[1].python.price_of",
        "'shop.pricing'",
        "module:function",
    ),
    (("sources", 1, "python", "again"), "shop.pricing:price_of", "sources[1].python.again", "already", "once"),
    (("sources", 1, "tools", "pric_of"), {}, "sources[1].tools.pric_of", "no function", "'price_of'"),
    (
        ("sources", 1, "tools", "price_of", "operation"),
        "x",
        "sources[1].tools.price_of.operation",
        "no OpenAPI",
        "Remove",
    ),
    (("sources", 1, "base_url"), "http://x", "sources[1].base_url", "no address", "Remove"),
    (("sources", 1, "python", "repair"), "a:b", "sources[1].python.repair", "both a tool and a step", "Rename"),
    ((*EVENT, "text"), DELETE, f"{E}.text", "missing", "Add it"),
    ((*EVENT, "text"), "{data.rom}", f"{E}.text", "no field 'data.rom'", "Did you mean 'room'?"),
    ((*EVENT, "text"), "{data.room", f"{E}.text", "single '{'", "{data.topic}"),
    ((*EVENT, "text"), "data.room", f"{E}.text", "'data.room' is not filled in", "Write {data.room}."),
    ((*EVENT, "text"), "{{data.room}}", f"{E}.text", "single brackets", "Write {data.room}."),
    ((*EVENT, "text"), "{results.x.y}", f"{E}.text", "no field of the event", "data.FIELD"),
    ((*EVENT, "features", "x"), "event.id", f"{E}.features.x", "starts with 'event'", "results.TOOL.FIELD"),
    ((*EVENT, "features", "x"), "data..y", f"{E}.features.x", "empty", "data.segment"),
    ((*EVENT, "features", "x"), "data.guest.nme", f"{E}.features.x", "data.guest.nme", "Did you mean 'name'?"),
    ((*EVENT, "features", "x"), "results.read_rom.y", f"{E}.features.x", "no tool 'read_rom'", "'read_room'"),
    ((*EVENT, "features", "x"), "results.read_room", f"{E}.features.x", "no field", "results.TOOL.FIELD"),
    ((*EVENT, "allow"), "inspect", f"{E}.allow", "is no list", "Write a list: [inspect]."),
    ((*EVENT, "bind"), ["room_id"], f"{E}.bind", "is not names with values", "NAME: VALUE"),
    ((*EVENT, "allow", 0), "inspct", f"{E}.allow[0]", "no tool or step 'inspct'", "Did you mean 'inspect'?"),
    ((*EVENT, "bind", "room_id"), "results.a.b", f"{E}.bind.room_id", "no field of the event", "subject, id, type"),
    ((*EVENT, "bind", "room_id"), "data.rm", f"{E}.bind.room_id", "no field 'data.rm'", "'room'"),
    ((*EVENT, "bind", "room_id"), "subject.x", f"{E}.bind.room_id", "no field of the event", "subject, id, type"),
    ((*EVENT, "playbook", 0, "step"), "inspct", f"{E}.playbook[0].step", "no step", "'inspect'"),
    ((*EVENT, "playbook", 1, "when"), "data.litres >", f"{E}.playbook[1].when", "not CEL", "docs/portfolio.md"),
    ((*EVENT, "playbook", 1, "when"), "data.litres > 1 and true", f"{E}.playbook[1].when", "not CEL", "&&"),
    ((*EVENT, "playbook", 1, "when"), "'yes'", f"{E}.playbook[1].when", "true or false, not 'yes'", "docs"),
    ((*EVENT, "playbook", 1, "when"), "datta.x", f"{E}.playbook[1].when", "no variable 'datta'", "docs/portfolio.md"),
    ((*EVENT, "playbook", 1, "when"), "lower('x')", f"{E}.playbook[1].when", "no function lower()", "docs"),
    ((*EVENT, "playbook", 1, "when"), "data.litre > 1.0", f"{E}.playbook[1].when", "data.litre", "'litres'"),
    ((*EVENT, "playbook", 1, "when"), "features.litre > 1", f"{E}.playbook[1].when", "no feature", "'litres'"),
    ((*EVENT, "playbook", 1, "when"), "has(results.raed_room)", f"{E}.playbook[1].when", "no tool", "'read_room'"),
    ((*EVENT, "playbook", 1, "when"), "has(failed.raed_room)", f"{E}.playbook[1].when", "no tool", "'read_room'"),
    ((*EVENT, "playbook", 1, "when"), "has(steps.inspct)", f"{E}.playbook[1].when", "no step", "'inspect'"),
    ((*EVENT, "playbook", 1, "when"), "event.tipe == ''", f"{E}.playbook[1].when", "no field 'tipe'", "'type'"),
    ((*EVENT, "limits", "calls"), 0, f"{E}.limits.calls", "0 is not allowed", "greater than or equal to 1"),
    ((*EVENT, "limits", "minutes"), 1, f"{E}.limits.minutes", "no key", "decisions"),
    ((*EVENT, "queue"), [1], f"{E}.queue", "is not keys and values", "values: priority, delay, ttl, debounce"),
    ((*EVENT, "queue"), {"priorty": 1}, f"{E}.queue.priorty", "no key", "Did you mean 'priority'?"),
    ((*EVENT, "queue"), {"priority": 10}, f"{E}.queue.priority", "10 is not allowed", "less than or equal to 9"),
    ((*EVENT, "queue"), {"priority": -10}, f"{E}.queue.priority", "-10 is not allowed", "equal to -9"),
    ((*EVENT, "queue"), {"priority": True}, f"{E}.queue.priority", "truth value", "Write a number"),
    ((*EVENT, "queue"), {"priority": 1.5}, f"{E}.queue.priority", "no whole number", "whole number"),
    ((*EVENT, "queue"), {"priority": float("inf")}, f"{E}.queue.priority", "not finite", ""),
    ((*EVENT, "queue"), {"delay": "0s"}, f"{E}.queue.delay", "'0s' is no duration", "a number above 0"),
    ((*EVENT, "queue"), {"delay": "-5m"}, f"{E}.queue.delay", "'-5m' is no duration", "a number above 0"),
    ((*EVENT, "queue"), {"delay": 5}, f"{E}.queue.delay", "5 is no duration", "45s"),
    ((*EVENT, "queue"), {"ttl": "inf"}, f"{E}.queue.ttl", "'inf' is no duration", "up to 3650d"),
    ((*EVENT, "queue"), {"ttl": "9999d"}, f"{E}.queue.ttl", "'9999d' is no duration", "up to 3650d"),
    ((*EVENT, "queue"), {"delay": "5m", "ttl": "4m"}, f"{E}.queue.ttl", "not longer than 'delay'", "more than 300s"),
    ((*EVENT, "queue"), {"delay": "5m", "ttl": "5m"}, f"{E}.queue.ttl", "every run would expire", "more than 300s"),
    (
        (*EVENT, "queue"),
        {"debounce": {"quiet": "10s", "longest": "2m"}, "ttl": "90s"},
        f"{E}.queue.ttl",
        "not longer than 'debounce.longest' (120 s)",
        "more than 120s",
    ),
    (
        (*EVENT, "queue"),
        {"debounce": {"quiet": "10s", "longest": "9s"}},
        f"{E}.queue.debounce.longest",
        "longest wait (9 s) is shorter than the quiet period (10 s)",
        "at least 10s",
    ),
    (
        (*EVENT, "queue"),
        {"debounce": {"quiet": "10s", "longest": "9s"}, "delay": "1s"},
        f"{E}.queue.delay",
        "'debounce' as well",
        "one of: delay, debounce",
    ),
    ((*EVENT, "queue"), {"debounce": "10s"}, f"{E}.queue.debounce", "not keys and values", "values: quiet, longest."),
    ((*EVENT, "queue"), {"debounce": {"quiet": "1s"}}, f"{E}.queue.debounce.longest", "missing", "Add it"),
    (
        (*EVENT, "queue"),
        {"debounce": {"quiet": "1s", "longest": "2s", "longes": "2s"}},
        f"{E}.queue.debounce.longes",
        "no key",
        "Did you mean 'longest'?",
    ),
    ((*EVENT, "queue"), {"concurrency": 0}, f"{E}.queue.concurrency", "0 is not allowed", "equal to 1"),
    ((*EVENT, "queue"), {"rate": "0/1m"}, f"{E}.queue.rate", "'0/1m' is no rate", "100/1m"),
    ((*EVENT, "queue"), {"rate": "5/0s"}, f"{E}.queue.rate", "'5/0s' is no rate", "100/1m"),
    ((*EVENT, "queue"), {"rate": "5/m"}, f"{E}.queue.rate", "'5/m' is no rate", "100/1m"),
    ((*EVENT, "queue"), {"rate": 100}, f"{E}.queue.rate", "100 is no rate", "100/1m"),
    ((*EVENT, "queue"), {"attempts": 0}, f"{E}.queue.attempts", "0 is not allowed", "equal to 1"),
    ((*EVENT, "schema"), {"type": "objct"}, f"{E}.schema.type", "'objct' is no type", "number, object"),
    ((*EVENT, "schema"), {"type": "array"}, f"{E}.schema.type", "an object, not 'array'", "type: object"),
    ((*EVENT, "schema"), {"$ref": "http://x/y.json"}, f"{E}.schema.$ref", "leads nowhere", "local reference"),
    ((*EVENT, "schema"), {"$ref": "#/$defs/no"}, f"{E}.schema.$ref", "leads nowhere", "local reference"),
    ((*EVENT, "schema"), {"$ref": "#"}, f"{E}.schema", "in a circle", "lead to something"),
    (
        (*EVENT, "schema"),
        {"properties": {"a": {"pattern": "("}}},
        f"{E}.schema.properties.a",
        "not a 'regex'",
        "2020-12",
    ),
    ((*EVENT, "schema"), {"$schema": "http://json-schema.org/draft-07/schema#"}, f"{E}.schema", "dialect", "2020-12"),
    ((*EVENT, "schema_file"), "x.json", f"{E}.schema_file", "'schema' as well", "one of: schema, schema_file"),
    (("events", "guest.reviewed"), {"text": "x"}, O, "is also in", "Rename"),
    ((*OUTCOME, "grade"), {}, f"{O}.grade", "is empty", "at least one"),
    ((*OUTCOME, "grade", "comfort"), 5, f"{O}.grade.comfort", "from 0 to 1, this is 5", "docs"),
    ((*OUTCOME, "grade", "comfrt"), "1.0", f"{O}.grade.comfrt", "no goal", "Did you mean 'comfort'?"),
    ((*OUTCOME, "grade", "comfort"), "features.x", f"{O}.grade.comfort", "no variable 'features'", "docs"),
    ((*OUTCOME, "grade", "comfort"), "data.stars / 5", f"{O}.grade.comfort", "write 5.0, not 5", "docs"),
    ((*OUTCOME, "grade", "comfort"), "data.star / 5.0", f"{O}.grade.comfort", "data.star", "'stars'"),
    ((*OUTCOME, "join", "events", 0), "room.leak", f"{O}.join.events[0]", "no event type", "room.leak.reported"),
    ((*OUTCOME, "join", "window"), "soon", f"{O}.join.window", "'soon' is no duration", "30d, 12h, 90m, 45s"),
    ((*OUTCOME, "join", "window"), "0s", f"{O}.join.window", "no duration", "30d, 12h, 90m, 45s"),
    ((*OUTCOME, "join", "window"), 30, f"{O}.join.window", "no duration", "30d, 12h, 90m, 45s"),
]


@pytest.mark.parametrize(("keys", "value", "path", "problem", "hint"), CASES, ids=lambda value: str(value)[:40])
def test_a_mistake_is_reported_at_its_place_with_what_would_be_right(
    tmp_path: Path, keys: tuple[str | int, ...], value: object, path: str, problem: str, hint: str
) -> None:
    file = write(tmp_path, with_change(keys, value))
    near = [mistake for mistake in mistakes_of(file) if mistake.path.startswith(path)]
    assert near, mistakes_of(file)
    assert near[0].file == str(file)
    assert problem in near[0].problem
    assert hint in near[0].hint
    assert str(near[0]).endswith((".", "?"))


def test_a_step_that_no_allowed_tool_performs_names_the_tool_to_allow(tmp_path: Path) -> None:
    (found,) = mistakes_of(write(tmp_path, with_change((*EVENT, "allow"), ["read_room"])))
    assert str(found).endswith("no allowed tool performs the step 'repair'. Allow send_plumber.")


def test_a_step_that_no_tool_performs_cannot_be_allowed(tmp_path: Path) -> None:
    wrong = with_change((*TOOL, "step"), "inspect")
    wrong["events"][EVENT[1]].update(allow=["repair"], playbook=[])
    (found,) = mistakes_of(write(tmp_path, wrong))
    assert found.problem == "no tool performs the step 'repair'"


def test_a_broken_entry_hides_no_other_mistake_and_causes_no_false_one(tmp_path: Path) -> None:
    wrong = with_change(("sources", 0, "tools", "read_room"), {"risk": "none"})
    wrong["chains"][0]["steps"][0]["description"] = 5
    wrong["goals"]["comfort"] = {"weight": "x"}
    wrong["outcomes"][OUTCOME[1]]["join"]["window"] = "x"
    paths = [mistake.path for mistake in mistakes_of(write(tmp_path, wrong))]
    assert sorted(paths) == [
        "chains[0].steps[0].description",
        "goals.comfort.weight",
        f"{O}.join.window",
        "sources[0].tools.read_room.risk",
    ]


TEXTS: list[tuple[str, str, str]] = [
    ("", "", "the file is empty"),
    ("[1, 2]", "", "the file is a list"),
    ("segue: 1\ngoals: {\n", "line 3", "not YAML"),
    ("segue: 1\nsegue: 1\n", "line 2", "key 'segue' is repeated, first on line 1"),
    ("segue: 1\ngoals:\n  a: {weight: 1, weight: 2}\n", "line 3", "key 'weight' is repeated"),
    ("segue: 1\n---\nsegue: 1\n", "line 2", "not YAML"),
    ("segue: 1\ngoals:\n\tcomfort: {}\n", "line 3", "Indent with spaces"),
    ("segue: !!python/object:os.system 1\n", "line 1", "not YAML"),
    ("segue: 1\n1: 2\n", "", "the key 1 as a number"),
    ("segue: 1\ngoals: 2026-01-02\n", "goals", "as a date"),
    ("segue: 2026-13-45\n", "", "not readable"),
    ("segue: .inf\n", "segue", "not finite"),
    ("segue: 99999999999999999999999\n", "segue", "too large"),
    ('segue: 1\ngoals: {a: {description: "\\ud800"}}\n', "goals.a.description", "broken Unicode"),
    ("segue: 1\ngoals: ${\n", "goals", "unfinished variable"),
    ("a: &a {b: 1}\nc:\n  <<: *a\n", "line 3", "merge keys"),
    ("a: &a [*a]\n", "a" + "[0]" * 40, "nested deeper"),
    ("a: " + "[" * 100_000, "line 1", "nested deeper"),
    ("x: " + "a" * 1_000_000, "", "larger than 1000000 bytes"),
]


@pytest.mark.parametrize(("text", "path", "problem"), TEXTS, ids=lambda value: str(value)[:30])
def test_a_file_that_is_no_portfolio_is_one_mistake(tmp_path: Path, text: str, path: str, problem: str) -> None:
    found = mistakes_of(write(tmp_path, text))
    assert found[0].path == path
    assert problem in str(found[0])


@pytest.mark.parametrize("text", [text for text, _, _ in TEXTS], ids=lambda value: str(value)[:30])
def test_without_libyaml_the_mistakes_are_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    found = mistakes_of(write(tmp_path, text))
    monkeypatch.setattr(yaml, "__with_libyaml__", False)
    assert mistakes_of(write(tmp_path, text)) == found


def test_without_libyaml_a_portfolio_reads_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(tmp_path, RIGHT)
    found = load_portfolio([path], {})
    monkeypatch.setattr(yaml, "__with_libyaml__", False)
    assert load_portfolio([path], {}) == found


def test_aliases_of_aliases_are_stopped(tmp_path: Path) -> None:
    lines = ["a0: &a0 [1, 1, 1, 1, 1, 1, 1, 1, 1, 1]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 9)]
    (found,) = mistakes_of(write(tmp_path, "\n".join(lines)))
    assert "aliases counted" in found.problem


def test_a_file_that_is_not_utf_8_is_a_mistake(tmp_path: Path) -> None:
    path = tmp_path / "p.yaml"
    path.write_bytes(b"segue: \xff\xfe1")
    assert mistakes_of(path)[0].hint == "Save it as UTF-8."


def test_a_mistake_is_one_line_whatever_the_file_holds(tmp_path: Path) -> None:
    wrong: dict[str, Any] = with_change(("goals",), {"a\nb\u0085c": {"weight": "x\ny"}}, RIGHT)
    for mistake in mistakes_of(write(tmp_path, wrong)):
        assert len(str(mistake).splitlines()) == 1
