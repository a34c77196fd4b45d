"""Moments and quantities, as the console says them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest

from api.console.words import ago, at, moment_of, number, share, span

NOW = datetime(2026, 11, 26, 14, 3, 5, tzinfo=UTC)


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (0, "0 ms"),
        (0.2304, "230 ms"),
        (0.9996, "1 s"),
        (1, "1 s"),
        (4.24, "4.2 s"),
        (9.96, "10 s"),
        (59.4, "59 s"),
        (59.9, "1 min"),
        (60, "1 min"),
        (12 * 60 + 20, "12 min"),
        (59.7 * 60, "1 h"),
        (3 * 3600, "3 h"),
        (47 * 3600, "47 h"),
        (47.8 * 3600, "2 days"),
        (5 * 86400, "5 days"),
        (400 * 86400, "400 days"),
    ],
)
def test_a_span_has_the_unit_it_is_read_in(seconds: float, said: str) -> None:
    assert span(seconds) == said


def test_a_moment_is_told_from_now_on_and_back() -> None:
    assert ago(NOW - timedelta(seconds=4), NOW) == "just now"
    assert ago(NOW - timedelta(minutes=12), NOW) == "12 min ago"
    assert ago(NOW + timedelta(minutes=12), NOW) == "in 12 min"


def test_a_moment_is_told_in_full_whatever_its_zone() -> None:
    there = datetime(2026, 11, 26, 15, 3, 5, tzinfo=timezone(timedelta(hours=1)))
    assert at(there) == at(NOW) == "2026-11-26 14:03:05 UTC"
    assert moment_of("2026-11-26T14:03:05Z") == NOW


def test_numbers_are_in_groups_and_shares_of_nothing_are_none() -> None:
    assert (number(1234567), number(0.5), number(-3.0)) == ("1,234,567", "0.50", "-3")
    assert (share(1, 3), share(0, 5), share(0, 0)) == ("33 %", "0 %", "-")
