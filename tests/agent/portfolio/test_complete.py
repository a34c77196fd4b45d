"""Completing: what the sources offer decides the rest of what the portfolio says."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from agent.portfolio.load import LoadedPortfolio, Mistake, PortfolioError, complete, load_portfolio
from tests.agent.portfolio.files import DELETE, EVENT, RIGHT, mistakes_of, with_change, write
from tools.types import Governance, Tool


def tool(name: str, step: str | None, arguments: tuple[str, ...], source: str = "rooms") -> Tool:
    properties = {argument: {"type": "string"} for argument in arguments}
    return Tool(
        name=name,
        description=name,
        parameters={"type": "object", "properties": properties},
        returns=None,
        source=source,
        governance=Governance(step=step),
    )


def tools_of(*tools: Tool) -> dict[str, Tool]:
    return {one.name: one for one in tools}


RIGHT_TOOLS = tools_of(
    tool("read_room", "inspect", ("room_id",)),
    tool("send_plumber", "repair", ("room_id", "firm")),
    tool("price_of", "inspect", ("item",), "local"),
)


def refused(portfolio: LoadedPortfolio, tools: Mapping[str, Tool]) -> tuple[Mistake, ...]:
    with pytest.raises(PortfolioError) as caught:
        complete(portfolio, tools)
    return caught.value.mistakes


@pytest.fixture
def listed(tmp_path: Path) -> LoadedPortfolio:
    return load_portfolio([write(tmp_path, RIGHT)], {})


@pytest.fixture
def unlisted(tmp_path: Path) -> LoadedPortfolio:
    """The source `rooms` stands for all its tools, so that the portfolio knows none of them."""
    return load_portfolio([write(tmp_path, with_change(("sources", 0, "tools"), DELETE))], {})


def test_a_portfolio_that_lists_all_tools_is_complete_already(listed: LoadedPortfolio) -> None:
    assert complete(listed, RIGHT_TOOLS) == listed


def test_steps_of_an_unlisted_source_are_resolved_when_it_has_been_read(unlisted: LoadedPortfolio) -> None:
    assert unlisted.events[EVENT[1]].allow == {"price_of"}
    done = complete(unlisted, RIGHT_TOOLS)
    assert done.events[EVENT[1]].allow == {"read_room", "price_of", "send_plumber"}


def test_a_tool_that_appears_later_is_allowed_by_its_step(unlisted: LoadedPortfolio) -> None:
    done = complete(unlisted, RIGHT_TOOLS)
    again = complete(done, {**RIGHT_TOOLS, "measure": tool("measure", "inspect", ())})
    assert again.events[EVENT[1]].allow - done.events[EVENT[1]].allow == {"measure"}


def test_a_listed_tool_that_the_source_lacks_is_a_mistake_at_its_place(listed: LoadedPortfolio) -> None:
    tools = {name: one for name, one in RIGHT_TOOLS.items() if name != "read_room"}
    found = refused(listed, {**tools, "read_rooms": tool("read_rooms", "inspect", ("room_id",))})
    assert found[0].path == "sources[0].tools.read_room"
    assert found[0].hint == "Did you mean 'read_rooms'?"


def test_a_tool_of_another_source_does_not_stand_in_for_a_listed_one(listed: LoadedPortfolio) -> None:
    found = refused(listed, {**RIGHT_TOOLS, "read_room": replace(RIGHT_TOOLS["read_room"], source="local")})
    assert "the source 'rooms' has no tool 'read_room'" in found[0].problem


def test_choice_and_bound_arguments_must_exist(listed: LoadedPortfolio) -> None:
    tools = tools_of(
        tool("read_room", "inspect", ("room",)),
        tool("send_plumber", "repair", ("firms",)),
        tool("price_of", "inspect", ("item",), "local"),
    )
    found = {mistake.path: mistake for mistake in refused(listed, tools)}
    assert found["sources[0].tools.send_plumber.choice[0]"].hint == "Did you mean 'firms'?"
    assert found['events["room.leak.reported"].bind.room_id'].hint == "Did you mean 'room'?"


def test_names_that_no_source_offers_are_mistakes_when_all_have_been_read(unlisted: LoadedPortfolio) -> None:
    found = {
        mistake.path: mistake
        for mistake in refused(unlisted, tools_of(tool("price_of", "inspect", ("room_id",), "local")))
    }
    assert "send_plumber" in found['events["room.leak.reported"].allow[1]'].problem
    assert "'repair'" in found['events["room.leak.reported"].playbook[1].step'].problem
    assert "read_room" in found['events["room.leak.reported"].features.floor'].problem


def test_a_tool_of_an_unlisted_source_named_like_a_step_is_a_mistake(unlisted: LoadedPortfolio) -> None:
    found = refused(unlisted, {**RIGHT_TOOLS, "repair": tool("repair", "inspect", ())})
    assert "both a step and a tool of the source 'rooms'" in found[0].problem


def test_names_that_might_still_come_from_a_source_are_no_mistakes_at_load(tmp_path: Path) -> None:
    open_source = with_change(("sources", 0, "tools"), DELETE)
    open_source["events"][EVENT[1]]["allow"] = ["anything"]
    open_source["events"][EVENT[1]]["playbook"] = [{"purpose": "x", "step": "nostep"}]
    (found,) = mistakes_of(write(tmp_path, open_source))
    assert found.path == 'events["room.leak.reported"].playbook[0].step'
