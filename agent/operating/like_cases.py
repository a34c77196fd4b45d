"""Which like cases memory recalled for a run, and how they ended by now. Start with `like_cases`."""

from __future__ import annotations

from agent.operating import asked
from agent.operating.cases import Case, case_lines, endings
from agent.operating.types import Asker, Card, Found
from agent.operating.wording import lines, number, plain, small, when
from agent.service import Segue
from agent.store.chat_queries import RunSearch
from agent.store.queries import Shown
from tools.types import JsonObject

LATEST = 20
"""Runs among which one with like cases is looked for."""
TOLD = 8


async def like_cases(segue: Segue, asker: Asker, arguments: JsonObject) -> Found:
    """Of the run that is named, of the latest about a subject, or of the latest of all that had any."""
    now = segue.desk.now()
    run, recalled = await _run(segue, asker, arguments)
    if run is None:
        words = "There are no runs yet, so there are no like cases. Send an event first."
        return Found(data={"total": 0, "items": []}, words=words, suggestions=("what can you do?",))
    names = list(dict.fromkeys(name for one in recalled.values() for name in one["episodes"]))
    known = await segue.desk.cases(asker.tenant, names)
    cases = [known[name] for name in names if name in known]
    about = f"run {run['id']} about {plain(run['event']['subject'])}, {when(run['created_at'], now)}"
    if not cases:
        why = await _why_none(segue, run)
        return Found(
            data={"run": run["id"], "total": 0, "items": []},
            words=f"No like cases were recalled for {about}: {why}",
            suggestions=(f"explain run {run['id']}", "what did we learn this week?"),
        )
    ended = endings(cases)
    by_action = [_of_action(action, one, known) for action, one in sorted(recalled.items())]
    return Found(
        data=small(
            {
                "run": run["id"],
                "total": len(cases),
                **ended.row(),
                "by_action": {action: _counted(one, known, action) for action, one in recalled.items()},
                "items": [one.row() for one in cases],
            }
        ),
        words=lines(
            f"{number(len(cases), 'like case')} of {about}: {ended.words()}.",
            by_action,
            case_lines(cases, now, most=TOLD),
        ),
        cards=(Card(kind="run", id=run["id"], title=f"about {plain(run['event']['subject'])}"),),
        suggestions=(f"explain run {run['id']}", "what did we learn this week?"),
    )


async def _run(segue: Segue, asker: Asker, arguments: JsonObject) -> tuple[Shown | None, dict[str, Shown]]:
    """The run, and what memory told it by action."""
    name = asked.id_(arguments, "run")
    if name is not None:
        run = await segue.run(asker.tenant, name)
        return run, await _recalled(segue, run)
    given = asked.text(arguments, "subject")
    subject = None if given is None else await asked.known_subject(segue, asker, given)
    found = (await segue.desk.runs(asker.tenant, RunSearch(subject=subject), LATEST)).items
    if not found:
        return None, {}
    for run in found:
        recalled = await _recalled(segue, run)
        if recalled:
            return run, recalled
    return found[0], {}


async def _recalled(segue: Segue, run: Shown) -> dict[str, Shown]:
    """By action, with every episode that any of the run's decisions was told of."""
    told: dict[str, Shown] = {}
    for decision in await segue.desk.evidence(run["id"]):
        for action, one in (decision["evidence"] or {}).items():
            before = told.get(action, {"episodes": []})["episodes"]
            told[action] = {**one, "episodes": list(dict.fromkeys([*before, *one["episodes"]]))}
    return told


async def _why_none(segue: Segue, run: Shown) -> str:
    made = await segue.desk.evidence(run["id"])
    if not made:
        return "nothing is decided in it yet."
    degraded = next((one["degraded"] for one in made if one["degraded"]), None)
    if degraded is not None:
        return f"memory could not be asked ({plain(degraded)})."
    if made[-1]["arm"] == "control":
        return "it was decided without memory, so that runs with memory can be compared."
    return "memory knew none with an outcome. Ask again when outcomes of like runs have come."


def _of_action(action: str, told: Shown, known: dict[str, Case]) -> str:
    cases = [known[name] for name in told["episodes"] if name in known]
    counted = endings(cases, action).words() if cases else "only far ones speak"
    weight = f"weight for it {told['success']:.2f}, against it {told['failure']:.2f}"
    return f"Of {plain(action)}: {counted}; {weight}."


def _counted(told: Shown, known: dict[str, Case], action: str) -> JsonObject:
    cases = [known[name] for name in told["episodes"] if name in known]
    return {**endings(cases, action).row(), "success": told["success"], "failure": told["failure"]}
