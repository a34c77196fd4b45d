"""Figures of streams, against arrays small enough to work out by hand."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from evals.bench.marks import Mark
from evals.stream.figures import Played, Report, report

EVENTS = 8
"""The last quarter is the last two."""


def played(arm: str, right: str, *, seed: int = 0, recall_ms: Sequence[float] = ()) -> Played:
    """One for right, nought for wrong; spaces are for the reader."""
    return Played(
        arm=arm,
        seed=seed,
        right=np.array([one == "1" for one in right.replace(" ", "")]),
        recall_ms=np.array(recall_ms, dtype=np.float64),
    )


def of(*streams: Played) -> Report:
    return report(streams, tools=3, events=len(streams[0].right), seconds=1.0)


def mark(found: Report, name: str) -> Mark:
    (one,) = (one for one in found.marks if one.name == name)
    return one


def last_right(arm: str, right: int, *, seed: int = 0, last: int = 20) -> Played:
    """So many right of the last quarter and none before."""
    return played(arm, "0" * 3 * last + "1" * right + "0" * (last - right), seed=seed)


def drifting(wrong: int, *, seed: int = 0, before: str = "1") -> Played:
    """Eight hundred events; so many wrong after the half, and right from there on."""
    return played("product+drift", before * 400 + "0" * wrong + "1" * (400 - wrong), seed=seed)


def test_success_is_a_mean_over_seeds_of_the_whole_stream_and_of_its_last_quarter() -> None:
    found = of(played("product", "1000 0011"), played("product", "1100 0001", seed=1)).as_json()
    assert found["arms"]["product"]["last_quarter"] == 0.75
    assert found["arms"]["product"]["success"] == 0.375
    assert (found["seeds"], found["events"], found["tools"]) == ([0, 1], EVENTS, 3)


def test_gains_are_against_no_memory_under_the_same_stress() -> None:
    found = of(
        played("no_memory", "0000 0011"),
        played("no_memory+noise", "0000 0000"),
        played("product", "0000 0011"),
        played("product+noise", "0000 0001"),
    ).as_json()["arms"]
    assert found["product"]["gain_points"]["mean"] == 0
    assert found["product+noise"]["gain_points"]["mean"] == 50


def test_cosine_without_stress_stands_in_where_it_was_not_played_with_it() -> None:
    arms = (played("cosine", "0000 0001"), played("product+noise", "0000 0011"))
    alone = of(*arms).as_json()["arms"]
    assert alone["product+noise"]["gain_over_cosine_points"]["mean"] == 50
    beside = of(*arms, played("cosine+noise", "0000 0000")).as_json()["arms"]
    assert beside["product+noise"]["gain_over_cosine_points"]["mean"] == 100


def test_what_was_not_played_is_compared_with_nothing() -> None:
    found = of(played("product+noise", "0000 0011"), played("no_memory", "0000 0000")).as_json()
    missing = {"gain_points", "gain_over_cosine_points", "negative_transfer", "regret"}
    assert not missing & found["arms"]["product+noise"].keys()
    assert found["ceiling_gap_closed"] is None
    assert found["recall"] == {"p50_ms": None, "p99_ms": None}


def test_the_interval_is_over_seeds_and_pairs_what_saw_the_same_stream() -> None:
    found = of(
        played("no_memory", "0000 0000"),
        played("product", "0000 0001"),
        played("product", "0000 0011", seed=1),
        played("no_memory", "0000 0011", seed=1),
    ).as_json()["arms"]["product"]["gain_points"]
    half = 12.7062 * 35.3553 / 2**0.5
    assert found["mean"] == 25
    assert (found["low"], found["high"]) == pytest.approx((25 - half, 25 + half), abs=0.01)


def test_one_seed_has_a_mean_and_no_interval() -> None:
    found = of(last_right("no_memory", 2), last_right("cosine", 2), last_right("product", 8))
    assert found.as_json()["arms"]["product"]["gain_points"] == {"mean": 30, "low": None, "high": None}
    assert mark(found, "product over cosine").state == "passed"
    bound = mark(found, "product over cosine, lower bound")
    assert (bound.state, bound.measured, bound.why) == ("skipped", None, "one seed has no interval")


def test_harm_is_counted_over_all_events_and_regret_nets_out() -> None:
    found = of(
        played("no_memory", "1111 0000"),
        played("product", "0111 1000"),
        played("ceiling", "1101 1111"),
    ).as_json()["arms"]
    assert found["product"]["negative_transfer"] == 0.125
    assert found["product"]["regret"] == 3 + 1 - 1
    assert found["ceiling"]["regret"] == 0


def test_the_share_of_the_gap_closed_is_null_where_there_is_no_gap() -> None:
    arms = (last_right("cosine", 4), last_right("product", 7), last_right("ceiling", 8))
    found = of(*arms, last_right("no_memory", 6), last_right("own_ceiling", 6))
    assert found.ceiling_gap_closed == 0.75
    assert found.own_ceiling_gap_closed is None
    assert mark(found, "gap from cosine to ceiling closed").state == "passed"


def test_a_curve_has_sixteen_equal_parts_averaged_over_seeds() -> None:
    first, second = played("product", "01" * 16), played("product", "11" * 8 + "00" * 8, seed=1)
    assert of(first, second).as_json()["arms"]["product"]["curve"] == [0.75] * 8 + [0.25] * 8


def test_a_stream_of_fewer_events_than_parts_has_a_part_an_event() -> None:
    assert of(played("product", "101")).as_json()["arms"]["product"]["curve"] == [1, 0, 1]


def test_only_what_the_product_recalled_is_timed() -> None:
    found = of(
        played("product", "1111 1111", recall_ms=[1.0, 2.0]),
        played("product", "1111 1111", seed=1, recall_ms=[3.0]),
        played("product+noise", "1111 1111", recall_ms=[99.0]),
    ).as_json()
    assert found["recall"] == {"p50_ms": 2.0, "p99_ms": pytest.approx(2.98)}


def beside(*drifted: Played) -> Report:
    """Each beside a `no_memory+drift` that is always wrong."""
    return of(*drifted, *(played("no_memory+drift", "0" * 800, seed=one.seed) for one in drifted))


def test_recovery_is_counted_to_where_half_of_the_loss_is_made_good() -> None:
    assert beside(drifting(100)).as_json()["recovery"] == {"product+drift": 150}
    assert beside(drifting(50)).as_json()["recovery"] == {"product+drift": 125}


def test_what_lost_nothing_has_recovered_at_once_and_what_stays_down_never_does() -> None:
    assert beside(drifting(0)).as_json()["recovery"] == {"product+drift": 0}
    assert beside(drifting(100, before="0")).as_json()["recovery"] == {"product+drift": 0}
    found = beside(drifting(400))
    assert found.as_json()["recovery"] == {"product+drift": None}
    missed = mark(found, "recovery of product+drift")
    assert (missed.state, missed.measured) == ("failed", None)


def test_recovery_is_of_the_mean_over_seeds() -> None:
    found = beside(drifting(100), drifting(400, seed=1), drifting(200, seed=2))
    assert found.as_json()["recovery"] == {"product+drift": 250}
    assert mark(found, "recovery of product+drift").state == "passed"


def test_what_no_memory_loses_too_is_not_lost_by_memory() -> None:
    twin = played("no_memory+drift", "0" * 400 + "0" * 100 + "1" * 300)
    found = of(played("product+drift", "1" * 400 + "0" * 100 + "1" * 300), twin)
    assert found.as_json()["recovery"] == {"product+drift": None}
    alike = of(drifting(100), played("no_memory+drift", "1" * 400 + "0" * 100 + "1" * 300))
    assert alike.as_json()["recovery"] == {"product+drift": 0}
    assert of(drifting(100)).as_json()["recovery"] == {}


def test_where_memory_was_switched_off_is_counted_over_seeds() -> None:
    off = [
        replace(played("placebo_controlled", "1111 1111", seed=seed), switched_off_at=at)
        for seed, at in ((0, 3), (1, 5))
    ]
    found = of(*off, played("controlled", "1111 1111"))
    assert found.as_json()["switched_off"] == {
        "controlled": {"seeds": 0, "of": 1, "event": None},
        "placebo_controlled": {"seeds": 2, "of": 2, "event": 4.0},
    }
    assert mark(found, "seeds with the placebo switched off").state == "passed"
    assert mark(found, "seeds with the product switched off").state == "passed"
    once = of(*off, played("placebo_controlled", "1111 1111", seed=2))
    assert mark(once, "seeds with the placebo switched off").state == "failed"


def test_a_mark_is_met_at_its_bound() -> None:
    found = of(last_right("cosine", 4), last_right("product", 7))
    assert mark(found, "product over cosine") == Mark(
        name="product over cosine", wanted="at least 15 points", state="passed", measured=15
    )
    assert mark(of(last_right("cosine", 5), last_right("product", 7)), "product over cosine").state == "failed"


def test_the_product_must_be_above_its_rivals_beyond_chance() -> None:
    rivals = [last_right("cache", 3, seed=0), last_right("cache", 3, seed=1)]
    same = of(*rivals, last_right("product", 3), last_right("product", 3, seed=1))
    assert mark(same, "product over cache, lower bound").state == "failed"
    above = of(*rivals, last_right("product", 4), last_right("product", 4, seed=1))
    assert mark(above, "product over cache, lower bound").state == "passed"


@pytest.mark.parametrize(("right", "state"), [(48, "failed"), (49, "passed"), (51, "passed"), (52, "failed")])
def test_amnesia_may_differ_by_a_point_either_way(right: int, state: str) -> None:
    found = mark(
        of(last_right("no_memory", 50, last=100), last_right("amnesia", right, last=100)), "amnesia over no_memory"
    )
    assert (found.state, found.measured, found.wanted) == (state, right - 50, "within 1 point of 0")


def test_poison_may_cost_the_product_a_point() -> None:
    hurt = of(last_right("product", 6), last_right("product+poison", 5))
    assert mark(hurt, "product over product+poison").state == "failed"
    helped = of(last_right("product", 5), last_right("product+poison", 6))
    assert mark(helped, "product over product+poison").state == "passed"


def test_marks_of_arms_that_were_not_played_are_skipped_and_none_is_left_out() -> None:
    found = of(last_right("successes", 5))
    assert [one.state for one in found.marks] == ["skipped"] * 16
    assert mark(found, "product+delay over no_memory+delay").why == "an arm was not played"


def test_the_json_has_these_keys_and_no_infinity() -> None:
    found = of(drifting(400), *(played(arm, "1" * 800) for arm in ("cosine", "no_memory", "product"))).as_json()
    assert list(found) == [
        "seeds",
        "events",
        "tools",
        "arms",
        "ceiling_gap_closed",
        "own_ceiling_gap_closed",
        "recall",
        "recovery",
        "switched_off",
        "seconds",
        "marks",
    ]
    assert json.loads(json.dumps(found, allow_nan=False)) == found


def test_streams_that_do_not_belong_together_are_refused() -> None:
    with pytest.raises(ValueError, match="'product' on seed 0 has 3 events; a stream has 8"):
        of(played("cosine", "1111 1111"), played("product", "111"))
    with pytest.raises(ValueError, match="'cosine' was played twice on seed 0"):
        of(played("cosine", "1111 1111"), played("cosine", "1111 1111"))
