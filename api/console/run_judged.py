"""What came of a run: its outcomes, its reward, and what each action earned. Start with `outcome_step`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from agent.judging import OPERATORS
from agent.operating.cases import Case
from agent.store.queries import Shown
from agent.thumbs import THUMB
from api.console.run_step import Grid, Step, facts_of
from api.terminal import line
from memory.types import EVERY_GOAL


def outcome_step(one: Shown) -> Step:
    """An outcome that was joined to the run, or an operator's thumb."""
    rows = tuple(
        ("every goal that no outcome has graded" if goal == EVERY_GOAL else line(goal, 80), f"{reward:.2f}")
        for goal, reward in sorted(one["rewards"].items())
    )
    lines = [f"From {line(one['source'], 200)}."]
    if one["revoked"]:
        lines.append("Its source is revoked: it does not count.")
    if one["detail"]:
        lines.append(line(one["detail"], 500))
    return Step(
        key=f"outcome-{one['id']}",
        kind="outcome",
        title=_came(one),
        at=one["time"],
        state=one["state"],
        lines=tuple(lines),
        facts=facts_of(one["data"]),
        grids=(Grid(head=("goal", "reward of 1"), rows=rows, label="Reward by goal"),) if rows else (),
        value=one["data"],
    )


def _came(one: Shown) -> str:
    if one["type"] != THUMB:
        return f"The outcome {line(one['type'], 120)} came"
    well = isinstance(one["data"], Mapping) and one["data"].get("thumb") == "up"
    who = line(str(one["source"]).removeprefix(OPERATORS), 80)
    return f"{who} judged the run: {'well' if well else 'badly'} done"


def reward_step(own: Case | None, reward: float | None) -> Iterator[Step]:
    """What the run is worth, and each action of it; `own`: what is remembered of the run."""
    if own is None and reward is None:
        return
    rows = () if own is None else tuple(_credit(own, action) for action in own.by_action)
    credit = Grid(head=("action", "credit of 1", "that is"), rows=rows, label="What each action earned")
    head = "No outcome has come yet" if reward is None else f"Its reward is {reward:.2f} of 1"
    waits = "Once one comes, later decisions go by it." if reward is None else "Later decisions go by it."
    yield Step(
        key="reward",
        kind="reward",
        title=head,
        lines=(f"The run is remembered as a case. {waits}",),
        grids=(credit,) if rows else (),
    )


def _credit(own: Case, action: str) -> tuple[str, str, str]:
    return line(action, 120), f"{own.by_action[action]:.2f}", own.because[action]
