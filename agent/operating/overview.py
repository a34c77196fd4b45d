"""How much happened in a time, and how it ended. Start with `figures`."""

from __future__ import annotations

from agent.operating import asked
from agent.operating.charts import chart
from agent.operating.types import Asker, Card, Found
from agent.operating.wording import lines, listed, number, plain, share, small, span
from agent.service import Segue
from agent.store.figures import Counts
from agent.store.runs import OPEN
from agent.stories import GOOD
from tools.types import JsonObject

TYPES = 5


async def figures(segue: Segue, asker: Asker, arguments: JsonObject) -> Found:
    """Of the last week, unless a time is asked for."""
    now = segue.desk.now()
    window = asked.window(arguments, now, asked.WEEK)
    found = await segue.desk.counts(asker.tenant, window)
    judged = await segue.desk.judged(asker.tenant, window)
    when, total = span(window.since, window.until, now), sum(found.runs.values())
    if not total and not judged.rewards:
        words = f"Nothing came in {when}. Ask for a longer time, or send a test event."
        return Found(data={"runs": {}, "total": 0}, words=words, suggestions=("what can you do?",))
    rewards = judged.rewards.values()
    good = sum(one >= GOOD for one in rewards)
    mean = judged.mean
    outcomes = "No outcome came for any run."
    if mean is not None:
        outcomes = (
            f"Outcomes of {number(len(rewards), 'run')}: mean reward {mean:.2f} of 1, {share(good, len(rewards))} good."
        )
    return Found(
        data=small(
            {
                "since": None if window.since is None else window.since.isoformat(),
                "total": total,
                "runs": dict(found.runs),
                "by_type": dict(found.by_type),
                "finished_without_a_person": _alone(found),
                "decisions": dict(found.decisions),
                "model_tokens": found.tokens,
                "answers": dict(found.answers),
                "effects": dict(found.effects),
                "outcomes": {"runs": len(rewards), "good": good, "mean_reward": mean, "unmatched": judged.unmatched},
            }
        ),
        cards=_chart(found),
        words=lines(f"{number(total, 'run')} {when}.", _lines(found, total), outcomes, _unmatched(judged.unmatched)),
        suggestions=("which tool fails most this week?", "what did we learn this week?", "what is waiting for me?"),
    )


def _chart(found: Counts) -> tuple[Card, ...]:
    total = sum(found.runs.values())
    ordered = sorted(found.runs.items(), key=lambda pair: -pair[1])
    return chart(
        "runs", "Runs by how they stand", [(name, count, share(count, total)) for name, count in ordered], total
    )


def _alone(found: Counts) -> int:
    return found.runs.get("done", 0) - found.touched


def _lines(found: Counts, total: int) -> list[str]:
    of = found.runs
    still = sum(of.get(status, 0) for status in OPEN if status != "waiting")
    others = [f"{of[status]} {status}" for status in ("stopped", "failed", "cancelled") if of.get(status)]
    types = sorted(found.by_type.items(), key=lambda pair: (-pair[1], pair[0]))
    kinds = listed([f"{count} {plain(kind)}" for kind, count in types[:TYPES]])
    decided = listed([f"{count} by {plain(by)}" for by, count in sorted(found.decisions.items())])
    effects = listed([f"{count} {state}" for state, count in sorted(found.effects.items())])
    answers = listed([f"{count} {state}" for state, count in sorted(found.answers.items())])
    return [
        f"Events: {kinds}{' and others' if len(types) > TYPES else ''}.",
        f"{share(of.get('done', 0), total)} are done, {_alone(found)} of them without a person"
        f"{'; ' + listed(others) if others else ''}; waiting for a person: {of.get('waiting', 0)}, going on: {still}.",
        f"Decisions: {decided}{f', with {found.tokens} tokens of a model' if found.tokens else ''}." if decided else "",
        f"Effects: {effects}." if effects else "No tool was called.",
        f"Approvals and questions: {answers}." if answers else "",
    ]


def _unmatched(count: int) -> str:
    return f"{number(count, 'outcome')} belonged to no run." if count else ""
