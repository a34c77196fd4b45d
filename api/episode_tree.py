"""An episode as a tree for the terminal. Start with `episode_tree`; it takes what its route answers."""

from __future__ import annotations

from typing import Any

from rich.text import Text
from rich.tree import Tree

from api.terminal import compact, line

WIDE = 400
NAMED = 5
"""Episodes of the evidence that are named."""


def episode_tree(shown: dict[str, Any]) -> Tree:
    """What it was, what was done, how that was decided, what came of it, and what it was used for."""
    tree = Tree(_text(f"episode {shown.get('id')}  {shown.get('event_type')} about {shown.get('subject')}", "bold"))
    tree.add(_text(f"{shown.get('source')} {shown.get('event_id')}  closed {shown.get('closed_at')}", "dim"))
    tree.add(_text(shown.get("text")))
    tree.add(_text(f"features: {compact(shown.get('features'), WIDE)}"))
    tree.add(_text(f"trust {_number(shown.get('trust'))}, {_where(shown)}", "dim"))
    _add_actions(tree, shown)
    for decision in shown.get("decisions") or ():
        _add_decision(tree, decision)
    _add_outcomes(tree, shown)
    _add_uses(tree, shown.get("uses") or {})
    return tree


def _where(shown: dict[str, Any]) -> str:
    tidied = shown.get("tidied") or {}
    if tidied.get("state") in ("old", "harmful", "unused"):
        return f"forgotten as {tidied['state']} since {tidied.get('since')}: {tidied.get('why')}"
    if tidied.get("state") == "member":
        return f"not in the index since {tidied.get('since')}: {tidied.get('why')}"
    note = {"voice": ", where it speaks for a crowd", "kept": f", kept by {tidied.get('kept_by')}"}
    where = "in the index" if shown.get("indexed") else "not in the index yet"
    return where + note.get(str(tidied.get("state")), "")


def _add_actions(tree: Tree, shown: dict[str, Any]) -> None:
    actions = shown.get("actions") or ()
    branch = tree.add(_text("done" if actions else "nothing was done"))
    for one in actions:
        expected = f", expected {_number(one['prior'])}" if one.get("prior") is not None else ""
        branch.add(_text(f"{one.get('action')}  by {one.get('decided_by')}{expected}"))
    for one in shown.get("declined") or ():
        branch.add(_text(f"{one}  declined by an operator", "red"))


def _add_decision(tree: Tree, decision: dict[str, Any]) -> None:
    branch = tree.add(_text(f"decision {decision.get('number')} by {decision.get('decided_by')}: {decision['reason']}"))
    for one in decision.get("evidence") or ():
        names = one.get("episodes") or ()
        more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
        branch.add(
            _text(
                f"recalled of {one.get('action')}: success {_number(one.get('success'))}, "
                f"failure {_number(one.get('failure'))}, surprise {_number(one.get('surprise'))}, "
                f"from {', '.join(names[:NAMED]) or 'far ones only'}{more}"
            )
        )


def _add_outcomes(tree: Tree, shown: dict[str, Any]) -> None:
    rewards = ", ".join(f"{goal} {_number(reward)}" for goal, reward in (shown.get("rewards") or {}).items())
    reward = f"reward {_number(shown.get('reward'))} ({rewards})" if rewards else "no outcome has come"
    branch = tree.add(_text(reward, "green" if rewards else "dim"))
    for one in shown.get("outcomes") or ():
        graded = compact(one.get("rewards"), WIDE)
        branch.add(_text(f"{one.get('type')} {one.get('time')}  {compact(one.get('data'), WIDE)}  {graded}"))


def _add_uses(tree: Tree, uses: dict[str, Any]) -> None:
    counted = ", ".join(
        f"{uses.get(verdict, 0)} {verdict.replace('_', ' ')}" for verdict in ("helped", "hurt", "not_followed", "open")
    )
    first = "" if uses.get("all_looked_at") else "the first "
    branch = tree.add(_text(f"used since: {counted}, in {first}{uses.get('runs_looked_at')} runs after it"))
    for one in (uses.get("latest") or ())[:NAMED]:
        words = f"run {one.get('run')}: {one.get('advice')} {one.get('action')}, "
        branch.add(_text(words + str(one.get("verdict")).replace("_", " ")))


def _text(words: object, style: str = "") -> Text:
    return Text("" if words is None else line(words, WIDE), style)


def _number(value: object) -> str:
    return f"{value:.2f}" if isinstance(value, int | float) else ""
