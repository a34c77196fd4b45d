"""The text that says how much of a run was seen."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.seen import LONGEST, STATUSES, Seen, SeenError, Standing

RUN = "01JG0000000000000000ABCDEF"
standings = st.builds(
    Standing,
    status=st.sampled_from(sorted(STATUSES)),
    segment=st.integers(0, 999),
    attempts=st.integers(0, 99),
    held=st.booleans(),
)
calls = st.lists(st.tuples(st.integers(1, 30), st.integers(0, 20), st.integers(0, 3), st.integers(0, 2)), max_size=40)


@settings(max_examples=50)
@given(standings, calls)
def test_what_was_seen_is_read_back_from_its_text(standing: Standing, told: list[tuple[int, int, int, int]]) -> None:
    seen = Seen(standing=standing, decisions=30)
    kept: dict[tuple[int, int], tuple[int, int]] = {}
    for decision, position, effect, approval in told:
        seen = seen.with_effect(decision, position, effect).with_approval(decision, position, approval)
        kept[decision, position] = effect, approval
    again = Seen.parse(seen.text(RUN), RUN)
    assert (again.standing, again.decisions) == (standing, 30)
    assert {where: (again.effect(*where), again.approval(*where)) for where in kept} == kept
    assert again.text(RUN) == seen.text(RUN)


def test_a_long_run_has_a_short_text() -> None:
    seen = Seen(decisions=100)
    for decision in range(1, 101):
        seen = seen.with_effect(decision, 0, 2).with_effect(decision, 1, 2)
    assert len(seen.text(RUN)) < 350


@settings(max_examples=50)
@given(st.text(max_size=60) | st.from_regex(r"1-ABCDEF-[a-z]h?-[0-9-]{0,9}-[0-9a-f.]{0,20}", fullmatch=True))
def test_whatever_anybody_sends_is_read_or_refused(text: str) -> None:
    try:
        seen = Seen.parse(text, RUN)
    except SeenError:
        return
    assert Seen.parse(seen.text(RUN), RUN) == Seen.parse(seen.text(RUN), RUN)
    assert len(seen.cells) <= seen.decisions


@pytest.mark.parametrize(
    "nonsense",
    [
        "",
        "1",
        "2-ABCDEF-q-0-0-0-",
        "1-ABCDEF-x-0-0-0-",
        "1-ABCDEF-q-0-0-0-5",
        "1-ABCDEF-q-0-0-1-c",
        "1-ABCDEF-q-0-0-9999999-",
        "1-ABCDEF-q--1-0-0-",
        "1-ABCDEG-q-0-0-0-",
        "\u0661-ABCDEF-q-0-0-0-",
        "1-ABCDEF-q-0-0-0-\n",
        "1-ABCDEF-q-0-0-1-" + "5" * 257,
        "1-ABCDEF-q-0-0-999999-" + "." * LONGEST,
    ],
)
def test_nonsense_is_refused(nonsense: str) -> None:
    with pytest.raises(SeenError):
        Seen.parse(nonsense, RUN)
