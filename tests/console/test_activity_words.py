"""What the page of activity says and where it leads, as data: no browser."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, get_args

import pytest

from agent.acts import Act, ThingKind
from agent.doors import Door
from api.activity_words import ACTS, DOORS, SAID, did
from api.console.activity_filter import KINDS, Asked, address, export_address, in_words, read, wanted
from api.console.activity_rows import row
from api.console.run_filter import FilterError

NOW = datetime(2026, 11, 27, 12, tzinfo=UTC)
HOSTILE = "<img src=x onerror=alert(1)>\x1b[31m\u202e\n{{7*7}}"


def line(act: str = "approved", kind: str = "approval", **changes: Any) -> dict[str, Any]:
    """A line as the store gives it."""
    made = {"id": 7, "at": "2026-11-27T11:00:00Z", "who": "olga", "door": "console", "act": act, "kind": kind}
    made |= {"about": "A-1", "run": None, "subject": None, "event_type": None, "detail": {}}
    return {**made, **changes}


def test_every_act_door_and_kind_has_its_words() -> None:
    assert set(ACTS) == set(SAID) == set(get_args(Act))
    assert set(DOORS) == set(get_args(Door))
    assert set(KINDS) == set(get_args(ThingKind))


@pytest.mark.parametrize("act", get_args(Act))
def test_foreign_text_is_on_one_line_without_control_characters(act: str) -> None:
    detail = dict.fromkeys(
        ("reason", "tool", "type", "before", "after", "thumb", "state", "asked", "to", "had"), HOSTILE
    )
    of = line(act, who=HOSTILE, about=HOSTILE, subject=HOSTILE, event_type=HOSTILE, run=HOSTILE)
    shown = row({**of, "detail": {**detail, "edited": [HOSTILE], "changes": [HOSTILE]}})
    for words in (shown.who, shown.did, shown.why, *shown.more):
        assert words.isprintable()
    for link in (shown.address, shown.inbox):
        assert link is None or (link.startswith("/console/") and link.isascii() and " " not in link)


@pytest.mark.parametrize(
    ("one", "says", "leads"),
    [
        (
            line(run="R-1", subject="c-1", detail={"tool": "pay", "edited": ["amount"], "asked": "call"}),
            "approved pay for c-1, amount edited",
            ("/console/runs/R-1", "/console/inbox?approval=A-1"),
        ),
        (
            line(
                "settled", "effect", about="R-1:1:0", run="R-1", subject="c-1", detail={"tool": "call", "state": "done"}
            ),
            "settled call for c-1: it happened",
            ("/console/runs/R-1", "/console/inbox?effect=R-1%3A1%3A0"),
        ),
        (
            line("resumed", "tool", about="pay", detail={"released": 1}),
            "resumed the tool pay; 1 run that waited for it went on",
            ("/console/portfolio/tools/pay", None),
        ),
        (line("paused", "everything", about=""), "paused everything", ("/console/inbox?kind=pauses", None)),
        (
            line("memory_off", "event_type", about="a b"),
            "switched memory off for a b",
            ("/console/memory?type=a+b", None),
        ),
        (
            line("replayed", "run", about="R-1", run="R-1", subject="c-1", event_type="late"),
            "had the run late about c-1 handled again",
            ("/console/runs/R-1", "/console/inbox?letter=R-1"),
        ),
        (
            line("key_refused", "console", about="", detail={"times": 9}),
            "was refused at the sign-in, 9 times",
            (None,) * 2,
        ),
        (
            line("assigned", "approval", subject="c-1", detail={"to": "olga"}),
            "took the approval for c-1",
            (None, "/console/inbox?approval=A-1"),
        ),
        (
            line("assigned", "effect", subject="c-1", detail={"to": "bea", "had": "cid"}),
            "gave the effect for c-1 to bea, which cid had",
            (None, "/console/inbox?effect=A-1"),
        ),
        (
            line("released", "run", about="R-1", subject="c-1", run="R-1", detail={"had": "olga"}),
            "gave the dead letter for c-1 back",
            ("/console/runs/R-1", "/console/inbox?letter=R-1"),
        ),
    ],
)
def test_an_act_is_said_in_words_and_leads_to_what_it_is_about(
    one: dict[str, Any], says: str, leads: tuple[str | None, str | None]
) -> None:
    shown = row(one)
    assert (did(one), (shown.address, shown.inbox)) == (says, leads)


def test_a_filter_is_the_same_from_its_address_and_in_the_export() -> None:
    given = {"q": "pay", "who": "olga & co", "act": "approved", "door": "chat", "kind": "run", "about": "R-1"}
    asked = read({**given, "since": "2026-11-01", "until": "2026-11-02", "nothing": "x"})
    assert address(asked) == (
        "/console/activity?q=pay&who=olga+%26+co&act=approved&door=chat&kind=run&about=R-1&since=2026-11-01&until=2026-11-02"
    )
    assert (
        export_address(asked.older(9), "csv") == address(asked).replace("activity?", "activity/export?") + "&format=csv"
    )
    assert export_address(Asked(), "jsonl") == "/console/activity/export?format=jsonl"
    found = wanted(asked, NOW)
    assert (found.words, found.who, found.act, found.door) == ("pay", "olga & co", "approved", "chat")
    assert found.until == datetime(2026, 11, 3, tzinfo=UTC)
    assert in_words(asked) == (
        "by olga & co, approved, in the chat, about run R-1, with pay in a name, since 2026-11-01, until 2026-11-02"
    )


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"act": "slept"}, "act: 'slept' is none of them. Use one of: approved,"),
        ({"since": "soon"}, "since: 'soon' is no day or moment"),
        ({"since": "2026-11-02", "until": "2026-11-01"}, "since is not before until"),
        ({"before": "x"}, "before: 'x' is no page"),
        ({"q": "\x00"}, "q contains a NUL"),
    ],
)
def test_an_address_that_names_no_filter_says_what_would_be_right(given: dict[str, str], says: str) -> None:
    with pytest.raises(FilterError) as told:
        read(given)
    assert says in str(told.value)
