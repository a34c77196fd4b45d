"""The retail story, event by event, with checks that ask the world what really happened. Start with `play_story`."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass
from typing import Any

from evals.demo.story import Story, account, do_nothing, followed, handled, look_again, redeliver, rewarded
from evals.processes import Stage

FAILED = "support.conversation.failed"
SOLVED = "support.conversation.solved"
COMPLAINT = "customer.complaint.received"
RESOLVED = "desk.case.resolved"
ENDS = ("customer.repurchased", "customer.churned")
MATTERS = 5
"""Customers at most, until one of them gets an answer that holds for everybody."""
ENOUGH = 60
"""Conversations to choose from: some customers have no campaign running, some questions are asked only once."""


@dataclass(frozen=True, kw_only=True)
class _Matter:
    """A customer's question, and how other customers put the same."""

    first: dict[str, Any]
    others: tuple[str, ...]


async def play_story(stage: Stage, story: Story) -> dict[str, Any]:
    """Play it; the world's own account at the end."""
    matters = await _choose(stage)
    for number, matter in enumerate(matters):
        await _failed_conversation(stage, story, matter)
        if number == 0:
            await redeliver(stage, story, matter.first)
        if await _resolution(stage, story, matter):
            break
    else:
        story.check("somebody's answer could be taught", False, f"none of {len(matters)} answers was for everybody")
    (solved,) = await stage.world("/_world/events", type=SOLVED, n=1, seed=2)
    await do_nothing(stage, story, f"{solved['subject']} was answered by the chatbot ({SOLVED})", solved)
    await _outcome(stage, story)
    await _refund(stage, story)
    return await account(stage)


async def _choose(stage: Stage) -> list[_Matter]:
    """Customers with running campaigns and one trouble only, whose question others ask in other words.

    The most asked question comes first.
    """
    events = await stage.world("/_world/events", type=FAILED, n=ENOUGH, seed=1)
    state = await stage.world("/_world/state")
    running = {
        customer["customer_id"]
        for customer in state["customers"]
        if any(campaign["state"] == "running" for campaign in customer["campaigns"])
    }
    once = Counter(event["subject"] for event in events)
    matters = {affair["id"]: affair["matter"] for affair in state["affairs"]}
    by_matter: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for event in events:
        by_matter[matters[event["id"]]].append(event)
    found: list[_Matter] = []
    for alike in sorted(by_matter.values(), key=len, reverse=True):
        first = next((event for event in alike if event["subject"] in running and once[event["subject"]] == 1), None)
        if first is not None:
            asked = first["data"]["question"]
            others = tuple(dict.fromkeys(e["data"]["question"] for e in alike if e["data"]["question"] != asked))
            found += [_Matter(first=first, others=others)] if others else []
    if not found:
        raise LookupError(f"none of {ENOUGH} conversations fits the story; play it with another --seed")
    return found[:MATTERS]


async def _failed_conversation(stage: Stage, story: Story, matter: _Matter) -> None:
    event = matter.first
    customer = event["subject"]
    story.tell(f"{customer} leaves the chatbot: “{event['data']['message']}”", None)
    before = await _answered(stage, matter)
    run = await handled(stage, event)
    story.ran(f"Segue handles {FAILED} of {customer}", run)
    story.check("the run ended", run["status"] == "done", f"status {run['status']}")
    campaigns = await _campaigns(stage, customer)
    story.check("marketing is paused", set(campaigns) == {"paused"}, f"campaigns of {customer}: {campaigns}")
    state = await stage.world("/_world/state")
    held = [case for case in state["cases"] + state["callbacks"] if case["customer_id"] == customer]
    story.check("a person has the case", len(held) == 1, f"the desk holds {len(held)} for {customer}")
    asked = f"{len(before)} of {len(matter.others)} other wordings of the question answered"
    story.check("the chatbot lacks the answer", not before, asked)


async def _resolution(stage: Stage, story: Story, matter: _Matter) -> bool:
    """A person solves the case; whether the answer holds for everybody, so that the chatbot was to be taught."""
    customer = matter.first["subject"]
    run, hours = await followed(stage, RESOLVED, customer, step_h=24, most_h=24 * 14)
    if run is None:
        story.check("the case was solved", False, f"the desk did not solve it within {hours} simulated hours")
        return False
    story.ran(f"Within {hours} simulated hours a person has solved it; Segue handles {RESOLVED}", run)
    campaigns = await _campaigns(stage, customer)
    story.check("marketing goes on", "running" in campaigns, f"campaigns of {customer}: {campaigns}")
    taught = [effect for effect in run["effects"] if effect["tool"] == "teach_chatbot" and effect["state"] == "done"]
    if run["event"]["data"].get("teachable") is False:
        story.check("an answer for one customer only is not taught", not taught, f"{len(taught)} lessons")
        return False
    after = await _answered(stage, matter)
    detail = f"{len(after)} of {len(matter.others)} other wordings of the question answered"
    if after:
        detail += f": “{after[0][0]}” -> “{after[0][1]}”"
    story.check("the chatbot answers the next customers", bool(taught) and 2 * len(after) >= len(matter.others), detail)
    return True


async def _refund(stage: Stage, story: Story) -> None:
    events = await stage.world("/_world/events", type=COMPLAINT, n=ENOUGH, seed=3)
    asking = [event for event in events if event["data"].get("amount") and event["data"].get("order_id")]
    event = asking[0]
    run = await handled(stage, event)
    run_id = run["id"]
    story.tell(f"{event['subject']} complains and asks {event['data']['amount']} € back", run)
    pending = [one for one in (await stage.segue("/v1/approvals"))["items"] if one["run"] == run_id]
    refunds = await _applied(stage, "issue_refund")
    story.check(
        "money waits for an operator",
        run["status"] == "waiting" and len(pending) == 1 and not refunds,
        f"run {run['status']}, {len(pending)} approval, {len(refunds)} refunds",
    )
    if not pending:
        story.runs.append(run)
        return
    path = f"/v1/approvals/{pending[0]['id']}"
    await stage.tell_segue(path, {"answer": "approve", "reason": "the demo's operator agrees"})
    second = await stage.http.post(f"{stage.segue_url}{path}", json={"answer": "approve"})
    run = await stage.until_ended(run_id)
    story.ran("an operator approves", run)
    refunds = await _applied(stage, "issue_refund")
    story.check(
        "the approved refund happens once",
        len(refunds) == 1 and refunds[0]["arguments"]["amount"] == event["data"]["amount"],
        f"{len(refunds)} refund applied, a second answer gets {second.status_code}",
    )


async def _outcome(stage: Stage, story: Story) -> None:
    await stage.tell_world("/_world/advance", hours=24 * 7)
    await stage.until_idle()
    await look_again(stage, story)
    outcomes = story.runs[0]["outcomes"]
    told = "; ".join(f"{one['type']}, {rewarded(one['rewards'])}" for one in outcomes)
    ended = any(one["type"] in ENDS and one["rewards"] for one in outcomes)
    story.check("the outcome is joined to the run that caused it", ended, told or "none came")


async def _answered(stage: Stage, matter: _Matter) -> list[tuple[str, str]]:
    """Which of the other wordings the chatbot answers now, with its answers."""
    found: list[tuple[str, str]] = []
    for question in matter.others:
        answer = await stage.tell_world("/chatbot/answers", {"question": question})
        if answer["answered"]:
            found.append((question, answer["answer"]))
    return found


async def _campaigns(stage: Stage, customer: str) -> list[str]:
    shown = await stage.world(f"/customers/{customer}/campaigns")
    return sorted(campaign["state"] for campaign in shown["campaigns"])


async def _applied(stage: Stage, tool: str) -> list[dict[str, Any]]:
    return [row for row in await stage.world("/_world/ledger") if row["tool"] == tool and row["applied"]]
