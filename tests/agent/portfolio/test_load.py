"""A right portfolio becomes the model; files merge; variables are filled in."""

from __future__ import annotations

import json
from pathlib import Path

from agent.portfolio.load import load_portfolio
from agent.portfolio.model import Limits, OpenApiEntry, PythonEntry
from agent.types import Purpose
from tests.agent.portfolio.files import DELETE, EVENT, OUTCOME, RIGHT, mistakes_of, with_change, write


def test_a_right_portfolio_becomes_the_model(tmp_path: Path) -> None:
    path = write(tmp_path, RIGHT)
    portfolio = load_portfolio([path], {"ROOM_TOKEN": "secret"})
    assert portfolio.goals == {"comfort": 2.0, "cost": 1.0}
    assert portfolio.files == (str(path),)
    assert [step.name for chain in portfolio.chains for step in chain.steps] == ["inspect", "repair"]
    event = portfolio.events["room.leak.reported"]
    assert event.allow == {"read_room", "price_of", "send_plumber"}
    assert event.playbook is not None
    assert event.playbook[0] == Purpose(text="see the room", step="inspect")
    assert event.limits == Limits(decisions=4)
    outcome = portfolio.outcomes["guest.reviewed"]
    assert outcome.window_s == 36 * 3600
    assert outcome.grade == {"comfort": "data.stars / 5.0", "cost": "1"}


def test_a_tool_says_what_its_source_does_not(tmp_path: Path) -> None:
    rooms, local = load_portfolio([write(tmp_path, RIGHT)], {"ROOM_TOKEN": "secret"}).sources
    assert isinstance(rooms, OpenApiEntry)
    assert rooms.headers == {"X-Token": "secret"}
    assert rooms.tools is not None
    read_room, send_plumber = (tool.governance for tool in rooms.tools)
    assert (read_room.owner, read_room.step, read_room.effect, read_room.timeout_s) == (
        "housekeeping",
        "inspect",
        "read",
        5,
    )
    assert (send_plumber.owner, send_plumber.step, send_plumber.effect) == ("housekeeping", "repair", "write")
    assert (send_plumber.risk, send_plumber.idempotent, send_plumber.choice) == ("high", False, ("firm",))
    assert isinstance(local, PythonEntry)
    assert local.functions["shop.pricing:price_of"].name == "price_of"


def test_an_absent_playbook_is_none_and_an_empty_one_is_empty(tmp_path: Path) -> None:
    absent = load_portfolio([write(tmp_path, with_change((*EVENT, "playbook"), DELETE))], {})
    empty = load_portfolio([write(tmp_path, with_change((*EVENT, "playbook"), []))], {})
    assert absent.events["room.leak.reported"].playbook is None
    assert empty.events["room.leak.reported"].playbook == ()


def test_an_outcome_without_a_join_follows_every_event_type_for_30_days(tmp_path: Path) -> None:
    portfolio = load_portfolio([write(tmp_path, with_change((*OUTCOME, "join"), DELETE))], {})
    assert portfolio.outcomes["guest.reviewed"].events == ()
    assert portfolio.outcomes["guest.reviewed"].window_s == 30 * 86400


def test_two_files_merge_and_may_use_each_others_names(tmp_path: Path) -> None:
    first = {key: RIGHT[key] for key in ("segue", "goals", "chains", "sources")}
    second = {key: RIGHT[key] for key in ("segue", "events", "outcomes")}
    paths = [write(tmp_path, second, "b.yaml"), write(tmp_path, first, "a.yaml")]
    assert load_portfolio(paths, {}).events == load_portfolio([write(tmp_path, RIGHT)], {}).events


def test_equal_names_over_files_name_both_files(tmp_path: Path) -> None:
    first, second = write(tmp_path, RIGHT, "a.yaml"), write(tmp_path, RIGHT, "b.yaml")
    found = {mistake.path: mistake for mistake in mistakes_of(first, second)}
    for path in (
        "goals.comfort",
        "chains[0]",
        "sources[0]",
        'events["room.leak.reported"]',
        'outcomes["guest.reviewed"]',
    ):
        assert found[path].file == str(second)
        assert str(first) in found[path].problem
        assert found[path].hint == "Rename or remove one of them."


def test_equal_tools_and_steps_over_files_are_mistakes(tmp_path: Path) -> None:
    other = {
        "segue": 1,
        "chains": [{"name": "other", "steps": [{"name": "repair"}]}],
        "sources": [{"name": "more", "openapi": "http://127.0.0.1:9/x.json", "tools": {"read_room": {}}}],
    }
    found = mistakes_of(write(tmp_path, RIGHT, "a.yaml"), write(tmp_path, other, "b.yaml"))
    assert [mistake.path for mistake in found] == ["chains[0].steps[0].name", "sources[0].tools.read_room"]
    assert "a.yaml" in found[0].problem
    assert "a.yaml" in found[1].problem


def test_a_variable_takes_the_environment_then_its_default(tmp_path: Path) -> None:
    changed = with_change(("sources", 0, "openapi"), "${ROOMS_URL:-http://127.0.0.1:7}/openapi.json")
    changed["goals"]["cost"] = {"description": "costs $${5} or ${CURRENCY}"}
    path = write(tmp_path, changed)
    usual = load_portfolio([path], {"CURRENCY": "EUR", "ROOMS_URL": ""}).sources[0]
    other = load_portfolio([path], {"CURRENCY": "EUR", "ROOMS_URL": "https://rooms.example"}).sources[0]
    assert isinstance(usual, OpenApiEntry)
    assert isinstance(other, OpenApiEntry)
    assert usual.address == "http://127.0.0.1:7/openapi.json"
    assert other.address == "https://rooms.example/openapi.json"


def test_a_variable_that_is_not_set_is_a_mistake_that_shows_the_way_out(tmp_path: Path) -> None:
    path = write(tmp_path, with_change(("sources", 0, "headers", "X-Token"), "${ROOM_TOKEN}"))
    (found,) = mistakes_of(path)
    assert str(found) == (
        f"{path}: sources[0].headers.X-Token: the environment variable ROOM_TOKEN is not set."
        " Set it, or write ${ROOM_TOKEN:-default}."
    )


def test_a_secret_in_a_header_is_not_quoted_in_a_mistake(tmp_path: Path) -> None:
    path = write(tmp_path, with_change(("sources", 0, "headers", "X-Token"), "${ROOM_TOKEN}"))
    (found,) = mistakes_of(path, environment={"ROOM_TOKEN": "s3cret\nvalue"})
    assert "s3cret" not in str(found)
    assert "printable" in found.problem


def test_a_schema_may_be_a_file_beside_the_portfolio(tmp_path: Path) -> None:
    changed = with_change((*EVENT, "schema"), DELETE)
    changed["events"][EVENT[1]]["schema_file"] = "schemas/leak.json"
    path = write(tmp_path, changed)
    assert mistakes_of(path)[0].path == 'events["room.leak.reported"].schema_file'
    (tmp_path / "schemas").mkdir()
    (tmp_path / "schemas" / "leak.json").write_text(json.dumps(RIGHT["events"][EVENT[1]]["schema"]))
    event = load_portfolio([path], {}).events[EVENT[1]]
    assert event.schema == RIGHT["events"][EVENT[1]]["schema"]


def test_all_mistakes_of_all_files_are_reported_at_once(tmp_path: Path) -> None:
    wrong = with_change((*EVENT, "allow"), ["inspekt"])
    wrong["goals"]["cost"] = {"weight": -1}
    wrong["events"][EVENT[1]]["bind"]["room_id"] = "data.rom"
    first, second = write(tmp_path, wrong, "a.yaml"), write(tmp_path, {"segue": 2, "evnts": {}}, "b.yaml")
    found = {(Path(mistake.file).name, mistake.path): mistake for mistake in mistakes_of(first, second)}
    assert set(found) == {
        ("a.yaml", "goals.cost.weight"),
        ("a.yaml", 'events["room.leak.reported"].allow[0]'),
        ("a.yaml", 'events["room.leak.reported"].bind.room_id'),
        ("a.yaml", 'events["room.leak.reported"].playbook[0].step'),
        ("a.yaml", 'events["room.leak.reported"].playbook[1].step'),
        ("b.yaml", "segue"),
        ("b.yaml", "evnts"),
    }
    assert found["b.yaml", "evnts"].hint == "Did you mean 'events'?"


def test_no_file_and_a_missing_file_are_mistakes(tmp_path: Path) -> None:
    assert "0 portfolio files" in mistakes_of()[0].problem
    assert "No such file" in mistakes_of(tmp_path / "none.yaml")[0].problem
