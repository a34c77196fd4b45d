"""What Now says of figures, small charts and of tools, workers, model and memory, as data: no browser."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from agent.operating.system import System
from agent.operating.trends import Trend
from agent.store.system import MemorySeen, ModelSeen
from agent.store.trends import Slot
from agent.store.workers import Seen, Worker
from api.console.system_words import told
from api.console.today import figures
from api.console.trend import HEIGHT, WIDTH, Series, against, bars

NOW = datetime(2026, 11, 26, 12, tzinfo=UTC)
HOSTILE = "<img src=x onerror=alert(1)>\x1b[31m\u202e"
WORKER = Seen(
    worker=Worker(id="w", kind="serve", host="vm", process=7, memory="/data/index"),
    started_at=NOW - timedelta(hours=3),
    lease_until=NOW + timedelta(seconds=9),
    live=True,
    running=2,
)


def tool(name: str, breaker: dict[str, Any] | None = None) -> dict[str, Any]:
    return {"name": name, "breaker": breaker}


def system(**changes: Any) -> System:
    """Where all is well."""
    made = System(
        now=NOW,
        tools=(tool("mail"), tool("pay")),
        pauses=(),
        workers=(WORKER,),
        decided_by="planner",
        model=None,
        uses_memory=True,
        memory=MemorySeen(episodes=1_200, waiting=0),
        off=(),
        open_runs={"waiting": 3, "running": 1, "queued": 4},
        problems={},
    )
    return replace(made, **changes)


def says(**changes: Any) -> dict[str, list[tuple[str, str, str]]]:
    """By part: word, what is said, and where it leads."""
    found: dict[str, list[tuple[str, str, str]]] = {}
    for one in told(system(**changes)):
        found.setdefault(one.part, []).append((one.word, f"{one.says} {one.more}".strip(), one.address or ""))
    return found


def test_where_all_is_well_each_part_says_so_in_a_line() -> None:
    assert says() == {
        "Tools": [("well", "2 tools are called as usual.", "/console/portfolio")],
        "Workers": [("alive", "serve on vm, process 7 2 runs at work; started 3 h ago", "")],
        "Decisions": [("built in", "The Planner decides; no chat model is asked.", "")],
        "Memory": [("on", "1,200 episodes. index in /data/index", "/console/memory")],
    }


def test_a_breaker_and_pauses_say_why_and_lead_to_where_they_end() -> None:
    breaker = {"state": "open", "failures": 8, "error": "HTTP 500", "tried_again_at": "2026-11-26T12:00:30Z"}
    pauses = (
        {"scope": "tool", "name": "pay", "by": "olga", "reason": HOSTILE, "since": "2026-11-26T11:55:00Z"},
        {"scope": "all", "name": None, "by": "olga", "reason": None, "since": "2026-11-26T11:58:00Z"},
    )
    found = says(tools=(tool("mail", breaker), tool("pay")), pauses=pauses)["Tools"]
    assert [(word, address) for word, _, address in found] == [
        ("paused", "/console/portfolio/tools/pay"),
        ("paused", "/console/inbox?pause=all"),
        ("left alone", "/console/portfolio/tools/mail"),
    ]
    assert "by olga, 5 min ago: <img" in found[0][1]
    assert "\x1b" not in found[0][1]
    assert found[2][1] == "mail the last 8 calls failed (HTTP 500); it is tried again in 30 s"


def test_a_worker_whose_lease_ran_out_and_a_failing_dispatcher_are_told() -> None:
    gone = replace(WORKER, live=False, lease_until=NOW - timedelta(minutes=2))
    found = says(workers=(WORKER, gone), problems={"dispatcher": "no disk", "tools.0": "crm: document of 1"})
    assert [word for word, _, _ in found["Workers"]] == ["failing", "alive", "gone"]
    assert "not heard of since 2 min ago" in found["Workers"][2][1]
    assert found["Tools"][0][0] == "old"
    assert says(workers=())["Workers"][0][0] == "none"


@pytest.mark.parametrize(
    ("answered", "failed", "word", "text"),
    [
        (None, None, "not asked", "gpt has not answered lately"),
        (5, None, "well", "gpt answered 5 min ago"),
        (5, 9, "well", "gpt answered 5 min ago"),
        (9, 5, "failing", "gpt failed 5 min ago: no answer; answered 9 min ago"),
        (None, 5, "failing", "gpt failed 5 min ago: no answer; has not answered lately"),
    ],
)
def test_the_model_is_well_if_it_answered_after_it_failed(
    answered: int | None, failed: int | None, word: str, text: str
) -> None:
    def ago(minutes: int | None) -> datetime | None:
        return None if minutes is None else NOW - timedelta(minutes=minutes)

    seen = ModelSeen(
        answered_at=ago(answered), failed_at=ago(failed), failed_run="01RUN" if failed else None, says="no answer"
    )
    assert says(decided_by="gpt", model=seen)["Decisions"][0][:2] == (word, text)


def test_memory_tells_what_is_off_and_what_waits() -> None:
    off = ({"type": "order", "by": "segue", "reason": "harm", "since": "2026-11-26T11:00:00Z"},)
    found = says(off=off, memory=MemorySeen(episodes=1, waiting=1))["Memory"]
    assert found[0][:2] == ("off", "Not used for order by segue, 1 h ago: harm")
    assert found[1][1].startswith("1 episode, of which 1 wait to be indexed.")
    assert says(uses_memory=False)["Memory"][0][0] == "off"
    assert says(problems={"memory": "the index is gone"})["Memory"] == [
        ("failing", "the index is gone", "/console/memory")
    ]


def trend(today: Slot, yesterday: Slot = Slot()) -> Trend:  # noqa: B008  it is frozen
    slots = {NOW - timedelta(hours=2): today, NOW - timedelta(hours=26): yesterday}
    return Trend(now=NOW, slots=slots)


def test_figures_name_what_the_planner_and_the_reflex_spared() -> None:
    today = Slot(events=40, done=30, alone=28, bad=2, planned=55, judged=2, rewards=1.5)
    found = {one.what: one for one in figures(trend(today, Slot(events=32)), system(), "hours")}
    assert found["Events today"].more == "25 % more than yesterday by this time"
    assert (found["Finished without a person"].figure, found["Finished without a person"].note) == (
        "28",
        "70 % of today's",
    )
    assert (found["Going on"].figure, found["Going on"].note) == ("5", "1 running, 4 queued")
    assert found["Model calls"].note == "55 decisions by the Planner, which asks none"
    assert "Model calls saved" not in found
    assert found["Reward"].figure == "0.75"
    seen = ModelSeen(answered_at=NOW, failed_at=None, failed_run=None, says=None)
    asked = Slot(asked=10, tokens=9_000, spared=4, tokens_spared=3_100)
    model = {one.what: one for one in figures(trend(asked), system(decided_by="gpt", model=seen), "days")}
    assert (model["Model calls"].figure, model["Model calls"].note) == ("10", "9,000 tokens today")
    assert (model["Model calls saved"].figure, model["Model calls saved"].note) == (
        "4",
        "by the reflex; 3,100 tokens spared",
    )


@pytest.mark.parametrize(
    ("now", "before", "text"),
    [
        (0, 0, ""),
        (3, 0, "none yesterday by this time"),
        (7, 7, "as many as yesterday by this time"),
        (7, 3, "3 yesterday by this time"),
        (112, 100, "12 % more than yesterday by this time"),
        (50, 100, "50 % fewer than yesterday by this time"),
        (1_001, 1_000, "about as many as yesterday by this time"),
        (5_000, 10, "10 yesterday by this time"),
    ],
)
def test_today_is_told_against_yesterday(now: float, before: float, text: str) -> None:
    assert against(now, before) == text


def series(*values: float | None, **changes: Any) -> Series:
    begins = tuple(NOW + timedelta(hours=index) for index in range(len(values)))
    return replace(Series(what="Events", span="hours", begins=begins, values=values), **changes)


def test_a_small_chart_says_in_words_what_it_draws() -> None:
    assert series(1, None, 4, 2).words == (
        "Events for each hour of the last 24: most 4 at 14:00 UTC. Oldest first: 1, -, 4, 2."
    )
    assert series(0, None).words == "Events for each hour of the last 24: none."


def test_bars_stay_inside_the_chart_whatever_the_numbers_are() -> None:
    over, going = bars(series(1.0, 0.0, None, 1e12, float(10), -3.0, most=10.0))
    assert over.count("M") == 3
    assert going == ""
    assert f"v{HEIGHT:.1f}" in over
    lefts = [float(part.split(" ")[0]) for part in over.split("M")[1:]]
    assert all(0 <= left <= WIDTH for left in lefts)
    assert bars(series()) == ("", "")
    assert bars(series(0, 5))[1].startswith("M")
