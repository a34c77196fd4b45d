"""The formula: what counts as evidence, how much, and what it does to a score."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta

import hypothesis
import pytest
from hypothesis import given
from hypothesis import strategies as st

from memory.likeness import agree
from memory.scoring import Neighbour, evidence, prior, score
from memory.settings import Settings
from memory.types import ActionEvidence, Episode, Feature
from tests.memory.episodes import NOW, episode

SETTINGS = Settings()
quick = hypothesis.settings(max_examples=25, deadline=None)
GOALS = {"satisfaction": 2.0, "cost": 1.0}

shares = st.floats(0, 1)
scalars: st.SearchStrategy[Feature] = st.one_of(
    st.sampled_from(["gold", "basic"]), st.booleans(), st.integers(), st.floats(), st.just(10**400)
)
features = st.dictionaries(st.sampled_from("abc"), scalars)


@st.composite
def neighbours(draw: st.DrawFn) -> Neighbour:
    actions = draw(st.lists(st.sampled_from(["pause", "call", "refund"]), max_size=3))
    made = episode(
        f"e{draw(st.integers(0, 60))}",
        *actions,
        rewards=draw(st.dictionaries(st.sampled_from(["satisfaction", "cost", "other"]), shares)),
        features=draw(features),
        source=draw(st.sampled_from(["chatbot", "desk"])),
        decided_by=draw(st.sampled_from(["planner", "operator"])),
        declined=draw(st.lists(st.sampled_from(["refund", "block"]), max_size=1)),
        age_days=draw(st.floats(-1, 1000)),
        trust=draw(shares),
    )
    return Neighbour(episode=made, similarity=draw(st.floats(-1, 1)))


def _evidence(
    *found: Neighbour,
    features: Mapping[str, Feature] | None = None,
    goals: Mapping[str, float] = GOALS,
    settings: Settings = SETTINGS,
) -> Mapping[str, ActionEvidence]:
    return evidence(found, features=features or {}, goals=goals, now=NOW, settings=settings)


def _near(one: Episode, similarity: float = 1.0) -> Neighbour:
    return Neighbour(episode=one, similarity=similarity)


@quick
@given(st.lists(neighbours(), max_size=20), features, shares)
def test_a_score_is_a_share_whatever_memory_holds(found: list[Neighbour], f: dict[str, Feature], p: float) -> None:
    for said in _evidence(*found, features=f).values():
        assert said.success >= 0
        assert said.failure >= 0
        assert 0 <= score(p, said, SETTINGS) <= 1
        assert said.episodes


@quick
@given(st.lists(neighbours(), max_size=20))
def test_no_source_gives_an_action_more_than_its_cap(found: list[Neighbour]) -> None:
    for said in _evidence(*found).values():
        assert said.success + said.failure <= 2 * SETTINGS.source_cap * (1 + 1e-9)
    one_source = [replace(one, episode=replace(one.episode, source="one")) for one in found]
    for said in _evidence(*one_source).values():
        assert said.success + said.failure <= SETTINGS.source_cap * (1 + 1e-9)


@quick
@given(st.lists(neighbours(), min_size=1, max_size=20), shares, shares, shares)
def test_more_reward_never_lowers_a_score(found: list[Neighbour], low: float, more: float, p: float) -> None:
    target = replace(found[0].episode, id="target")
    results = []
    for reward in sorted((low, more)):
        first = replace(found[0], episode=replace(target, rewards={"satisfaction": reward}))
        results.append(_evidence(first, *found[1:]))
    for action in {taken.action for taken in target.actions}:
        before, after = (score(p, said.get(action), SETTINGS) for said in results)
        assert after >= before - 1e-12


@quick
@given(st.lists(neighbours(), max_size=20), st.integers(1, 100))
def test_episodes_without_outcome_or_operators_word_do_not_matter(found: list[Neighbour], silent: int) -> None:
    quiet = [_near(episode(f"quiet{number}", "pause", "call")) for number in range(silent)]
    assert _evidence(*found, *quiet) == _evidence(*found)


@quick
@given(st.lists(neighbours(), max_size=20).flatmap(lambda found: st.tuples(st.just(found), st.permutations(found))))
def test_the_order_of_the_neighbours_does_not_matter(both: tuple[list[Neighbour], list[Neighbour]]) -> None:
    found, shuffled = ({one.episode.id: one for one in some} for some in both)
    same = {key: found[key] for key in shuffled}
    assert _evidence(*same.values()) == _evidence(*found.values())


def test_a_score_without_evidence_is_the_prior() -> None:
    assert score(0.3, None, SETTINGS) == 0.3
    assert score(0.3, ActionEvidence(action="a", success=0, failure=0, episodes=()), SETTINGS) == pytest.approx(0.3)


def test_one_outcome_in_the_same_situation_gives_the_formulas_numbers() -> None:
    said = _evidence(_near(episode("e1", "pause", rewards={"satisfaction": 0.75})))["pause"]
    assert (said.success, said.failure, said.episodes) == (3.75, 1.25, ("e1",))
    assert score(0.4, said, SETTINGS) == pytest.approx((0.4 + 3.75) / 6)


def test_weight_falls_with_distance_and_age_and_ends_at_s0() -> None:
    def weight(similarity: float, age_days: float = 0.0) -> float:
        here: dict[str, Feature] = {"tier": "gold"}
        one = episode("e1", "pause", rewards={"satisfaction": 1.0}, features=here, age_days=age_days)
        near = [Neighbour(episode=one, similarity=similarity)]
        said = evidence(near, features=here, goals={"satisfaction": 1.0}, now=NOW, settings=SETTINGS)
        return said["pause"].success if said else 0.0

    assert weight(1.0) == SETTINGS.weight
    assert weight(1 - SETTINGS.h) == pytest.approx(SETTINGS.weight / math.e)
    assert weight(1.0, SETTINGS.half_life_days) == pytest.approx(SETTINGS.weight / 2)
    assert weight(1.0, -5) == SETTINGS.weight
    assert weight(SETTINGS.s0) > 0
    assert weight(SETTINGS.s0 - 0.001) == 0
    assert weight(math.nan) == 0


def test_rewards_are_combined_by_the_goals_of_today() -> None:
    mixed = _near(episode("e1", "refund", rewards={"satisfaction": 1.0, "cost": 0.0}))
    happy, thrifty = (
        _evidence(mixed, goals={"satisfaction": 1, "cost": 0})["refund"],
        _evidence(mixed, goals={"cost": 3}),
    )
    assert (happy.success, happy.failure) == (5, 0)
    assert (thrifty["refund"].success, thrifty["refund"].failure) == (0, 5)
    assert _evidence(mixed, goals={"safety": 1}) == {}


def test_a_goal_without_a_reward_is_not_a_failure() -> None:
    said = _evidence(_near(episode("e1", "pause", rewards={"cost": 1.0})))["pause"]
    assert (said.success, said.failure) == (5, 0)


def test_an_operators_yes_and_no_count_modestly_until_an_outcome_comes() -> None:
    waiting = episode("e1", "call", decided_by="operator", declined=["refund"])
    said = _evidence(_near(waiting))
    assert (said["call"].success, said["call"].failure) == (2.5, 0)
    assert (said["refund"].success, said["refund"].failure) == (0, 2.5)

    known = replace(waiting, rewards={"satisfaction": 0.0})
    said = _evidence(_near(known))
    assert (said["call"].success, said["call"].failure) == (0, 5)
    assert (said["refund"].success, said["refund"].failure) == (0, 2.5)


def test_an_action_declined_and_then_taken_is_judged_by_its_outcome() -> None:
    said = _evidence(_near(episode("e1", "refund", declined=["refund"], rewards={"satisfaction": 1.0})))
    assert (said["refund"].success, said["refund"].failure) == (5, 0)


def test_an_action_taken_twice_in_a_run_counts_once() -> None:
    said = _evidence(_near(episode("e1", "call", "call", rewards={"satisfaction": 1.0})))
    assert said["call"].success == 5
    assert said["call"].episodes == ("e1",)


def test_only_the_k_weightiest_speak_and_silent_ones_do_not_use_up_places() -> None:
    few = replace(SETTINGS, k=2, source_cap=1000.0)
    silent = [_near(episode(f"silent{number}", "call")) for number in range(50)]
    graded = [_near(episode(f"e{age}", "call", rewards={"satisfaction": 1.0}, age_days=age)) for age in (3, 2, 1)]
    assert _evidence(*silent, *graded, settings=few)["call"].episodes == ("e1", "e2")


def test_the_cap_keeps_the_proportion_of_success_and_failure() -> None:
    found = [_near(episode(f"e{n:02}", "call", rewards={"satisfaction": 1.0 if n < 9 else 0.0})) for n in range(12)]
    said = _evidence(*found)["call"]
    assert said.success + said.failure == pytest.approx(SETTINGS.source_cap)
    assert said.success == pytest.approx(3 * said.failure)


def _flood_and_desk(desk: int) -> ActionEvidence:
    flood = [_near(episode(f"f{n:02}", "call", rewards={"satisfaction": 1.0})) for n in range(20)]
    said = [_near(episode(f"d{n:02}", "call", rewards={"satisfaction": 0.0}, source="desk")) for n in range(desk)]
    return _evidence(*flood, *said, settings=replace(SETTINGS, k=100))["call"]


def test_a_second_source_can_answer_a_flood_from_the_first() -> None:
    said = _flood_and_desk(10)
    assert said.failure == pytest.approx(said.success)


def test_a_source_of_few_episodes_weighs_little_beside_one_of_many() -> None:
    few, alone = (
        _flood_and_desk(1),
        _evidence(_near(episode("d", "call", rewards={"satisfaction": 0.0}, source="desk"))),
    )
    assert few.failure == pytest.approx(0.1 * alone["call"].failure)


def test_many_sources_of_few_episodes_each_all_weigh_in_full() -> None:
    found = [_near(episode(f"e{n}", "call", rewards={"satisfaction": 1.0}, source=f"machine-{n}")) for n in range(5)]
    assert _evidence(*found)["call"].success == pytest.approx(5 * _evidence(found[0])["call"].success)


def test_an_untrusted_episode_says_nothing() -> None:
    assert _evidence(_near(episode("e1", "call", rewards={"satisfaction": 1.0}, trust=0))) == {}


@quick
@given(features, features)
def test_agreement_is_symmetric_and_a_share(f: dict[str, Feature], g: dict[str, Feature]) -> None:
    assert 0 < agree(f, g) <= 1
    assert agree(f, g) == agree(g, f)


def test_agreement_tells_categories_apart_and_is_gentle_with_numbers() -> None:
    assert agree({"tier": "gold"}, {"tier": "gold"}) == 1
    assert agree({"tier": "gold"}, {"tier": "basic"}) == 0.15
    assert agree({"vip": True}, {"vip": 1}) == 0.15
    assert agree({"a": "x", "b": "x"}, {"a": "y", "b": "y"}) == pytest.approx(0.15**2)
    assert agree({"hours": 10}, {"hours": 10.0}) == 1
    assert agree({"hours": 10}, {"hours": 9}) > 0.8 > agree({"hours": 10}, {"hours": 5}) > 0.15
    assert agree({"change": -3}, {"change": 3}) == 0.15
    assert agree({"tier": "gold"}, {"hours": 5}) == 1
    assert agree({"hours": math.nan, "n": 10**400}, {"hours": 5, "n": 1}) == 1


@quick
@given(st.dictionaries(st.sampled_from("abcdefgh"), st.floats(-1, 1)), st.floats(0.01, 10))
def test_a_prior_sums_to_one_and_keeps_the_order(cosines: dict[str, float], temperature: float) -> None:
    p = prior(cosines, temperature)
    assert p.keys() == cosines.keys()
    if cosines:
        assert math.fsum(p.values()) == pytest.approx(1)
        assert p[max(cosines, key=lambda name: cosines[name])] == max(p.values())


def test_bad_numbers_are_refused_with_what_would_be_right() -> None:
    with pytest.raises(ValueError, match="weight of goal 'cost' is -1"):
        _evidence(goals={"cost": -1})
    with pytest.raises(ValueError, match="prior is nan"):
        score(math.nan, None, SETTINGS)
    with pytest.raises(ValueError, match="similarity of action 'call' is nan"):
        prior({"call": math.nan}, 0.1)
    with pytest.raises(ValueError, match="temperature"):
        prior({"call": 0.5}, 0)


@pytest.mark.parametrize(
    "wrong", [{"kappa": 0.0}, {"h": math.nan}, {"k": 0}, {"s0": 1.5}, {"mismatch": -0.1}, {"source_cap": math.inf}]
)
def test_settings_out_of_range_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=f"memory settings: {next(iter(wrong))} is"):
        Settings(**wrong)  # type: ignore[arg-type]


def test_an_outcome_of_the_future_counts_as_of_now() -> None:
    ahead = replace(episode("e1", "call", rewards={"satisfaction": 1.0}), closed_at=NOW + timedelta(hours=1))
    assert _evidence(_near(ahead))["call"].success == 5
