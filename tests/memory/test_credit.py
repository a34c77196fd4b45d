"""Which action of a run gets how much of the credit."""

from __future__ import annotations

from dataclasses import replace

import pytest

from memory.crowds import place, spoken
from memory.drift import changes
from memory.scoring import Neighbour, evidence
from memory.settings import Settings
from memory.telling import verdicts_of
from memory.types import ActionEvidence, Episode
from tests.memory.episodes import NOW, episode

SETTINGS = Settings()
GOALS = {"kept": 1.0}


def _said(one: Episode) -> dict[str, ActionEvidence]:
    found = evidence([Neighbour(episode=one, similarity=1.0)], features={}, goals=GOALS, now=NOW, settings=SETTINGS)
    return dict(found)


def _with(one: Episode, *, verified: float | None = None, done: bool = True, later: int = 0) -> Episode:
    """Its first action with this of its own."""
    first = replace(one.actions[0], verified=verified, done=done, later=later)
    return replace(one, actions=(first, *one.actions[1:]))


def test_an_action_with_a_verified_result_answers_for_that_and_the_others_for_the_run() -> None:
    run = _with(episode("e", "order", "reroute", rewards={"kept": 0.0}), verified=1.0)
    said = _said(run)
    assert said["order"].failure == 0 < said["order"].success
    assert said["reroute"].success == 0 < said["reroute"].failure


def test_a_verified_result_speaks_before_any_outcome_and_the_rest_of_the_run_stays_silent() -> None:
    said = _said(_with(episode("e", "order", "reroute"), verified=0.0, done=False))
    assert set(said) == {"order"}
    assert said["order"].success == 0 < said["order"].failure


def test_the_further_from_the_outcome_an_action_is_the_less_of_it_is_its_own() -> None:
    run = _with(episode("e", "look", "order", rewards={"kept": 0.8}), later=2)
    said = _said(run)
    weight = {name: one.success + one.failure for name, one in said.items()}
    assert weight["look"] == pytest.approx(SETTINGS.discount**2 * weight["order"])
    for one in said.values():
        assert one.success / (one.success + one.failure) == pytest.approx(0.8), "a share of the evidence, not a fine"


def test_a_verified_result_is_not_discounted() -> None:
    verdict = verdicts_of(_with(episode("e", "look"), later=3, verified=0.5), GOALS, SETTINGS)["look"]
    assert (verdict.share, verdict.reward) == (1.0, 0.5)


def test_like_episodes_with_other_results_of_their_own_are_no_crowd() -> None:
    plain = episode("a", "order", rewards={"kept": 1.0})
    assert place(plain) == place(replace(plain, id="b"))
    others = [_with(plain, verified=1.0), _with(plain, verified=0.0), _with(plain, later=1)]
    assert len({place(one) for one in [plain, *others]}) == 4


def test_a_crowd_of_verified_results_says_what_its_episodes_say_one_by_one() -> None:
    members = [_with(episode(f"e{number}", "order", age_days=number), verified=0.0) for number in range(6)]
    alone = evidence(
        [Neighbour(episode=one, similarity=0.9) for one in members],
        features={},
        goals=GOALS,
        now=NOW,
        settings=SETTINGS,
    )
    (voice,) = spoken(members, SETTINGS)
    together = evidence(
        [Neighbour(episode=voice, similarity=0.9)], features={}, goals=GOALS, now=NOW, settings=SETTINGS
    )
    assert together["order"].failure == pytest.approx(alone["order"].failure)


def test_a_change_is_looked_for_in_what_the_action_itself_did() -> None:
    def lived(verified: float | None) -> list[Episode]:
        turned = [
            episode(f"e{number:02}", "order", rewards={"kept": 0.0}, age_days=60 - number, source=f"s{number % 2}")
            for number in range(40)
        ]
        return [_with(one, verified=1.0 if number < 20 else verified) for number, one in enumerate(turned)]

    found = changes(lived(0.0), GOALS, SETTINGS)
    assert found
    assert all(one.found < 0.3 < 0.7 < one.expected for one in found)
    assert changes(lived(1.0), GOALS, SETTINGS) == ()


@pytest.mark.parametrize("discount", [-0.1, 1.1, float("nan")])
def test_a_discount_out_of_range_is_refused(discount: float) -> None:
    with pytest.raises(ValueError, match=r"discount is .* from 0 to 1"):
        Settings(discount=discount)
