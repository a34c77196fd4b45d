"""What holds for every world: its tools, its portfolio and its events fit together."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from agent.deciders.purposes import Conditions
from evals import worlds
from evals.worlds.kit.serve import WORLDS, load_rules
from tests.agent.deciders.planner_companies import situation
from tests.evals.worlds.company import in_process
from tools.validation import violations


def portfolio(world: str) -> dict[str, Any]:
    """The world's own, as written."""
    stated = yaml.safe_load((Path(str(worlds.__file__)).parent / world / "portfolio.yaml").read_text("utf-8"))
    return dict(stated)


CONDITIONS = [
    (type_, str(purpose["when"]), read)
    for world in WORLDS
    for type_, event in portfolio(world)["events"].items()
    for purpose in event["playbook"]
    for read in sorted(load_rules(world).reads)
    # What follows an `||` or `&&` may be decided by what stands before it.
    if purpose.get("when", "").startswith(f"double(results.{read}.")
]


@pytest.mark.parametrize(("type_", "when", "read"), CONDITIONS, ids=[f"{row[0]}-{row[2]}" for row in CONDITIONS])
def test_a_condition_on_a_look_up_is_untold_before_it_and_not_false(type_: str, when: str, read: str) -> None:
    assert Conditions(situation(data={})).truth(when)[0] == "untold"


@pytest.mark.parametrize("world", WORLDS)
async def test_the_portfolio_registers_every_tool_and_tells_reads_and_keys_rightly(tmp_path: Path, world: str) -> None:
    async with in_process(tmp_path, world=world) as company:
        document = (await company.client.get("/openapi.json")).json()
    rules, (source,) = load_rules(world), portfolio(world)["sources"]
    tools = {name: {**source["defaults"], **stated} for name, stated in source["tools"].items()}
    assert set(tools) == {one["operationId"] for path in document["paths"].values() for one in path.values()}
    assert {name for name, stated in tools.items() if stated["effect"] == "read"} == rules.reads
    writes = {name: stated for name, stated in tools.items() if stated["effect"] == "write"}
    assert {name for name, stated in writes.items() if not stated.get("idempotent", False)} == rules.ignore_key


@pytest.mark.parametrize("world", WORLDS)
async def test_every_event_and_outcome_it_makes_is_in_the_portfolio_and_fits_its_schema(
    tmp_path: Path, world: str
) -> None:
    stated = portfolio(world)
    kinds = {**stated["events"], **stated["outcomes"]}
    assert set(load_rules(world).event_types) == set(kinds)
    async with in_process(tmp_path, world=world) as company:
        for type_, kind in kinds.items():
            events = await company.events(type_, n=20, seed=3)
            wrong = [violations(kind["schema"], event["data"], limit=1, formats=True) for event in events]
            assert not any(wrong), (type_, wrong)


@pytest.mark.parametrize("world", WORLDS)
async def test_what_cannot_be_arranged_is_refused_and_nothing_arranged_changes_nothing(
    tmp_path: Path, world: str
) -> None:
    async with in_process(tmp_path, world=world) as company:
        before = await company.state()
        assert (await company.arrange()).json() == {"arranged": []}
        assert (await company.arrange(nonsense=[1])).status_code == 422
        assert (await company.client.post("/_world/arrange", json=[])).status_code == 422
        assert await company.state() == before
