"""An act in words, for people on a screen or a terminal. Start with `did`.

All of it comes from outside and is text: cut, and without control characters.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from agent.acts import Act
from agent.doors import Door
from api.terminal import line

DOORS: Mapping[Door, str] = {
    "console": "in the console",
    "chat": "in the chat",
    "api": "over HTTP",
    "segue": "by itself",
}
ACTS: Mapping[Act, str] = {
    "approved": "approved",
    "rejected": "rejected",
    "settled": "settled",
    "assigned": "assigned",
    "released": "given back",
    "cancelled": "cancelled",
    "replayed": "replayed",
    "discarded": "discarded",
    "judged": "judged",
    "paused": "paused",
    "resumed": "resumed",
    "event_sent": "event sent",
    "memory_off": "memory off",
    "memory_on": "memory on",
    "source_revoked": "source revoked",
    "source_restored": "source restored",
    "lesson_edited": "lesson edited",
    "lesson_retired": "lesson retired",
    "episode_kept": "episode kept",
    "settings_changed": "settings changed",
    "signed_in": "signed in",
    "signed_out": "signed out",
    "key_refused": "key refused",
}
"""Every act, as filters and lines name it."""
SHOWN = 80
Shown = Mapping[str, Any]


def did(one: Shown) -> str:
    """What was done, without who did it: `approved pay_back for c-1 with another amount`."""
    words = SAID.get(one["act"])
    return words(one) if words is not None else f"{line(one['act'], SHOWN)} {line(one['about'], SHOWN)}"


def why(one: Shown) -> str:
    """The reason that was given; empty if there is none."""
    return line(one["detail"].get("reason") or "", 300)


def more(one: Shown) -> list[str]:
    """What else there is to say, a line each."""
    detail = one["detail"]
    told = [line(change, 300) for change in detail.get("changes") or ()]
    if detail.get("more"):
        told.append(f"and {detail['more']} changes more")
    if one["act"] in ("lesson_edited", "lesson_retired"):
        told += [f"{word}: {line(detail[word], 300)}" for word in ("before", "after") if detail.get(word)]
    return told


def _tool(one: Shown) -> str:
    return line(one["detail"].get("tool") or "a call", SHOWN)


def _for(one: Shown) -> str:
    return f" for {line(one['subject'], SHOWN)}" if one["subject"] else ""


def _run(one: Shown) -> str:
    if one["subject"] is None:
        return f"run {line(one['run'] or one['about'], SHOWN)}"
    return f"the run {line(one['event_type'], SHOWN)} about {line(one['subject'], SHOWN)}"


def _answered(one: Shown) -> str:
    detail = one["detail"]
    if detail.get("asked") == "question":
        if one["act"] == "rejected":
            return f"rejected all that a question offered{_for(one)}"
        return f"answered a question with {_tool(one)}{_for(one)}"
    edited = ", ".join(line(name, 40) for name in detail.get("edited") or ())
    return f"{one['act']} {_tool(one)}{_for(one)}{f', {edited} edited' if edited else ''}"


def _settled(one: Shown) -> str:
    became = "happened" if one["detail"].get("state") == "done" else "did not happen"
    return f"settled {_tool(one)}{_for(one)}: it {became}"


def _assigned(one: Shown) -> str:
    detail, kind = one["detail"], {"run": "dead letter"}.get(one["kind"], str(one["kind"]))
    to, had = (None if detail.get(name) is None else line(detail[name], SHOWN) for name in ("to", "had"))
    what = f"the {kind}{_for(one)}"
    if to is None:
        return f"gave {what} back{'' if had == one['who'] else f', which {had} had'}"
    taken = f"took {what}" if to == one["who"] else f"gave {what} to {to}"
    return f"{taken}{f', which {had} had' if had else ''}"


def _judged(one: Shown) -> str:
    thumb = one["detail"].get("thumb")
    said = {"up": "well done", "down": "badly done"}.get(thumb, line(one["detail"].get("type") or "an outcome", SHOWN))
    return f"judged {_run(one)}: {said}"


def _paused(one: Shown) -> str:
    kind = str(one["kind"]).replace("_", " ")
    what = kind if kind == "everything" else f"the {kind} {line(one['about'], SHOWN)}"
    released = one["detail"].get("released")
    freed = f"; {released} {'run that' if released == 1 else 'runs that'} waited for it went on" if released else ""
    return f"{one['act']} {what}{freed}"


def _sent(one: Shown) -> str:
    kind = line(one["detail"].get("type") or "", SHOWN)
    return f"sent {kind} about {line(one['subject'], SHOWN)}" if one["subject"] else f"sent the outcome {kind}"


def _started(one: Shown) -> str:
    return "was started for the first time" if one["detail"].get("first") else "was started with another portfolio"


def _refused(one: Shown) -> str:
    times = one["detail"].get("times") or 1
    return f"was refused at the sign-in{f', {times} times' if times > 1 else ''}"


SAID: Mapping[str, Callable[[Shown], str]] = {
    "approved": _answered,
    "rejected": _answered,
    "settled": _settled,
    "assigned": _assigned,
    "released": _assigned,
    "cancelled": lambda one: f"cancelled {_run(one)}",
    "replayed": lambda one: f"had {_run(one)} handled again",
    "discarded": lambda one: f"gave up the dead letter of {_run(one)}",
    "judged": _judged,
    "paused": _paused,
    "resumed": _paused,
    "event_sent": _sent,
    "memory_off": lambda one: f"switched memory off for {line(one['about'], SHOWN)}",
    "memory_on": lambda one: f"switched memory on for {line(one['about'], SHOWN)}",
    "source_revoked": lambda one: f"revoked the source {line(one['about'], SHOWN)}",
    "source_restored": lambda one: f"restored the source {line(one['about'], SHOWN)}",
    "lesson_edited": lambda one: f"said a lesson about {line(one['detail'].get('type'), SHOWN)} in other words",
    "lesson_retired": lambda one: f"retired a lesson about {line(one['detail'].get('type'), SHOWN)}",
    "episode_kept": lambda one: f"had back the forgotten episode {line(one['about'], SHOWN)}",
    "settings_changed": _started,
    "signed_in": lambda one: "signed in",
    "signed_out": lambda one: "signed out",
    "key_refused": _refused,
}
"""By act; one that is not here is told by its name."""
