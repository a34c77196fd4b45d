"""A story as it is played: runs, checks, and what every story does. The stories: `story_retail`, `story_plant`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from evals.check import Check
from evals.processes import Stage


@dataclass
class Story:
    """What was played and what was found."""

    name: str
    tell: Callable[[str, dict[str, Any] | None], None]
    """Called with a sentence, and with the run it is about."""
    runs: list[dict[str, Any]] = field(default_factory=list)
    checks: list[Check] = field(default_factory=list)

    def check(self, name: str, passed: bool, detail: str) -> None:
        """Note a check and tell it."""
        self.checks.append(Check(name=name, passed=passed, detail=detail))
        self.tell(f"{'✓' if passed else '✗'} {name}: {detail}", None)

    def ran(self, sentence: str, run: dict[str, Any]) -> None:
        """Note a run and tell it."""
        self.runs.append(run)
        self.tell(sentence, run)


async def handled(stage: Stage, event: dict[str, Any]) -> dict[str, Any]:
    """Send one event; its run once it has ended or waits."""
    (run_id,) = await stage.send([event])
    return await stage.until_ended(run_id)


async def redeliver(stage: Stage, story: Story, event: dict[str, Any]) -> None:
    """Send an event that was handled three times more."""
    deliveries = len(await stage.world("/_world/ledger"))
    headers = {"Content-Type": "application/cloudevents+json"}
    answers = [
        (await stage.http.post(f"{stage.segue_url}/v1/events", json=event, headers=headers)).json() for _ in range(3)
    ]
    await stage.until_idle()
    known = all(answer["accepted"][0]["duplicate"] for answer in answers)
    again = len(await stage.world("/_world/ledger")) - deliveries
    story.check(
        "the same event again changes nothing", known and again == 0, f"3 redeliveries, {again} deliveries at the tools"
    )


async def followed(
    stage: Stage, type_: str, subject: str, *, step_h: int, most_h: int
) -> tuple[dict[str, Any] | None, int]:
    """Let time pass until an event of the type about the subject comes from the world; its run, and after how long."""
    hours = 0
    listed: list[dict[str, Any]] = []
    while not listed and hours < most_h:
        await stage.tell_world("/_world/advance", hours=step_h)
        hours += step_h
        await stage.until_idle()
        listed = (await stage.segue("/v1/runs", type=type_, subject=subject, limit=1))["items"]
    return (await stage.until_ended(listed[0]["id"]) if listed else None), hours


async def do_nothing(stage: Stage, story: Story, sentence: str, event: dict[str, Any]) -> None:
    """Send an event that needs nothing."""
    run = await handled(stage, event)
    story.ran(sentence, run)
    story.check("nothing is done where nothing is to be done", not run["effects"], f"{len(run['effects'])} effects")


async def look_again(stage: Stage, story: Story) -> None:
    """Fetch the story's runs anew, with what has come of them since."""
    for number, run in enumerate(story.runs):
        story.runs[number] = await stage.segue(f"/v1/runs/{run['id']}")


async def account(stage: Stage) -> dict[str, Any]:
    """The world's own account of what happened."""
    state = await stage.world("/_world/state")
    return {"totals": state["totals"], "ledger": await stage.world("/_world/ledger")}


def rewarded(rewards: dict[str, float]) -> str:
    """Grades in words."""
    return ", ".join(f"{goal} {reward:.2f}" for goal, reward in rewards.items())
