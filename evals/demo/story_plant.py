"""The plant's story: a failure whose part is not there, one whose part is, and what comes of it. See `play_story`.

The two machines are arranged, so that every seed tells the same story; what suppliers make of it is the world's.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from evals.demo.story import Story, account, do_nothing, followed, handled, look_again, redeliver, rewarded
from evals.processes import Stage

PREDICTED = "machine.failure.predicted"
PASSED = "machine.inspection.passed"
DELIVERED = "part.delivered"
WEEK_CLOSED, DELIVERY_CLOSED = "machine.week.closed", "delivery.closed"

PRESS, ITS_PART = "mach-41", "bearing"
PEER = "mach-42"
"""Does the press's jobs where it can, and is full as well."""
PUMP, PUMPS_PART = "mach-51", "seal"
REPAIR_IN_H, REPAIR_H = 28.0, 6.0
FULL_DOWNTIME_H = 40.0
"""Standing still for so long earns no uptime (portfolio)."""
STEP_H, WEEK_H = 6, 120


async def play_story(stage: Stage, story: Story) -> dict[str, Any]:
    """Play it; the world's own account at the end."""
    await _arrange(stage)
    press = _predicted(PRESS, "press", "D", ITS_PART, "bearing wear")
    await _part_missing(stage, story, press)
    await redeliver(stage, story, press)
    await _part_on_shelf(stage, story, _predicted(PUMP, "pump", "E", PUMPS_PART, "seal leak"))
    (passed,) = await stage.world("/_world/events", type=PASSED, n=1, seed=2)
    remark = passed["data"]["remark"]
    await do_nothing(stage, story, f"{passed['subject']} was inspected: “{remark}” ({PASSED})", passed)
    await _part_comes(stage, story)
    await _week_ends(stage, story)
    return await account(stage)


async def _arrange(stage: Stage) -> None:
    """A press with a full order book and no bearing for it; a pump with its seal on the shelf."""
    reserved = {part["family"]: part["reserved"] for part in (await stage.world("/_world/state"))["parts"]}

    def worn(part: str) -> dict[str, Any]:
        return {"part_family": part, "repair_in_hours": REPAIR_IN_H, "repair_hours": REPAIR_H}

    given = {
        "machines": [
            {"machine_id": PRESS, "kind": "press", "line": "D", "worn": worn(ITS_PART)},
            {"machine_id": PEER, "kind": "press", "line": "D"},
            {"machine_id": PUMP, "kind": "pump", "line": "E", "worn": worn(PUMPS_PART)},
        ],
        "shipments": [
            _shipment("1", "Ekholm Rail", 32),
            _shipment("2", "Garland Dairy", 40),
            _shipment("3", "Hollis Marine", 50),
        ],
        "jobs": [
            _job("1", PRESS, 0, 13, "1"),
            _job("2", PRESS, 13, 14, "1"),
            _job("3", PRESS, 28, 8, "2"),
            _job("4", PRESS, 36, 8, "3"),
            _job("5", PEER, 0, 22, "3"),
            _job("6", PEER, 22, 22, "3"),
        ],
        "parts": [
            {"part_family": ITS_PART, "on_stock": reserved[ITS_PART]},
            {"part_family": PUMPS_PART, "on_stock": reserved[PUMPS_PART] + 1},
        ],
    }
    await stage.tell_world("/_world/arrange", given)


def _job(name: str, machine: str, start: int, hours: int, shipment: str) -> dict[str, Any]:
    where = {"job_id": f"job-{name}", "machine_id": machine, "shipment_id": f"ship-{shipment}"}
    return where | {"start_in_hours": start, "hours": hours}


def _shipment(name: str, customer: str, promised: int) -> dict[str, Any]:
    return {"shipment_id": f"ship-{name}", "customer": customer, "promised_in_hours": promised}


def _predicted(machine: str, kind: str, line: str, part: str, fault: str) -> dict[str, Any]:
    """What the plant's predictor reports of an arranged machine."""
    return {
        "specversion": "1.0",
        "id": f"alarm-{machine}",
        "source": "/worlds/plant_maintenance/predictor",
        "type": PREDICTED,
        "subject": machine,
        "time": datetime.now(UTC).isoformat(),
        "data": {
            "machine_kind": kind,
            "line": line,
            "fault_mode": fault,
            "part_family": part,
            "repair_in_hours": REPAIR_IN_H,
            "repair_hours": REPAIR_H,
        },
    }


async def _part_missing(stage: Stage, story: Story, event: dict[str, Any]) -> None:
    story.tell(f"{PRESS}, a press with a full order book, is going to fail: {event['data']['fault_mode']}", None)
    before = await stage.world("/_world/state")
    run = await handled(stage, event)
    story.ran(f"Segue handles {PREDICTED} of {PRESS}", run)
    state = await stage.world("/_world/state")
    story.check("the run ended", run["status"] == "done", f"status {run['status']}")
    story.check("the planner is consulted before jobs are moved", *_in_order(run, "what_if", "reschedule", PRESS))
    _check_window(story, state)
    free = next(part["free"] for part in before["parts"] if part["family"] == ITS_PART)
    orders = _of(state["orders"], PRESS)
    from_whom = ", ".join(f"{order['family']} from {order['supplier']}" for order in orders) or "nothing"
    story.check(
        "the part that is not on the shelf is ordered once",
        free == 0 and [order["family"] for order in orders] == [ITS_PART],
        f"{free} on the shelf, ordered: {from_whom}",
    )
    _check_promises(story, before, state)
    visits = _of(state["visits"], PRESS)
    story.check("no technician is sent for a part that is not there", not visits, f"visits to {PRESS}: {len(visits)}")


def _check_window(story: Story, state: dict[str, Any]) -> None:
    """Whether the press has nothing to do while it is repaired."""
    press = next(machine for machine in state["machines"] if machine["id"] == PRESS)
    start, end = press["repair_from_h"], press["repair_to_h"]
    if start is None:
        story.check("production is planned around the repair", False, "no time was agreed for it")
        return
    inside = [job["id"] for job in _of(state["jobs"], PRESS) if job["start_h"] < end and start < job["end_h"]]
    told = f"{PRESS} stands still from hour {start:.0f} to {end:.0f} with {len(inside)} jobs in between"
    story.check("production is planned around the repair", not inside, told)


def _check_promises(story: Story, before: dict[str, Any], state: dict[str, Any]) -> None:
    """Whether every shipment of the plan that is late by the first promise, and no other, has a new one that holds."""
    first = {shipment["id"]: shipment["promised_h"] for shipment in before["shipments"]}
    leaves: dict[str, float] = {}
    for job in state["jobs"]:
        leaves[job["shipment_id"]] = max(leaves.get(job["shipment_id"], 0.0), job["end_h"] + 2.0)
    late = {id_ for id_, hour in leaves.items() if id_ in first and hour > first[id_]}
    told = {shipment["id"] for shipment in state["shipments"] if shipment["promised_h"] != first[shipment["id"]]}
    kept = all(leaves[one["id"]] <= one["promised_h"] for one in state["shipments"] if one["id"] in leaves)
    names = ", ".join(one["customer"] for one in state["shipments"] if one["id"] in told) or "nobody"
    story.check(
        "customers of late shipments, and only they, know the new date",
        bool(late) and told == late and kept,
        f"late: {len(late)} of {len(leaves)} shipments; told: {names}",
    )


async def _part_on_shelf(stage: Stage, story: Story, event: dict[str, Any]) -> None:
    run = await handled(stage, event)
    story.ran(f"{PUMP}, a pump, is going to fail too ({event['data']['fault_mode']}); its part is on the shelf", run)
    state = await stage.world("/_world/state")
    kept, orders = _of(state["reservations"], PUMP), _of(state["orders"], PUMP)
    story.check(
        "a part on the shelf is reserved and nothing ordered",
        [one["family"] for one in kept] == [PUMPS_PART] and not orders,
        f"{len(kept)} {PUMPS_PART} reserved, {len(orders)} ordered",
    )
    visits = _of(state["visits"], PUMP)
    when = f", {visits[0]['technician_id']} in {visits[0]['arrives_h'] - state['now']:.0f} h" if visits else ""
    story.check("a technician is sent at once", len(visits) == 1, f"visits to {PUMP}: {len(visits)}{when}")


async def _part_comes(stage: Stage, story: Story) -> None:
    run, hours = await followed(stage, DELIVERED, PRESS, step_h=STEP_H, most_h=WEEK_H - STEP_H)
    if run is None:
        story.check("the part comes", False, f"nothing was delivered for {PRESS} within {hours} simulated hours")
        return
    data = run["event"]["data"]
    late = f", {data['hours_late']:.0f} h late" if data["hours_late"] > 0 else " in time"
    story.ran(f"Within {hours} simulated hours the {data['part_family']} comes from {data['supplier']}{late}", run)
    state = await stage.world("/_world/state")
    visits, (order,) = _of(state["visits"], PRESS), _of(state["orders"], PRESS)
    story.check(
        "a technician is sent when the part is there",
        len(visits) == 1 and visits[0]["booked_h"] >= order["delivered_h"],
        f"visits to {PRESS}: {len(visits)}, the part came in hour {order['delivered_h']:.0f}",
    )


async def _week_ends(stage: Stage, story: Story) -> None:
    now = (await stage.world("/_world/state"))["now"]
    await stage.tell_world("/_world/advance", hours=WEEK_H + 1 - now)
    await stage.until_idle()
    await look_again(stage, story)
    state = await stage.world("/_world/state")
    affairs = {affair["machine_id"]: affair for affair in state["affairs"]}
    for machine in (PRESS, PUMP):
        results = [visit["result"] for visit in _of(state["visits"], machine)]
        stood = f"stood still {affairs[machine]['downtime_h']:.0f} h, visits: {', '.join(map(str, results)) or 'none'}"
        story.check(f"{machine} is repaired in one visit", results == ["repaired"], stood)
    failed_h = affairs[PUMP]["failed_h"]
    seen = f"{PUMP} did not" if failed_h is None else f"{PUMP} did in hour {failed_h:.0f}"
    story.check("what is repaired in time does not break down", failed_h is None, seen)
    _check_outcomes(story, affairs[PRESS])


def _check_outcomes(story: Story, affair: dict[str, Any]) -> None:
    """Whether the first run has both outcomes, graded as the world's figures say."""
    outcomes = {outcome["type"]: outcome["rewards"] for outcome in story.runs[0]["outcomes"]}
    story.check(
        "the outcomes are joined to the run that caused them",
        {WEEK_CLOSED, DELIVERY_CLOSED} <= set(outcomes),
        "; ".join(f"{type_}, {rewarded(rewards)}" for type_, rewards in outcomes.items()) or "none came",
    )
    uptime = outcomes.get(WEEK_CLOSED, {}).get("uptime")
    expected = max(0.0, 1.0 - affair["downtime_h"] / FULL_DOWNTIME_H)
    story.check(
        "the grade is what the machine's standstill earns",
        uptime is not None and abs(uptime - expected) < 0.01,
        f"uptime {uptime} for {affair['downtime_h']:.1f} h",
    )


def _in_order(run: dict[str, Any], first: str, then: str, machine: str) -> tuple[bool, str]:
    """Whether one tool was called for the machine, and another only afterwards."""
    done = [
        effect["tool"]
        for effect in run["effects"]
        if effect["state"] == "done" and effect["arguments"].get("machine_id") == machine
    ]
    held = first in done and then in done and done.index(first) < done.index(then)
    return held, " -> ".join(tool for tool in done if tool in (first, then)) or "neither was called"


def _of(rows: list[dict[str, Any]], machine: str) -> list[dict[str, Any]]:
    return [row for row in rows if row["machine_id"] == machine]
