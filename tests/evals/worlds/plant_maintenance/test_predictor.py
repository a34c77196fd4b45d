"""The failure predictor on streams it was not trained on."""

from __future__ import annotations

import pytest

from evals.worlds.plant_maintenance.catalogue import FAMILIES
from evals.worlds.plant_maintenance.predictor import shared_predictor
from evals.worlds.plant_maintenance.sensors import WELL, Condition, readings


def test_it_does_far_better_than_chance_on_held_out_streams() -> None:
    figures = shared_predictor().judged(n=400)
    assert figures["right_part"] >= 0.95 > 0.4 > figures["right_by_guessing"]
    assert figures["failures_found"] >= 0.97
    assert figures["false_alarms"] <= 0.03
    assert figures["hours_off"] <= 0.6 * figures["hours_off_by_guessing"]


@pytest.mark.parametrize("family", FAMILIES)
def test_the_part_that_wears_is_named_and_the_hours_shrink(family: str) -> None:
    seen = [
        shared_predictor().predict(
            readings("s/m", "pump", Condition(part_family=family, wear=wear, life_h=200.0), 500.0), "pump"
        )
        for wear in (0.6, 0.95)
    ]
    assert [one.part_family for one in seen] == [family, family]
    assert (seen[0].hours_left or 0.0) > (seen[1].hours_left or 0.0)


def test_a_machine_that_is_well_raises_no_alarm() -> None:
    told = [shared_predictor().predict(readings(f"s/{n}", "mill", WELL, 100.0 + n), "mill") for n in range(60)]
    assert sum(one.expected for one in told) <= 1


def test_a_stream_is_the_same_whoever_asks_and_goes_on_as_it_was() -> None:
    first, later = (readings("s/m", "press", WELL, hour) for hour in (100.0, 110.0))
    assert (readings("s/m", "press", WELL, 100.0) == first).all()
    assert (later[:-10] == first[10:]).all()
    assert (readings("s/other", "press", WELL, 100.0) != first).any()
