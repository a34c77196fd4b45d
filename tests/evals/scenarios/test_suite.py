"""Cases in parallel processes: what breaks costs its own cases and no others."""

import asyncio
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from agent.portfolio.load import load_portfolio
from evals.processes import ProcessError
from evals.scenarios import suite
from evals.scenarios.arms import ARMS
from evals.scenarios.case import load_cases
from evals.scenarios.learned import GRADED, learn
from evals.scenarios.play import Played, Setting
from evals.scenarios.variant import WORLDS as WORLDS_FOLDER
from evals.worlds.kit.serve import WORLDS
from tests.agent.company import embedding_cache

GRADED_OF_TYPE = (
    "SELECT event_type, count(DISTINCT episodes.id) FROM episodes JOIN rewards ON rewards.run = episodes.id GROUP BY 1"
)
SETTING = Setting(environment={"SEGUE_CACHE": str(embedding_cache())})


def test_learning_that_fails_costs_its_own_arm_and_no_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def broken(*_: object) -> Path:
        raise ProcessError("the server did not start")

    monkeypatch.setattr(suite, "learn", broken)
    cases = [case for case in load_cases(["retail_care"]) if case.name == "nothing_thanks"]
    arms = [arm for arm in ARMS if arm.name in ("learned", "nothing")]
    told: list[Played] = []
    played = suite.run_suite(cases, arms, SETTING, tmp_path, told.append, lambda *_: None)
    assert [(one.arm, one.graded.grade) for one in played] == [("learned", "error"), ("nothing", "solved")]
    assert "the server did not start" in played[0].graded.reasons[0]
    assert len(told) == len(played)


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("world", WORLDS)
def test_a_world_gives_enough_graded_episodes_of_every_type_to_learn_from(tmp_path: Path, world: str) -> None:
    seen: list[int] = []
    data = asyncio.run(learn(world, tmp_path, seen.append))
    assert seen[-1] == GRADED
    portfolio = load_portfolio((WORLDS_FOLDER / world / "portfolio.yaml",), {})
    gradable = {type_ for outcome in portfolio.outcomes.values() for type_ in outcome.events}
    with closing(sqlite3.connect(data / "segue.sqlite")) as db:
        counted = dict(db.execute(GRADED_OF_TYPE).fetchall())
    assert set(counted) == gradable
    assert min(counted.values()) >= 15
