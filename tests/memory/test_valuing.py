"""Off-policy values on a bandit whose truth is known."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from memory.valuing import POLICIES, Choice, Estimate, Rival, ValuingError, by_prior, greedy, uniform, value

WORTH = {"north": {"a": 0.9, "b": 0.2, "c": 0.1}, "south": {"a": 0.3, "b": 0.8, "c": 0.2}}
SCORES = {"north": {"a": 0.8, "b": 0.3, "c": 0.2}, "south": {"a": 0.4, "b": 0.7, "c": 0.3}}
"""What the log expected: near the truth, not equal to it."""
PRIORS = {"a": 0.5, "b": 0.3, "c": 0.2}
TRUTH = {
    "greedy": (0.9 + 0.8) / 2,
    "prior": (0.9 + 0.3) / 2,
    "uniform": (0.9 + 0.2 + 0.1 + 0.3 + 0.8 + 0.2) / 6,
}


def logged(seed: int, count: int = 400, explore: float = 0.4) -> list[Choice]:
    """Choices by score, with exploration, half of them in each region."""
    luck = np.random.default_rng(seed)
    made = []
    for _ in range(count):
        region = "north" if luck.random() < 0.5 else "south"
        ordered = sorted(PRIORS, key=lambda action: -SCORES[region][action])
        rivals = tuple(
            Rival(
                action=action,
                propensity=1 - explore if place == 0 else explore / 2,
                prior=PRIORS[action],
                score=SCORES[region][action],
            )
            for place, action in enumerate(ordered)
        )
        taken = ordered[int(np.searchsorted(np.cumsum([rival.propensity for rival in rivals]), luck.random()))]
        reward = float(luck.random() < WORTH[region][taken])
        made.append(Choice(rivals=rivals, taken=taken, reward=reward))
    return made


@pytest.mark.parametrize("policy", ["greedy", "prior", "uniform"])
def test_every_estimate_is_right_on_average_and_its_interval_holds_the_truth(policy: str) -> None:
    found = [value(logged(seed), POLICIES[policy]) for seed in range(100)]  # type: ignore[index]
    for estimates in (
        [one.ips for one in found],
        [one.snips for one in found],
        [one.doubly_robust for one in found],
    ):
        means = np.array([one.value for one in estimates])
        assert abs(means.mean() - TRUTH[policy]) < 4 * means.std() / math.sqrt(len(means))
        covered = np.mean([one.low <= TRUTH[policy] <= one.high for one in estimates])
        assert 0.88 <= covered <= 1.0


def test_a_reward_model_and_normalising_take_variance_away() -> None:
    found = [value(logged(seed), by_prior) for seed in range(100)]

    def variance(estimates: Sequence[Estimate]) -> float:
        return float(np.var([one.value for one in estimates]))

    plain = variance([one.ips for one in found])
    assert variance([one.doubly_robust for one in found]) < 0.8 * plain
    assert variance([one.snips for one in found]) < plain


def test_a_wrong_reward_model_does_not_bias_the_doubly_robust_estimate() -> None:
    def spoilt(choice: Choice) -> Choice:
        return replace(choice, rivals=tuple(replace(one, score=1 - one.score) for one in choice.rivals))

    means = [value([spoilt(one) for one in logged(seed)], uniform).doubly_robust.value for seed in range(100)]
    assert abs(np.mean(means) - TRUTH["uniform"]) < 4 * np.std(means) / math.sqrt(len(means))


def test_the_logged_policy_itself_is_worth_the_mean_of_its_rewards() -> None:
    choices = logged(1)
    found = value(choices, lambda rivals: {one.action: one.propensity for one in rivals})
    mean = np.mean([one.reward for one in choices])
    assert found.effective == pytest.approx(len(choices))
    assert found.ips.value == pytest.approx(mean)
    assert found.snips.value == pytest.approx(mean)


def test_what_the_log_never_takes_cannot_be_valued() -> None:
    with pytest.raises(ValuingError, match="its propensity is 0"):
        value(logged(1, explore=0.0), uniform)
    assert value(logged(1, explore=0.0), greedy).effective == pytest.approx(400)


def test_few_choices_are_refused() -> None:
    with pytest.raises(ValuingError, match="There are 99 logged choices with an outcome; below 100"):
        value(logged(1, count=99), greedy)
    assert value(logged(1, count=100), greedy).choices == 100


def test_many_choices_that_say_little_of_the_policy_are_refused() -> None:
    with pytest.raises(ValuingError, match=r"count for \d+, since they hardly take what the policy would"):
        value(logged(1, count=300, explore=0.02), uniform)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"taken": "d"}, "'d' was taken and is none of 'a', 'b', 'c'"),
        ({"reward": 1.5}, "is 1.5. Use a number from 0 to 1"),
        ({"reward": math.nan}, "is nan. Use a number from 0 to 1"),
        ({"rivals": logged(1)[0].rivals[:2]}, "do not sum to 1"),
    ],
)
def test_a_choice_that_cannot_have_been_is_refused(change: dict[str, object], said: str) -> None:
    north = next(one for one in logged(1) if one.rivals[0].action == "a")
    bad = replace(north, **{"taken": "a", **change})  # type: ignore[arg-type]
    with pytest.raises(ValuingError, match=said):
        value([*logged(1), bad], uniform)


def test_equal_priors_share_and_the_first_of_equal_scores_is_taken() -> None:
    rivals = [Rival(action=name, propensity=0.5, prior=0.5, score=0.5) for name in ("x", "y")]
    assert by_prior(rivals) == {"x": 0.5, "y": 0.5}
    assert greedy(rivals) == {"x": 1.0}
