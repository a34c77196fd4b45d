"""What was learned in a time: lessons, changes, outcomes, and what memory adds. Start with `learned`."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from agent.operating import asked
from agent.operating.types import Asker, Card, Found
from agent.operating.wording import as_moment, clock, lines, number, plain, said, share, small, span
from agent.service import Segue
from agent.store.chat_queries import Window
from agent.store.figures import before
from agent.store.queries import Shown
from agent.stories import GOOD
from tools.types import JsonObject

TOLD = 4
ROWS = 20


async def learned(segue: Segue, asker: Asker, arguments: JsonObject) -> Found:
    """In the last week, unless a time is asked for."""
    now, tenant = segue.desk.now(), asker.tenant
    window = asked.window(arguments, now, asked.WEEK)
    news, episodes = await segue.desk.lesson_news(tenant, window)
    found = [await segue.lessons.show(tenant, name) for name in news.found[:ROWS]]
    retired = [await segue.lessons.show(tenant, name) for name in news.retired[:ROWS]]
    changes = [one for one in await segue.drifting.list(tenant, None) if _within(one["noted_at"], window)]
    uplifts = [one for one in await segue.uplifts.list(tenant, None) if one["difference"] is not None]
    outcomes, rewards = await _outcomes(segue, tenant, window, now)
    told = [
        *_lessons("found", len(news.found), found),
        f"{number(len(news.renewed), 'known lesson')} got new counts or words." if news.renewed else "",
        *_lessons("retired", len(news.retired), retired),
        *_changes(changes, now),
        *outcomes,
    ]
    return Found(
        data=small(
            {
                "since": None if window.since is None else window.since.isoformat(),
                "episodes": episodes,
                "lessons_found": [_lesson(one) for one in found],
                "lessons_renewed": len(news.renewed),
                "lessons_retired": [_lesson(one) for one in retired],
                "changes": changes,
                "outcomes": rewards,
                "uplift": [
                    {name: one[name] for name in ("type", "difference", "interval", "verdict")} for one in uplifts
                ],
            }
        ),
        words=lines(
            _head(span(window.since, window.until, now), episodes, any(told)),
            told,
            [_uplift(one) for one in uplifts[:TOLD]],
        ),
        cards=tuple(Card(kind="lesson", id=one["id"], title=plain(one["text"], 200)) for one in found[:TOLD]),
        suggestions=("how did like cases end?", "which tool fails most this week?", "figures of this week"),
    )


def _head(over: str, episodes: int, news: bool) -> str:
    if not news and not episodes:
        return f"Nothing was learned {over}: no run ended, and no outcome came. Ask for a longer time."
    more = " No outcome came, no lesson was found and nothing changed: without outcomes nothing can be learned."
    return f"Learned {over}: {number(episodes, 'new episode')}.{'' if news else more}"


def _within(moment: str | None, window: Window) -> bool:
    known = as_moment(moment)
    if known is None:
        return False
    return (window.since is None or known >= window.since) and (window.until is None or known < window.until)


def _lessons(what: str, total: int, shown: Sequence[Shown]) -> list[str]:
    if not total:
        return []
    told = [f"  {said(one['text'])} ({plain(one['event_type'])}){_why(one)}" for one in shown[:TOLD]]
    more = [f"  and {total - TOLD} more"] if total > TOLD else []
    return [f"{number(total, 'lesson')} {what}:", *told, *more]


def _why(lesson: Shown) -> str:
    return f", retired by {plain(lesson['retired_by'])}: {said(lesson['reason'])}" if lesson["retired_at"] else ""


def _lesson(one: Shown) -> JsonObject:
    return {name: one[name] for name in ("id", "event_type", "text", "support", "retired_by", "reason")}


def _changes(changes: Sequence[Shown], now: datetime) -> list[str]:
    told = [
        f"  {plain(one['action'])} ({plain(one['type'])}{_whose(one)}) turns out {one['way']} since {_at(one, now)}: "
        f"{one['found']:.2f} in {number(one['since'], 'outcome')}, where {one['expected']:.2f} was to be expected."
        for one in changes[:TOLD]
    ]
    more = [f"  and {len(changes) - TOLD} more"] if len(changes) > TOLD else []
    return [f"{number(len(changes), 'change')} found:", *told, *more] if changes else []


def _at(change: Shown, now: datetime) -> str:
    known = as_moment(change["at"])
    return "an unknown time" if known is None else clock(known, now)


def _whose(change: Shown) -> str:
    return "" if change["source"] is None else f", by {plain(change['source'])}"


async def _outcomes(segue: Segue, tenant: str, window: Window, now: datetime) -> tuple[list[str], JsonObject]:
    """What outcomes said, beside the same length of time before."""
    judged = await segue.desk.judged(tenant, window)
    earlier = before(window, now)
    last = None if earlier is None else (await segue.desk.judged(tenant, earlier)).mean
    mean, rewards = judged.mean, judged.rewards.values()
    good = sum(one >= GOOD for one in rewards)
    row: JsonObject = {"runs": len(rewards), "good": good, "mean_reward": mean, "mean_reward_before": last}
    told: list[str] = []
    if mean is not None:
        beside = "" if last is None else f"; it was {last:.2f} in as long a time before"
        told.append(
            f"Outcomes of {number(len(rewards), 'run')} came: {share(good, len(rewards))} good, mean reward {mean:.2f} "
            f"of 1{beside}."
        )
    if judged.unmatched:
        told.append(f"{number(judged.unmatched, 'outcome')} belonged to no run, so that nothing is learned from it.")
    return told, row


def _uplift(one: Shown) -> str:
    interval = one["interval"]
    graded = one["graded"]
    within = "" if interval is None else f" (95 % interval {interval['low']:+.2f} to {interval['high']:+.2f})"
    return (
        f"Memory changes the reward of {plain(one['type'])} by {one['difference']:+.2f}{within}: measured on "
        f"{graded['memory']} runs with it and {graded['control']} without, of all time."
    )
