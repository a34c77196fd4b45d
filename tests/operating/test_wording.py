"""Times, amounts and text from outside, as operators read them."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest

from agent.operating.cases import Endings
from agent.operating.wording import exact, listed, said, share, small, span, values, when
from tools.types import JsonObject

NOW = datetime(2026, 11, 26, 14, 15, tzinfo=UTC)


@pytest.mark.parametrize(
    ("before", "told"),
    [
        (timedelta(seconds=5), "5 s ago, 14:14 UTC"),
        (timedelta(minutes=12), "12 min ago, 14:03 UTC"),
        (timedelta(hours=3), "3 h ago, 11:15 UTC"),
        (timedelta(hours=30), "30 h ago, 25 Nov 08:15 UTC"),
        (timedelta(days=3), "3 days ago, 23 Nov 14:15 UTC"),
        (timedelta(days=400), "400 days ago, 22 Oct 2025 14:15 UTC"),
        (timedelta(minutes=-9), "in 9 min, 14:24 UTC"),
    ],
)
def test_a_moment_is_told_relative_and_absolute(before: timedelta, told: str) -> None:
    assert when(NOW - before, NOW) == told
    assert when((NOW - before).isoformat().replace("+00:00", "Z"), NOW) == told


def test_a_time_is_told_by_its_ends() -> None:
    assert span(NOW - timedelta(days=7), None, NOW) == "since 19 Nov 14:15 UTC"
    assert span(None, NOW, NOW) == "until 14:15 UTC"
    assert span(None, None, NOW) == "at any time"


def test_shares_come_with_counts_and_lists_read_as_sentences() -> None:
    assert (share(3, 12, "calls"), share(0, 0)) == ("3 of 12 calls (25 %)", "0 of 0")
    assert (listed([]), listed(["a"]), listed(["a", "b", "c"])) == ("", "a", "a, b and c")
    told = [Endings(good=good, bad=bad, open=left).words() for good, bad, left in ((3, 1, 0), (0, 1, 1), (0, 0, 2))]
    assert told == [
        "3 ended well and 1 badly",
        "1 ended badly and 1 has no outcome yet",
        "2 have no outcome yet",
    ]


def test_words_from_outside_stay_within_their_quotes_on_one_line() -> None:
    assert said('a "b"\n\x1b[31mc') == "\"a 'b'  [31mc\""
    assert len(said("x" * 100_000)) == 202
    assert values("x" * 100_000, 50).endswith('…"')
    assert values({"a": "x\x00\u202ey", "b": [1, 2.0]}) == '{"a": "x  y", "b": [1, 2.0]}'


def test_what_is_confirmed_is_shown_as_it_is_and_its_hidden_characters_too() -> None:
    arguments: JsonObject = {"a": "x\u202ey\x07", "amount": 12.34567891, "b": "\U000e0041"}
    assert json.loads(exact(arguments)) == arguments
    assert exact(arguments).isprintable()
    assert exact({"a": "x" * 5_000}).endswith("… (5009 characters in all)")


def test_data_for_a_model_is_bounded_in_every_direction() -> None:
    deep: object = "x" * 100_000
    for _ in range(50):
        deep = {"a": deep}
    found = small({"deep": deep, "wide": {str(index): index for index in range(1_000)}, "long": list(range(1_000))})
    assert len(json.dumps(found)) < 2_000
    assert len(found["long"]) == 20
