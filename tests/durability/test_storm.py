"""Deliveries in a storm on a real server that is killed: as many runs as events, and no effect twice."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.durability.postgres import NoPostgres, Postgres
from tests.durability.storm import Plan, storm


@pytest.mark.timeout(600)
async def test_a_small_storm_over_two_kills_leaves_one_run_an_event_and_no_effect_twice(tmp_path: Path) -> None:
    plan = Plan(data=tmp_path, events=30, deliveries=150, clients=8, subjects=6, kill_every_s=0.7, most_kills=2)
    found, going = await storm(plan)
    assert found.violations == []
    assert (found.runs, going.kills) == (30, 2)


@pytest.mark.slow
@pytest.mark.timeout(3600)
async def test_a_storm_of_ten_thousand_deliveries_leaves_one_run_an_event_and_no_effect_twice(tmp_path: Path) -> None:
    found, _ = await storm(Plan(data=tmp_path))
    assert found.violations == []
    assert found.runs == 1000


@pytest.mark.slow
@pytest.mark.timeout(3600)
async def test_a_storm_on_postgresql_leaves_one_run_an_event_and_no_effect_twice(tmp_path: Path) -> None:
    try:
        with Postgres.own() as server:
            found, _ = await storm(Plan(data=tmp_path, deliveries=5000, events=500, database_url=server.url))
    except NoPostgres as error:
        pytest.skip(str(error))
    assert found.violations == []
    assert found.runs == 500
