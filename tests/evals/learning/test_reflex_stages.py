"""The worlds a reflex is measured in: what an affair earned there, and what the scripted model does in the plant."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
import yaml

from evals.learning.reflex import play, play_reflex
from evals.learning.reflex_stages import STAGES
from evals.learning.rules import keep_running
from evals.learning.scripted import Asked
from evals.seasons.company import open_company
from evals.worlds.plant_maintenance.events import PREDICTED
from tests.agent.company import embedding_cache

PLANT = STAGES["plant_maintenance"]
WINDOW = {"repair_in_hours": 30.0, "repair_hours": 6.0}


def asked(type_: str = PREDICTED, *, done: dict[str, Any] | None = None, **data: Any) -> Asked:
    """An event, and what was called so far with its results."""
    answers = done or {}
    event = {"id": "alarm-1", "type": type_, "data": {"part_family": "seal", **WINDOW, **data}}
    return Asked(event=event, functions=frozenset(), answers=answers, called=frozenset(answers))


def looked(*, free: int = 1, moved: int = 0, late: int = 0) -> dict[str, Any]:
    return {
        "read_sensors": {},
        "what_if": {"moved_count": moved},
        "check_stock": {"free": free},
        "list_shipments": {"late_count": late},
    }


async def test_what_an_affair_earned_is_what_the_portfolio_makes_of_its_outcomes(tmp_path: Path) -> None:
    weights = {name: one["weight"] for name, one in yaml.safe_load(PLANT.portfolio.read_text())["goals"].items()}
    environment = {**os.environ, "SEGUE_CACHE": str(embedding_cache())}
    async with (
        open_company(PLANT.world, tmp_path, seed=3, environment=environment) as company,
        company.opened(PLANT.portfolio, memory=True) as segue,
    ):
        sent = await PLANT.happen(company, 0, 3)
        affairs = {one["id"]: one for one in (await company.state())["affairs"]}
        found = (await segue.memories.episodes("default", None, 50)).items
    episodes = [one for one in found if one["event_type"] == PREDICTED]
    assert {one["event_id"] for one in episodes} == sent == affairs.keys()
    for episode in episodes:
        graded = sum(weights[goal] * reward for goal, reward in episode["rewards"].items()) / sum(weights.values())
        assert PLANT.earned(affairs[episode["event_id"]]) == pytest.approx(graded, abs=0.002)


def test_an_affair_that_ended_without_outcomes_earned_nothing_that_counts() -> None:
    assert PLANT.earned({"late": None}) is None
    assert STAGES["retail_care"].earned({"result": None}) is None


def test_the_scripted_model_looks_gets_the_part_and_sends_somebody_once_it_is_kept() -> None:
    assert {name for name, _ in keep_running(asked())} == looked().keys()
    seen = looked(moved=2, late=1)
    assert [name for name, _ in keep_running(asked(done=seen))] == ["reschedule", "update_promise", "reserve_part"]
    kept = {**seen, "reserve_part": {"reserved": True}}
    assert keep_running(asked(done=kept)) == [("dispatch_technician", WINDOW)]
    assert keep_running(asked(done={**kept, "dispatch_technician": {}})) == []


@pytest.mark.parametrize(("family", "supplier"), [("seal", "tarvo"), ("drive", "quint")])
def test_it_orders_at_the_cheap_supplier_unless_that_is_late_with_the_part(family: str, supplier: str) -> None:
    order = [("order_part", {"supplier": supplier})]
    assert keep_running(asked(done=looked(free=0), part_family=family)) == order
    gone = {**looked(), "reserve_part": {"reserved": False}}
    assert keep_running(asked(done=gone, part_family=family)) == order
    assert keep_running(asked(done={**looked(free=0), "order_part": {}}, part_family=family)) == []


def test_a_part_that_has_come_is_used_and_a_late_one_planned_for_anew() -> None:
    assert keep_running(asked("part.delivered", hours_late=0.0)) == [("dispatch_technician", WINDOW)]
    late = asked("part.delivered", hours_late=5.0)
    assert [name for name, _ in keep_running(late)] == ["dispatch_technician", "what_if"]
    seen = {"dispatch_technician": {}, "what_if": {"moved_count": 1}}
    assert keep_running(asked("part.delivered", hours_late=5.0, done=seen)) == [("reschedule", WINDOW)]


def test_a_stream_of_the_plant_is_played_with_the_model_asked_at_every_decision() -> None:
    first, second = play("plant_maintenance", 1_000, "asked", 4).halves
    # To look, to get the part, and then either to send somebody and end, or to end and go on when it comes.
    assert 2 * 3 <= first.model_calls <= 2 * 6
    assert 0.0 < first.reward <= 1.0
    assert 0.0 < second.reward <= 1.0


def test_a_world_that_has_no_stage_is_told_with_those_that_have() -> None:
    with pytest.raises(ValueError, match="Give one of retail_care, plant_maintenance"):
        play_reflex("nowhere", [0])
    with pytest.raises(ValueError, match="Give a multiple of 2"):
        play_reflex("plant_maintenance", [0], 5)
