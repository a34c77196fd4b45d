"""Finds runs and tells them. Start with `find_runs`, then `explain_run`."""

from __future__ import annotations

from datetime import datetime

from agent.operating import asked, run_stories
from agent.operating.cases import case_lines, endings
from agent.operating.types import Asker, Found
from agent.operating.wording import lines, number, plain, rows, small, span
from agent.portfolio.mistakes import suggest
from agent.service import Segue
from agent.store.chat_queries import RunSearch
from agent.store.queries import Shown
from tools.errors import ToolError
from tools.types import JsonObject

STATUSES = ("queued", "running", "waiting", "done", "stopped", "failed", "cancelled")
TOLD = 5
MOST = 20


async def find_runs(segue: Segue, asker: Asker, arguments: JsonObject) -> Found:
    """What happened, as short stories, newest first."""
    now = segue.desk.now()
    wanted = await _search(segue, asker, arguments, now)
    most = asked.limit(arguments, TOLD, MOST)
    found = await segue.desk.runs(asker.tenant, wanted, most)
    about = _about(wanted, now)
    if not found.items:
        return _nothing(wanted, about)
    rewards = await segue.desk.rewards([run["id"] for run in found.items])
    head = f"{number(found.total, 'run')} {about}".strip()
    if found.total > len(found.items):
        head += f"; the latest {len(found.items)}"
    stories = [line for run in found.items for line in run_stories.short(run, rewards.get(run["id"]), now)]
    return Found(
        data=rows([run_stories.row(run, rewards.get(run["id"])) for run in found.items], found.total),
        words=lines(f"{head}:", stories),
        cards=tuple(run_stories.card(run) for run in found.items),
        suggestions=(f"explain run {found.items[0]['id']}", "how did like cases end?", "what is waiting for me?"),
    )


async def _search(segue: Segue, asker: Asker, arguments: JsonObject, now: datetime) -> RunSearch:
    subject, kind = asked.text(arguments, "subject"), asked.text(arguments, "event_type")
    status, tool = asked.text(arguments, "status"), asked.text(arguments, "tool")
    if kind is not None and kind not in segue.portfolio.events:
        hint = suggest(plain(kind), segue.portfolio.events, "The portfolio has no event types.")
        raise ToolError(f"there is no event type {plain(kind)!r}. {hint}")
    return RunSearch(
        subject=None if subject is None else await asked.known_subject(segue, asker, subject),
        event_type=kind,
        status=None if status is None else asked.one_of(arguments, "status", STATUSES),
        tool=None if tool is None else await asked.known_action(segue, asker, tool),
        window=asked.window(arguments, now),
    )


def _about(wanted: RunSearch, now: datetime) -> str:
    window = wanted.window
    parts = [
        None if wanted.event_type is None else f"of type {plain(wanted.event_type)}",
        None if wanted.subject is None else f"about {plain(wanted.subject)}",
        None if wanted.status is None else f"that are {wanted.status}",
        None if wanted.tool is None else f"that called {plain(wanted.tool)}",
        None if window.since is None and window.until is None else span(window.since, window.until, now),
    ]
    return " ".join(part for part in parts if part is not None)


def _nothing(wanted: RunSearch, about: str) -> Found:
    everything = not about
    words = "There are no runs yet. Send an event, for example with: send a test event."
    if not everything:
        words = f"There are no runs {about}."
        if wanted.window.since is not None or wanted.window.until is not None:
            words += " Ask for a longer time, or for one without a beginning."
    return Found(data=rows([]), words=words, suggestions=("what can you do?", "what is waiting for me?"))


async def explain_run(segue: Segue, asker: Asker, arguments: JsonObject) -> Found:
    """One run with everything that is known of it."""
    now = segue.desk.now()
    name = asked.id_(arguments, "run")
    if name is None:
        raise ToolError(f"run is missing. Right: the id of a run, such as {asked.EXAMPLE}.")
    run = await segue.run(asker.tenant, name)
    reward = (await segue.desk.rewards([run["id"]])).get(run["id"])
    recalled = await _recalled(segue, asker, run, now)
    tools = sorted({one["tool"] for one in run["effects"]})
    why = [f"why was {plain(tool)} called in run {run['id']}?" for tool in tools[:1]]
    return Found(
        data=small({**run_stories.row(run, reward), "arm": run["arm"], "outcomes": run["outcomes"]}),
        words=lines(run_stories.whole(run, reward, recalled, now)),
        cards=(run_stories.card(run),),
        suggestions=(*why, f"how did like cases of run {run['id']} end?"),
    )


async def _recalled(segue: Segue, asker: Asker, run: Shown, now: datetime) -> list[str]:
    """What memory had to say of each action, and how those cases ended."""
    if not run["decisions"]:
        return ["Nothing was decided." if run["closed_at"] else "Nothing is decided yet."]
    if not run["evidence"]:
        control = run["arm"] == "control"
        return ["It was decided without memory, to compare." if control else "Memory knew nothing like it."]
    told: list[str] = []
    for one in run["evidence"]:
        names: list[str] = one["episodes"]
        cases = await segue.desk.cases(asker.tenant, names)
        action = str(one["action"])
        kept = [cases[name] for name in names if name in cases]
        if kept:
            counted = endings(kept, action).words()
            told.append(f"Memory of {plain(action)}: of {number(len(kept), 'like case')} {counted}:")
            told += case_lines(kept, now, action, most=2)
    return told
