"""What a run's codes, deciders and verdicts mean. Start with `END_WORDS`."""

from __future__ import annotations

from collections.abc import Mapping

from agent.operating.wording import listed
from agent.store.queries import Shown
from agent.types import REFLEX
from api.terminal import line

END_WORDS: Mapping[str, str] = {
    "finished": "Whoever decided wanted nothing more.",
    "cancelled": "A person cancelled it.",
    "expired": "It could not start in the time its event type allows.",
    "limit_decisions": "It used up the decisions it may make.",
    "limit_calls": "It used up the calls it may make.",
    "limit_seconds": "It used up the time it may take.",
    "limit_tokens": "It used up the tokens it may use.",
    "unknown_event_type": "The portfolio does not know its event type any more.",
    "internal_error": "A fault of Segue itself; its log says more.",
    "model_unavailable": "The chat model could not be reached.",
    "model_timeout": "The chat model did not answer in time.",
    "model_unauthorized": "The chat model's service refused the key.",
    "model_bad_request": "The chat model's service refused the request.",
    "model_answer_unreadable": "The chat model's answer could not be read.",
    "model_empty_answer": "The chat model answered nothing, twice.",
    "model_cut_off": "The chat model's answer was cut off.",
    "model_refused": "The chat model refused to answer.",
}
VERDICTS: Mapping[str, str] = {
    "permitted": "permitted",
    "approval": "needs an approval",
    "refused": "refused by policy",
    "rejected": "turned down by a person",
}


def decided(by: str) -> str:
    """Who, at the beginning of a sentence."""
    known = {"planner": "The planner", "operator": "An operator", REFLEX: "The reflex (a proven plan, used again)"}
    return known.get(by, f"The model {line(by, 60)}")


def wanted(decision: Shown) -> str:
    """What: `decided on pause_mail and book_call`."""
    if decision["kind"] == "ask":
        return "asked a person"
    actions = [line(call["action"], 80) for call in decision["calls"] if call["decided_by"] != "operator"]
    if actions:
        return f"decided on {listed(list(dict.fromkeys(actions)))}"
    return "wanted nothing more" if decision["kind"] == "finish" else "decided on nothing"
