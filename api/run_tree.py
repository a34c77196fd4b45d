"""A run as a tree for the terminal. Start with `run_tree`; it takes what `GET /v1/runs/{id}` answers."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from rich.table import Table
from rich.text import Text
from rich.tree import Tree

from api.terminal import clean, compact, line, size, status

WIDE = 400


def run_tree(run: dict[str, Any]) -> Tree:
    """Event, evidence, decisions with candidates and calls, approvals, effects, outcomes."""
    tree = Tree(_words(("run ", ""), (run.get("id"), "bold"), ("  ", ""), status(run.get("status")), *_end(run)))
    event = run.get("event") or {}
    about = tree.add(_words((event.get("type"), "bold"), (" about ", ""), (event.get("subject"), "bold")))
    about.add(_words((f"{event.get('source')} {event.get('id')}  {event.get('time')}", "dim")))
    about.add(_words((compact(event.get("data"), WIDE), "")))
    if run.get("arm"):
        tree.add(_arm(run["arm"], run.get("swayed")))
    _add_evidence(tree, run.get("evidence") or ())
    for decision in run.get("decisions") or ():
        _add_decision(tree, decision)
    _add_approvals(tree, run.get("approvals") or ())
    _add_effects(tree, run.get("effects") or ())
    _add_outcomes(tree, run.get("outcomes") or ())
    if "stored_bytes" in run:
        tree.add(_words((f"stored: {size(run['stored_bytes'])}", "dim")))
    return tree


def _end(run: dict[str, Any]) -> list[tuple[object, str]]:
    end = run.get("end")
    return [(f"  {end.get('code')}: {end.get('detail') or ''}", "dim")] if isinstance(end, dict) else []


def _arm(arm: object, swayed: bool | None) -> Text:
    """Whether memory was used, and what that changed."""
    changed = "" if swayed is None else ": it would change what is decided" if swayed else ": it would change nothing"
    if arm == "control":
        return _words(("control arm, decided without memory", "yellow"), (changed, "dim"))
    return _words(("decided with memory", ""), (changed.replace("would change", "changes"), "dim"))


def _words(*parts: tuple[object, str] | Text) -> Text:
    """Pieces of one line, each in its style; what came from outside is cleaned and cut."""
    text = Text()
    for part in parts:
        if isinstance(part, Text):
            text.append_text(part)
        else:
            words, style = part
            text.append("" if words is None else clean(words)[:WIDE].replace("\n", " "), style)
    return text


def _add_evidence(tree: Tree, evidence: Iterable[dict[str, Any]]) -> None:
    found = list(evidence)
    branch = tree.add(Text("recalled" if found else "recalled: nothing like it", "" if found else "dim"))
    for one in found:
        words = (
            f"success {_number(one.get('success'))}, failure {_number(one.get('failure'))}, "
            f"{len(one.get('episodes') or ())} episodes"
        )
        branch.add(_words((one.get("action"), "bold"), (": ", ""), (words, "")))


def _add_decision(tree: Tree, decision: dict[str, Any]) -> None:
    branch = tree.add(
        _words(
            (f"decision {decision.get('number')} ", "bold"),
            (f"by {decision.get('decided_by')}: ", "dim"),
            (decision.get("reason"), ""),
        )
    )
    if decision.get("degraded"):
        branch.add(_words(("without memory: ", "red"), (decision["degraded"], "")))
    lessons = decision.get("lessons") or ()
    if lessons:
        branch.add(_words((f"shown lessons: {', '.join(str(one) for one in lessons)}", "dim")))
    candidates = decision.get("candidates") or ()
    if candidates:
        branch.add(_candidates(candidates))
    for call in decision.get("calls") or ():
        why = f"  {call['why']}" if call.get("why") else ""
        branch.add(
            _words(
                (call.get("tool"), "bold"),
                (" ", ""),
                (compact(call.get("arguments"), WIDE), ""),
                ("  ", ""),
                status(call.get("verdict")),
                (why, "dim"),
            )
        )


def _candidates(candidates: Iterable[dict[str, Any]]) -> Table:
    rows = list(candidates)
    by_chance = any(_chance(one.get("propensity")) for one in rows)
    table = Table(box=None, pad_edge=False, header_style="dim")
    taken = ("taken",) if by_chance else ()
    for column in ("", "candidate", "purpose", "prior", "success", "failure", "score", *taken, "why not"):
        table.add_column(column, overflow="fold")
    for one in rows:
        evidence = one.get("evidence") or {}
        table.add_row(
            Text("✓", "green") if one.get("chosen") else Text("·", "dim"),
            Text(line(one.get("action")), "" if one.get("permitted") else "dim strike"),
            Text(line(one.get("purpose") or "", 60)),
            Text(_number(one.get("prior"))),
            Text(_number(evidence.get("success"))),
            Text(_number(evidence.get("failure"))),
            Text(_number(one.get("score"))),
            *([Text(_chance(one.get("propensity")))] if by_chance else []),
            Text(line(one.get("why_not") or "", 80), "dim"),
        )
    return table


def _chance(propensity: object) -> str:
    """Of being taken; nothing where that was no matter of chance."""
    return f"{propensity:.1%}" if isinstance(propensity, float) and 0 < propensity < 1 else ""


def _add_approvals(tree: Tree, approvals: Iterable[dict[str, Any]]) -> None:
    for one in approvals:
        asked = one.get("question") or f"{one.get('tool')} {compact(one.get('arguments'), WIDE)}"
        branch = tree.add(
            _words((f"{one.get('kind')} ", "bold"), (one.get("id"), ""), ("  ", ""), status(one.get("state")))
        )
        branch.add(_words((asked, "")))
        if one.get("answered_by"):
            branch.add(_words((f"by {one['answered_by']}  {one.get('reason') or ''}", "dim")))


def _add_effects(tree: Tree, effects: Iterable[dict[str, Any]]) -> None:
    for one in effects:
        branch = tree.add(
            _words(
                ("effect ", ""),
                (one.get("tool"), "bold"),
                (" ", ""),
                (compact(one.get("arguments"), WIDE), ""),
                ("  ", ""),
                status(one.get("state")),
            )
        )
        branch.add(_words((f"{one.get('key')}  {one.get('started_at')}  attempts {one.get('attempts')}", "dim")))
        if one.get("error"):
            branch.add(_words(("error: ", "red"), (one["error"], "")))
        if "result" in one:
            branch.add(_result(one["result"]))
        if "verified" in one:
            branch.add(_words((f"reward by its own result: {float(one['verified']):.2f}", "dim")))
        settled = one.get("settled")
        if isinstance(settled, dict):
            branch.add(_words((f"settled by {settled.get('by')}  {settled.get('reason') or ''}", "dim")))


def _result(result: object) -> Text:
    if isinstance(result, dict) and result.get("large") is True and {"bytes", "digest", "preview"} <= result.keys():
        words = f"{size(result['bytes'])}, whole with segue effects result; it begins "
        return _words(("result: ", ""), (words, "dim"), (line(result["preview"], 120), ""))
    return _words(("result: ", ""), (compact(result, WIDE), ""))


def _add_outcomes(tree: Tree, outcomes: Iterable[dict[str, Any]]) -> None:
    for one in outcomes:
        branch = tree.add(_words(("outcome ", ""), (one.get("type"), "bold"), ("  ", ""), status(one.get("state"))))
        branch.add(_words((compact(one.get("data"), WIDE), "")))
        rewards = one.get("rewards") or {}
        if rewards:
            branch.add(
                _words(("reward: " + ", ".join(f"{goal} {_number(rewards[goal])}" for goal in rewards), "green"))
            )


def _number(value: object) -> str:
    return f"{value:.2f}" if isinstance(value, int | float) else ""
