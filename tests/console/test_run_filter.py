"""Filters of the page of runs: what stands in the address is what is asked for."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

import pytest

from agent.store.chat_queries import Window
from api.console.run_filter import READY, Asked, FilterError, address, in_words, read, wanted
from api.console.run_search import search
from tests.agent.company import Script, call, open_company

NOW = datetime(2026, 11, 26, 14, 30, tzinfo=UTC)
HOSTILE = "a&status=done#\"'<script>alert(1)</script> \u202e ü"


@pytest.mark.parametrize(
    "asked",
    [
        *(asked for _, asked in READY),
        Asked(subject=HOSTILE, source=HOSTILE, type=HOSTILE, tool="order[supplier=B&C]"),
        Asked(status="failed", by="model", when="week", before=123),
        Asked(since="2026-11-20", until="2026-11-26T14:00"),
    ],
)
def test_an_address_gives_back_the_filter_it_was_made_from(asked: Asked) -> None:
    assert read(dict(parse_qsl(urlsplit(address(asked)).query))) == asked


def test_what_no_filter_is_called_and_empty_fields_of_a_form_are_left_alone() -> None:
    assert read({"status": "", "subject": "  ", "colour": "red", "q": "x", "before": None}) == Asked()
    assert address(Asked()) == "/console/runs"


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"status": "gone"}, "Use one of: queued"),
        ({"by": "nobody"}, "Use one of: model"),
        ({"when": "once"}, "Use one of: hour"),
        ({"since": "yesterday"}, "such as 2026-11-26"),
        ({"since": "0001-01-01T00:00:00+23:00"}, "such as 2026-11-26"),
        ({"since": "2026-11-26", "until": "2026-11-20"}, "since is not before until"),
        ({"before": "-1"}, "is no page"),
        ({"before": "9" * 40}, "is no page"),
        ({"before": "٣"}, "is no page"),
        ({"subject": "a\x00b"}, "NUL"),
        ({"source": "x" * 2_000}, "longer than 1024"),
    ],
)
def test_an_address_that_names_no_filter_is_told_what_would_be_right(given: dict[str, str], says: str) -> None:
    with pytest.raises(FilterError, match=says):
        read(given)


@pytest.mark.parametrize(
    ("asked", "window"),
    [
        (Asked(), Window()),
        (Asked(when="today"), Window(since=datetime(2026, 11, 26, tzinfo=UTC))),
        (Asked(when="hour"), Window(since=NOW - timedelta(hours=1))),
        (Asked(since="2026-11-25"), Window(since=datetime(2026, 11, 25, tzinfo=UTC))),
        (Asked(until="2026-11-25"), Window(until=datetime(2026, 11, 26, tzinfo=UTC))),
        (Asked(until="2026-11-25T10:00+02:00"), Window(until=datetime(2026, 11, 25, 8, tzinfo=UTC))),
        (Asked(when="hour", since="2026-11-25"), Window(since=datetime(2026, 11, 25, tzinfo=UTC))),
    ],
)
def test_a_time_is_meant_in_utc_and_a_day_is_meant_whole(asked: Asked, window: Window) -> None:
    assert wanted(asked, NOW).window == window


def test_a_filter_is_said_in_words() -> None:
    asked = Asked(status="failed", subject="c-1", by="model", when="today")
    assert in_words(asked) == "that are failed, about c-1, with a decision by a chat model, accepted today (UTC)"


async def test_the_search_box_understands_runs_effects_and_subjects(tmp_path: Path) -> None:
    async with open_company(tmp_path, Script([[call("look_up")]])) as company:
        run = (await company.handle("Anna-1"))["id"]

        async def hit(given: str) -> tuple[str | None, str | None, tuple[str, ...]]:
            found = await search(company.segue, "default", given)
            assert (found.nothing is None) == bool(found.run or found.subject)
            return found.run, found.subject, found.like

        assert await hit(run) == (run, None, ())
        assert await hit(f"  {run.lower()} ") == (run, None, ())
        assert await hit(f"{run}:1:0") == (run, None, ())
        assert await hit("anna-1") == (None, "Anna-1", ())
        assert await hit("Ann") == (None, None, ("Anna-1",))
        for nothing in ("0" * 26, "nobody", "\x00", "%", "x" * 5_000, "\ud800"):
            assert await hit(nothing) == (None, None, ())
        assert (await search(company.segue, "other", run)).run is None
