"""Conversations of the console: kept per operator, bounded, confirmed once, broken off without doing anything."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

import pytest

from agent.errors import Conflict, Refused
from agent.operating.threads import LASTS
from agent.operating.types import Asker, Over, Returned
from agent.operators import MOST_CHARS, OperatorsChat
from agent.types import Decider, DeciderError, Decision, Situation
from api.console.chat import talks as kept
from api.console.chat.confirming import argument_rows
from api.console.chat.talks import TALKS, TURNS, Talk, Talks, told
from api.console.chat.turns import Asked, Turn
from tests.operating.toys import ANN, NO_SEGUE, Toys, Wants
from tools.types import JsonObject

BOB = replace(ANN, name="bob")
Calls = Sequence[Sequence[tuple[str, JsonObject]] | DeciderError]
ACT: Calls = [[("act", {"what": "a"})]]
TWO: Calls = [[("act", {"what": "a"}), ("act", {"what": "b"})]]


@dataclass
class Desk:
    """Conversations over a chat whose decider wants these calls, and a clock."""

    turns: Calls = ()
    toys: Toys = field(default_factory=Toys)
    at: datetime = field(default_factory=lambda: datetime.now(UTC))
    decider: Decider | None = None

    def talks(self) -> Talks:
        """New ones, as after a start."""
        decider = self.decider or Wants(self.turns)
        chat = OperatorsChat(NO_SEGUE, lambda asker: decider, self.toys.box(), lambda: self.at)
        return Talks(chat, lambda: self.at)


class Slow:
    """A decider that never comes to an end."""

    name = "slow"

    async def decide(self, situation: Situation) -> Decision:
        """Wait."""
        await asyncio.Event().wait()
        raise RuntimeError("nobody woke it")


async def asked(talks: Talks, question: str = "do it", talk: Talk | None = None, asker: Asker = ANN) -> Talk:
    """Asked and answered."""
    talk = talks.ask(asker, talk, question)
    await talk.ended()
    return talk


def only(turn: Turn) -> Asked:
    """Its one confirmation."""
    (one,) = turn.asked.values()
    return one


async def test_a_question_is_kept_with_its_answer_and_its_successor_knows_of_it() -> None:
    wants = Wants([])
    talks = Desk(decider=wants).talks()
    talk = await asked(talks, "  what\nis it? ")
    await asked(talks, "and then?", talk)
    assert [(one.question, one.words, one.state) for one in talk.turns] == [
        ("what\nis it?", "That is all.", "over"),
        ("and then?", "That is all.", "over"),
    ]
    earlier = wants.seen[-1].event.data["earlier"]
    assert [one["text"] for one in earlier] == ["what is it?", "That is all."]  # type: ignore[union-attr, index, call-overload]


async def test_a_confirmation_is_answered_once_with_the_arguments_it_showed() -> None:
    desk = Desk(ACT)
    talk = await asked(desk.talks())
    (turn,) = talk.turns
    assert argument_rows(only(turn).confirmation) == [("what", '"a"'), ("by", '"ann"')]
    assert (turn.state, told(only(turn)), desk.toys.done) == ("waiting", "", [])
    talk.confirm(ANN, turn, only(turn).confirmation.id, yes=True)
    with pytest.raises(Conflict, match=r"no longer be answered. You said yes"):
        talk.confirm(ANN, turn, only(turn).confirmation.id, yes=True)
    await talk.ended()
    assert desk.toys.done == [{"what": "a", "by": "ann"}]
    assert (turn.state, turn.in_doubt, told(only(turn))) == ("over", False, "You said yes, and it was done.")
    with pytest.raises(Conflict, match="and it was done"):
        talk.confirm(ANN, turn, only(turn).confirmation.id, yes=True)


async def test_a_no_is_not_done_and_says_so() -> None:
    desk = Desk(ACT)
    talk = await asked(desk.talks())
    talk.confirm(ANN, talk.turns[0], only(talk.turns[0]).confirmation.id, yes=False)
    await talk.ended()
    assert (desk.toys.done, told(only(talk.turns[0]))) == ([], "You said no; it was not done.")


async def test_several_confirmations_are_answered_each_by_itself_and_go_on_with_the_last() -> None:
    desk = Desk(TWO)
    talk = await asked(desk.talks())
    (turn,) = talk.turns
    first, second = turn.asked.values()
    talk.confirm(ANN, turn, second.confirmation.id, yes=True)
    assert (talk.busy, desk.toys.done) == (False, [])
    assert told(second) == "You said yes. It goes on once the others are answered, too."
    talk.confirm(ANN, turn, first.confirmation.id, yes=False)
    await talk.ended()
    assert desk.toys.done == [{"what": "b", "by": "ann"}]
    assert [told(first), told(second)] == ["You said no; it was not done.", "You said yes, and it was done."]


async def test_what_waited_too_long_was_dropped_or_answered_elsewhere_says_so_and_is_not_done() -> None:
    desk = Desk(ACT)
    talks = desk.talks()
    late, dropped, elsewhere, cut = [await asked(talks) for _ in range(4)]
    await asked(talks, "something else", dropped)
    elsewhere.overtaken(elsewhere.turns[0], only(elsewhere.turns[0]).confirmation.id, "approved by dora")
    cut.turns[0].stop()
    desk.at += LASTS
    late.look()
    for talk, said in (
        (late, "It waited for too long"),
        (dropped, "It was dropped before it was confirmed"),
        (elsewhere, "It was answered elsewhere: approved by dora. Nothing was done from here."),
        (cut, "It was dropped"),
    ):
        turn = talk.turns[0]
        assert told(only(turn)).startswith(said)
        with pytest.raises(Conflict, match="no longer be answered"):
            talk.confirm(ANN, turn, only(turn).confirmation.id, yes=True)
    assert desk.toys.done == []


async def test_of_two_the_confirmed_one_is_done_when_the_other_was_answered_elsewhere() -> None:
    desk = Desk(TWO)
    talk = await asked(desk.talks())
    first, second = talk.turns[0].asked.values()
    talk.confirm(ANN, talk.turns[0], first.confirmation.id, yes=True)
    talk.overtaken(talk.turns[0], second.confirmation.id, "approved by dora")
    await talk.ended()
    assert desk.toys.done == [{"what": "a", "by": "ann"}]
    assert told(second).startswith("It was answered elsewhere: approved by dora")


async def test_the_second_who_asks_is_told_that_it_is_being_answered_and_may_stop_it() -> None:
    talks = Desk(decider=Slow()).talks()
    talk = talks.ask(ANN, None, "the first")
    with pytest.raises(Conflict, match=r"being answered already \('the first'\). Wait for the answer, or stop it"):
        talks.ask(ANN, talk, "the second")
    await asyncio.sleep(0)
    talk.stop()
    await talk.ended()
    assert [(one.question, one.state) for one in talk.turns] == [("the first", "stopped")]
    again = talks.ask(ANN, talk, "the third")
    again.stop()
    await again.ended()
    assert (talk.busy, talk.turns[-1].state) == (False, "stopped")


async def test_an_unknown_error_says_so_and_the_conversation_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    desk = Desk([])
    talks = desk.talks()
    talk = talks.ask(ANN, None, "fine")
    await talk.ended()

    class Breaks(Wants):
        async def decide(self, situation: Situation) -> Decision:
            raise ValueError("secret")

    broken = await asked(Desk(decider=Breaks([])).talks(), "what?")
    over = broken.turns[0].events[-1]
    assert isinstance(over, Over)
    assert (over.state, over.detail) == ("failed", "the answer broke off; see Segue's log")
    assert not broken.busy
    await asked(talks, "still?", talk)
    assert talk.turns[-1].words == "That is all."


async def test_a_question_that_is_none_or_too_long_is_refused_whole() -> None:
    talks = Desk().talks()
    for question, said in ((" \n ", "nothing was asked"), ("x" * (MOST_CHARS + 1), "4,001 characters; at most 4,000")):
        with pytest.raises(Refused, match=said):
            talks.ask(ANN, None, question)
    assert talks.of(ANN) == []


async def test_each_operator_sees_their_own_the_latest_first_and_only_so_many(monkeypatch: pytest.MonkeyPatch) -> None:
    talks = Desk().talks()
    mine = [await asked(talks, f"question {number}") for number in range(TALKS + 2)]
    await asked(talks, "again", mine[3])
    theirs = await asked(talks, "bob's", asker=BOB)
    other = await asked(talks, "of another tenant", asker=replace(ANN, tenant="other"))
    assert [one.first for one in talks.of(ANN)][:2] == ["question 3", f"question {TALKS + 1}"]
    assert len(talks.of(ANN)) == TALKS
    assert talks.find(ANN, mine[0].id) is None
    assert talks.find(ANN, theirs.id) is talks.find(ANN, other.id) is talks.find(BOB, mine[3].id) is None
    monkeypatch.setattr(kept, "OPERATORS", 2)
    await asked(talks, "once more", asker=replace(ANN, name="eve"))
    assert (talks.of(ANN), len(talks.of(replace(ANN, name="eve")))) == ([], 1)


async def test_a_long_conversation_forgets_its_beginning_and_counts_what_it_forgot() -> None:
    talks = Desk().talks()
    talk = await asked(talks, "question 0")
    for number in range(1, TURNS + 3):
        await asked(talks, f"question {number}", talk)
    assert (len(talk.turns), talk.forgotten, talk.first) == (TURNS, 3, "question 0")
    assert talk.turns[0].question == "question 3"


async def test_after_a_restart_nothing_is_found_of_it() -> None:
    desk = Desk(ACT)
    talk = await asked(desk.talks())
    assert desk.talks().find(ANN, talk.id) is None


async def test_an_answer_broken_off_while_it_acts_says_that_nobody_knows() -> None:
    desk = Desk(ACT)
    talk = await asked(desk.talks())
    (turn,) = talk.turns
    one = only(turn)
    one.stand, one.sent = "yes", True
    turn.stop()
    assert (turn.in_doubt, one.stand) == (True, "yes")
    turn.take(Returned(id=one.call, state="done"))
    assert not turn.in_doubt


async def test_what_expires_is_seen_by_time_alone() -> None:
    desk = Desk(ACT)
    talk = await asked(desk.talks())
    desk.at += LASTS - timedelta(seconds=1)
    talk.look()
    assert talk.turns[0].waits
    desk.at += timedelta(seconds=1)
    talk.look()
    assert not talk.turns[0].waits
