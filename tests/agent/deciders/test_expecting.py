"""What a text lets one expect of tools is kept from one decision to the next, and is the same as anew."""

from __future__ import annotations

from collections.abc import Mapping

from agent.deciders.expecting import Expectations
from agent.deciders.planner_meaning import Meanings
from tests.agent.deciders.planner_companies import TEXT, similarities, tool

TOOLS = (
    tool("page_doctor", "Calls a doctor to a patient at once.", {"patient": TEXT}),
    tool("order_test", "Orders a laboratory test for a patient.", {"patient": TEXT}),
)


async def test_what_is_kept_is_what_would_be_found_anew_and_is_not_asked_for_again() -> None:
    asked: list[str] = []

    async def counted(text: str, things: Mapping[str, str]) -> Mapping[str, float]:
        asked.append(text)
        return await similarities(text, things)

    expectations = Expectations(0.008, texts=2)
    first = await expectations.of(Meanings(counted), ["the pulse is too high"], TOOLS)
    before = len(asked)
    assert await expectations.of(Meanings(counted), ["the pulse is too high"], TOOLS) == first
    assert len(asked) == before
    assert await Expectations(0.008).of(Meanings(counted), ["the pulse is too high"], TOOLS) == first
    for text in ("a", "b"):
        await expectations.of(Meanings(counted), [text], TOOLS)
    before = len(asked)
    assert await expectations.of(Meanings(counted), ["the pulse is too high"], TOOLS) == first
    assert len(asked) > before, "only so many texts are kept"


async def test_other_tools_and_their_order_are_another_matter() -> None:
    expectations = Expectations(0.008)
    both = await expectations.of(Meanings(similarities), ["call a doctor"], TOOLS)
    assert await expectations.of(Meanings(similarities), ["call a doctor"], TOOLS[::-1]) == both
    assert (await expectations.of(Meanings(similarities), ["call a doctor"], TOOLS[:1])).keys() == {"page_doctor"}
