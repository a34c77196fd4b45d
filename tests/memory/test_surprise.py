"""How much better than expected actions did, and what that does to a prior."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import hypothesis
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from memory.likeness import Agreements, agree, column, facts
from memory.scoring import Neighbour, corrected, evidence, scores
from memory.settings import Settings
from memory.types import ActionEvidence, Feature
from tests.memory.episodes import NOW, episode

SETTINGS = Settings()
GOALS = {"satisfaction": 1.0}
quick = hypothesis.settings(max_examples=60, deadline=None)
scalars: st.SearchStrategy[Feature] = st.one_of(
    st.sampled_from(["gold", "basic"]), st.booleans(), st.integers(-3, 3), st.floats(), st.just(10**400)
)
plain: st.SearchStrategy[Feature] = st.one_of(
    st.sampled_from(["gold", "basic"]), st.booleans(), st.floats(allow_nan=False, allow_infinity=False)
)


def _vector(*angles: float) -> np.ndarray[tuple[int], np.dtype[np.float32]]:
    vector = np.zeros(384, np.float32)
    vector[: len(angles) + 1] = [math.cos(angles[0]), *(math.sin(angle) for angle in angles)]
    return vector / np.float32(np.linalg.norm(vector))


def _near(name: str, action: str, reward: float, angle: float = 0.0, **said: object) -> Neighbour:
    one = episode(name, action, rewards={"satisfaction": reward}, **said)  # type: ignore[arg-type]
    return Neighbour(episode=one, similarity=math.cos(angle), vector=_vector(angle))


def _surprise(*near: Neighbour, settings: Settings = SETTINGS, features: Mapping[str, Feature] | None = None) -> float:
    said = evidence(near, features=features or {}, goals=GOALS, now=NOW, settings=settings)
    return said["call"].surprise


def _agreements(rows: Sequence[Mapping[str, Feature]]) -> Agreements:
    """Of the first, as the situation, and the others."""
    situation, *others = map(facts, rows)
    return Agreements(situation, lambda name: column(name, others), len(others), SETTINGS.mismatch)


def _said(action: str, surprise: float) -> ActionEvidence:
    return ActionEvidence(action=action, success=0.0, failure=0.0, episodes=(), surprise=surprise)


def test_one_episode_in_the_same_situation_gives_the_formulas_number() -> None:
    # Nobody wrote down what was expected, so a half was.
    assert _surprise(_near("e1", "call", 1.0)) == pytest.approx(0.5 / (1 + SETTINGS.ridge))
    assert _surprise(_near("e1", "call", 0.0)) == pytest.approx(-0.5 / (1 + SETTINGS.ridge))


def test_a_crowd_of_like_episodes_says_one_thing_once() -> None:
    one = _surprise(_near("e1", "call", 1.0))
    many = _surprise(*(_near(f"e{number}", "call", 1.0) for number in range(50)))
    assert one < many < 0.5


def test_what_a_nearer_episode_explains_is_not_counted_again_farther_away() -> None:
    near, far = _near("e1", "call", 1.0, angle=0.3), _near("e2", "call", 1.0, angle=0.6)
    assert _surprise(near, far) < _surprise(near) + _surprise(far)


def test_an_episode_whose_vector_is_lost_counts_in_success_and_failure_only() -> None:
    one = Neighbour(episode=episode("e1", "call", rewards={"satisfaction": 1.0}), similarity=1.0)
    said = evidence([one], features={}, goals=GOALS, now=NOW, settings=SETTINGS)["call"]
    assert (said.success, said.surprise) == (SETTINGS.weight, 0.0)


def test_old_and_little_trusted_episodes_surprise_less() -> None:
    fresh = _surprise(_near("e1", "call", 1.0))
    assert 0 < _surprise(_near("e1", "call", 1.0, age_days=200.0)) < fresh
    assert 0 < _surprise(_near("e1", "call", 1.0, trust=0.3)) < fresh


def test_no_source_gives_more_than_its_pull() -> None:
    capped = Settings(source_pull=0.2)
    flood = [_near(f"e{number}", "call", 1.0) for number in range(20)]
    assert _surprise(*flood, settings=capped) == pytest.approx(0.2)
    desk = _near("d1", "call", 0.0, source="desk")
    assert _surprise(*flood, desk, settings=capped) < 0.2


def test_a_situation_with_other_features_tells_less() -> None:
    one = _near("e1", "call", 1.0, features={"tier": "gold"})
    same = _surprise(one, features={"tier": "gold"})
    other = _surprise(one, features={"tier": "basic"})
    assert other == pytest.approx(same * SETTINGS.mismatch)


@quick
@given(st.lists(st.fixed_dictionaries(dict.fromkeys("abc", plain)), min_size=1, max_size=8))
def test_many_at_once_agree_as_two_at_a_time_do_where_nothing_is_missing(rows: list[dict[str, Feature]]) -> None:
    found = _agreements(rows)
    assert found.pairs() == pytest.approx(np.array([[agree(one, other) for other in rows] for one in rows]))


@quick
@given(st.dictionaries(st.sampled_from("abc"), scalars), st.lists(st.dictionaries(st.sampled_from("abcd"), scalars)))
def test_a_situation_agrees_with_many_as_with_each(one: dict[str, Feature], rows: list[dict[str, Feature]]) -> None:
    expected = [agree(one, other) for other in rows]
    assert _agreements([one, *rows]).with_situation() == pytest.approx(np.array(expected))


@quick
@given(st.lists(st.dictionaries(st.sampled_from("abc"), scalars), min_size=1, max_size=12))
def test_no_features_make_the_regression_run_wild(rows: list[dict[str, Feature]]) -> None:
    assert np.linalg.eigvalsh(_agreements([dict.fromkeys("abc", 1), *rows]).pairs()).min() > -1e-9


def test_what_lacks_a_feature_is_no_bridge_between_those_that_differ_by_it() -> None:
    rows: list[dict[str, Feature]] = [{"n": 1}, {}, {"n": 1000}]
    near = [_near(f"e{number}", "call", 1.0, features=rows[number % 3]) for number in range(30)]
    assert abs(_surprise(*near, features={"n": 1})) <= 0.5
    assert abs(_surprise(*near, features={"n": 1000, "other": "x"})) <= 0.5


def test_an_episode_of_another_age_says_nothing_rather_than_break_the_sum() -> None:
    old = _near("e1", "call", 1.0, age_days=300_000.0)
    assert _surprise(old, _near("e2", "call", 1.0)) == pytest.approx(_surprise(_near("e2", "call", 1.0)))


@quick
@given(
    st.dictionaries(st.sampled_from("abcdef"), st.floats(0.0, 1.0), min_size=1),
    st.dictionaries(st.sampled_from("abcdefg"), st.floats(-1.0, 1.0)),
)
def test_a_corrected_prior_stays_a_share_and_sums_to_what_it_did(
    priors: dict[str, float], told: dict[str, float]
) -> None:
    known = {action: _said(action, surprise) for action, surprise in told.items()}
    moved = corrected(priors, known, SETTINGS)
    assert moved.keys() == priors.keys()
    assert all(0 <= value <= 1 for value in moved.values())
    assert sum(moved.values()) <= sum(priors.values()) + 1e-6
    if sum(priors.values()) <= 1:
        assert sum(moved.values()) == pytest.approx(sum(priors.values()))
    assert all(0 <= value <= 1 for value in scores(priors, known, SETTINGS).values())


def test_what_is_surprisingly_bad_gives_way_to_its_rivals_in_proportion_to_their_priors() -> None:
    priors = {"call": 0.5, "pause": 0.3, "refund": 0.2}
    moved = corrected(priors, {"call": _said("call", -0.4)}, SETTINGS)
    assert moved["call"] < 0.3
    assert moved["pause"] > moved["refund"] > 0.2
    assert moved["pause"] > 0.3


def test_what_is_surprisingly_good_outdoes_a_better_prior() -> None:
    priors = {"call": 0.7, "pause": 0.2, "refund": 0.1}
    moved = corrected(priors, {"refund": _said("refund", 0.9)}, Settings(gain=5.0))
    assert moved["refund"] > 0.5
    assert moved["call"] / moved["pause"] < 3.5, "the likelier rival pays more"


def test_the_success_of_one_of_equal_rivals_does_not_keep_the_other_from_being_tried() -> None:
    priors = {"order[a]": 0.5, "order[b]": 0.5}
    moved = corrected(priors, {"order[a]": _said("order[a]", 0.5)}, SETTINGS)
    assert moved["order[a]"] == pytest.approx(moved["order[b]"])
    moved = corrected(priors, {"order[a]": _said("order[a]", -0.5)}, SETTINGS)
    assert moved["order[b]"] > 0.65


def test_without_surprise_a_prior_is_left_as_it_is() -> None:
    priors = {"call": 0.6, "pause": 0.4}
    assert corrected(priors, {}, SETTINGS) == priors
    assert corrected({"call": 0.0}, {"call": _said("call", 0.5)}, SETTINGS) == {"call": 0.0}
