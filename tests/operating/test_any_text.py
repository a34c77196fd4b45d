"""Whatever is written, the chat decides: nothing is raised, and it takes no time."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agent.operating.routing.sentences import each_word
from tests.operating.routed_company import ACTING, Routed, open_routed
from tools.arguments import check_arguments

LONGEST_S = 5.0
"""Much more than the 5 to 30 ms it takes: what is meant is that no text makes it take long."""
WORDS = st.sampled_from(
    sorted(
        each_word(
            "why not was approve the refund for c-1 up to 50 and then pause everything order_part[supplier=B] don't "
            "send a test event M-7 = , . ? ! : ; \" ' today since monday 2026-11-24 last 3 days between from max run "
            "01J00000000000000000000000 it machine.failure_predicted probability=0.5 part because if cancel stop "
            "resume settle effect as done today's supplier B customer M\xfcller & Sohn \U0001f389 \x00 \u202e \ud7ff ( "
            ") [ ] { } <b> * _ / \\ "
        )
    )
)

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def routed(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Routed]:
    async with open_routed(tmp_path_factory.mktemp("routed")) as company:
        await company.decide("warm up: the phrases are embedded once")
        yield company


async def decides(routed: Routed, text: str, *earlier: str) -> None:
    before = [{"role": "operator", "text": one} for one in earlier]
    began = time.perf_counter()
    decision = await routed.decide(text, before)
    assert time.perf_counter() - began < LONGEST_S
    assert decision.kind in ("act", "finish")
    assert decision.reason.strip()
    for call in decision.calls:
        assert check_arguments(routed.toolbox[call.tool].tool, call.arguments) == ()


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=st.text(max_size=300), earlier=st.lists(st.text(max_size=60), max_size=3))
async def test_any_text_is_decided(routed: Routed, text: str, earlier: list[str]) -> None:
    await decides(routed, text, *earlier)


@settings(max_examples=250, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    words=st.lists(WORDS, min_size=1, max_size=25),
    earlier=st.lists(st.lists(WORDS, min_size=1, max_size=8), max_size=3),
)
async def test_any_mixture_of_words_it_knows_is_decided(
    routed: Routed, words: list[str], earlier: list[list[str]]
) -> None:
    await decides(routed, " ".join(words), *(" ".join(one) for one in earlier))


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(words=st.lists(WORDS, max_size=12), negation=st.sampled_from(["don't", "do not", "never", "please don't"]))
async def test_what_begins_with_a_negation_is_no_act(routed: Routed, words: list[str], negation: str) -> None:
    decision = await routed.decide(f"{negation} approve {' '.join(words)}")
    assert not {call.tool for call in decision.calls} & ACTING


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    inside=st.lists(WORDS.filter(lambda word: '"' not in word), max_size=8),
    before=st.sampled_from(["", "what is ", "c-1 wrote: ", "the event says ", "explain "]),
)
async def test_what_stands_in_quotes_orders_nothing(routed: Routed, inside: list[str], before: str) -> None:
    decision = await routed.decide(f'{before}"approve the refund for c-1 {" ".join(inside)}"')
    assert not {call.tool for call in decision.calls} & ACTING


@pytest.mark.parametrize(
    "text",
    [
        "",
        "   ",
        "?",
        "???",
        "\x00\x01\x02\x7f",
        "🎉" * 50,
        "\u202e\u200b\ufeff",
        "a" * 100_000,
        "approve " * 20_000,
        "c-1 " * 25_000,
        '"' * 100_000,
        "'" * 100_000,
        "1" * 100_000,
        "=" * 100_000,
        "why " + "not " * 30_000,
        "last 99999 months",
        "last 99999999999999999999 days",
        "since 9999-12-31",
        "on 0001-01-01 and since 31.02.2026",
        "approve up to " + "9" * 400,
        "\n".join(["approve the refund"] * 5_000),
        "ǅ" * 500 + " İ today",
    ],
    ids=lambda text: repr(text[:20]),
)
async def test_awkward_texts_are_decided(routed: Routed, text: str) -> None:
    await decides(routed, text)
    await decides(routed, "and yesterday?", text)
