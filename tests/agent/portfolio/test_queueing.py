"""How runs of an event type wait, read from the portfolio."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from agent.portfolio.load import load_portfolio
from agent.portfolio.model import Debounce, Queueing, Rate
from tests.agent.portfolio.files import EVENT, mistakes_of, with_change, write


def queueing(folder: Path, queue: dict[str, Any]) -> Queueing:
    """The queueing of the one event type, with this under `queue`."""
    portfolio = load_portfolio([write(folder, with_change((*EVENT, "queue"), queue))], {})
    return portfolio.events[EVENT[1]].queueing


def test_an_event_type_without_a_queue_waits_by_the_defaults(tmp_path: Path) -> None:
    assert queueing(tmp_path, {}) == Queueing()


def test_everything_a_queue_may_say_becomes_the_model(tmp_path: Path) -> None:
    said = {
        "priority": -3,
        "ttl": "2h",
        "debounce": {"quiet": "10s", "longest": "2m"},
        "concurrency": 4,
        "rate": "100/1m",
        "attempts": 5,
    }
    assert queueing(tmp_path, said) == Queueing(
        priority=-3,
        ttl_s=7_200.0,
        debounce=Debounce(quiet_s=10.0, longest_s=120.0),
        concurrency=4,
        rate=Rate(starts=100, per_s=60.0),
        attempts=5,
    )


def test_a_delay_may_stand_with_a_longer_time_to_live(tmp_path: Path) -> None:
    assert queueing(tmp_path, {"delay": "5m", "ttl": "5.1m"}) == Queueing(delay_s=300.0, ttl_s=306.0)


def test_a_window_may_be_as_long_as_its_quiet_period(tmp_path: Path) -> None:
    found = queueing(tmp_path, {"debounce": {"quiet": "0.5s", "longest": "0.5s"}})
    assert found.debounce == Debounce(quiet_s=0.5, longest_s=0.5)


@pytest.mark.parametrize(("text", "rate"), [("5/1s", (5, 1.0)), ("1/0.5h", (1, 1800.0)), (" 7 / 2 m ", (7, 120.0))])
def test_a_rate_is_a_number_and_a_duration(tmp_path: Path, text: str, rate: tuple[int, float]) -> None:
    assert queueing(tmp_path, {"rate": text}).rate == Rate(starts=rate[0], per_s=rate[1])


def test_all_that_is_wrong_with_a_queue_is_reported_at_once(tmp_path: Path) -> None:
    wrong = {"debounce": {"quiet": "10s", "longest": "9s"}, "delay": "5m", "ttl": "1s"}
    found = [mistake.path for mistake in mistakes_of(write(tmp_path, with_change((*EVENT, "queue"), wrong)))]
    at = 'events["room.leak.reported"].queue'
    assert sorted(found) == [f"{at}.debounce.longest", f"{at}.delay", f"{at}.ttl", f"{at}.ttl"]
