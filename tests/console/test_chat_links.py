"""Which links the chat's page makes of words: to runs and the inbox by the exact form of an id, and never another."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from api.console.chat.linking import MOST_CHARS, MOST_LINKS, pieces, run_page
from api.console.pages.chat_page import SCRIPT

RUN = "01M8CZA4SC45Y2PA41J4XNCKGA"
OTHER = "01M8CZA5PNAN0TQVJDPY7BG0R6"


def links(text: str, others: set[str] | None = None) -> list[tuple[str, str]]:
    """What of it leads where."""
    return [(one.text, one.href) for one in pieces(text, others or set()) if one.href is not None]


def test_an_id_of_a_run_leads_to_its_page_wherever_it_stands() -> None:
    for text in (
        RUN,
        f"run {RUN}.",
        f"({RUN})",
        f"Run {RUN}: done",
        f"{RUN}:1:0 is unknown",
        f"a\n{RUN}\nb",
        f'"{RUN}"',
    ):
        assert links(text) == [(RUN, f"/console/runs/{RUN}")], text


def test_what_is_not_exactly_an_id_leads_nowhere() -> None:
    for text in (
        RUN.lower(),
        RUN[:-1],
        f"{RUN}A",
        f"x{RUN}",
        f"8{RUN[1:]}",
        f"{RUN[:-1]}U",
        f"\N{CYRILLIC SMALL LETTER A}{RUN}",
        f"alice/{RUN}",
        f"{RUN}/../../v1",
        f"http://evil.example/{RUN}",
        f"me@{RUN}",
        f"{RUN}@evil.example",
        f"{RUN[:13]}\u200b{RUN[13:]}",
        f"{RUN[:13]}\n{RUN[13:]}",
        "javascript:alert(1)",
        '<a href="https://evil.example">run</a>',
        "[run](https://evil.example)",
        "https://evil.example",
        "//evil.example",
    ):
        assert links(text) == [], text


def test_ids_of_other_things_do_not_pretend_to_be_runs() -> None:
    item = (RUN, f"/console/inbox?approval={RUN}")
    assert links(f"Approval {RUN} of run {OTHER}") == [item, (OTHER, f"/console/runs/{OTHER}")]
    assert links(f"QUESTION  {RUN}") == [item]
    assert links(f"approval {RUN.lower()}") == [(RUN.lower(), "/console/inbox")]
    assert links(f"outcome {RUN}, lesson {RUN}, confirmation {RUN}") == []
    assert links(f"Sent ({RUN}); run {OTHER}", {RUN}) == [(OTHER, f"/console/runs/{OTHER}")]
    assert run_page("../../v1/keys") is None
    assert run_page(f"{RUN}\n") is None


def test_hostile_text_stays_text_and_what_is_invisible_in_it_is_shown() -> None:
    said = f'<script>alert(1)</script> \u202eevil\x1b[31m {RUN} <img src=x onerror="x">'
    found = pieces(said)
    assert "".join(one.text for one in found) == said.replace("\u202e", "\ufffd").replace("\x1b", "\ufffd")
    assert [one.href for one in found] == [None, f"/console/runs/{RUN}", None]


def test_a_very_long_text_and_very_many_ids_are_bounded() -> None:
    (only,) = pieces("x" * (MOST_CHARS + 5))
    assert only.text.endswith(f"… ({MOST_CHARS + 5:,} characters in all)")
    many = pieces(f"{RUN} " * (MOST_LINKS + 9))
    assert sum(one.href is not None for one in many) == MOST_LINKS
    assert "".join(one.text for one in many) == f"{RUN} " * (MOST_LINKS + 9)


PARTS = [*"01A8Z/.:@- \n<>&\"'", RUN, RUN, "approval ", "javascript:", "\u202e"]


@given(st.lists(st.sampled_from(PARTS), max_size=12))
def test_whatever_is_said_links_lead_to_the_console_only_and_no_word_is_lost(parts: list[str]) -> None:
    text = "".join(parts)
    found = pieces(text)
    assert "".join(one.text for one in found) == text.replace("\u202e", "\ufffd")
    for one in found:
        leads = (f"/console/runs/{one.text}", f"/console/inbox?approval={one.text}")
        assert one.href is None or (one.text == RUN and one.href in leads)


def test_the_pages_script_holds_nothing_that_could_end_it() -> None:
    assert "</" not in SCRIPT
