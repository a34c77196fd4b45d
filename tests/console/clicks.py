"""Clicks on pages by whoever may do it, or may not: what is opened, pressed, and done. Start with `CLICKS`."""

from __future__ import annotations

import itertools
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from agent.store.queries import Shown
from tests.agent.company import dies
from tests.console.doors import Doors, Opened, until
from tests.operating.tool_company import live

KIND = "customer.upset"
NUMBERS = itertools.count()


def subject() -> str:
    """One that nobody had before."""
    return f"c-{next(NUMBERS)}"


async def waiting(doors: Doors) -> Shown:
    """A run that waits for an approval."""
    return await live(doors.company, subject(), ["pay_back"], amount=5)


async def in_doubt(doors: Doors) -> str:
    """The key of an unknown effect; a call that went well is before it, so that the tool is not given a rest."""
    await live(doors.company, subject(), ["book_call"])
    doors.company.ledger.faults["book_call"] = [dies]
    run = await live(doors.company, subject(), ["book_call"])
    return str(run["effects"][0]["key"])


async def letter(doors: Doors) -> str:
    """A run that failed for good."""
    return str((await live(doors.company, subject(), [], crash=True))["id"])


async def paused(doors: Doors) -> None:
    """An event type that is paused."""
    await doors.company.segue.pauses.pause("default", "event", KIND, by="tim", reason=None)


@dataclass(frozen=True, kw_only=True)
class Click:
    """An act of the console."""

    act: str
    open: Callable[[Doors], Awaitable[tuple[Opened, Any]]]
    """A page on which it is offered to an admin, and what it is about."""
    press: Callable[[Opened], Awaitable[None]]
    done: Callable[[Doors, Any], Awaitable[bool]]


async def item(doors: Doors, kind: str, name: str) -> tuple[Opened, str]:
    """The inbox with something open."""
    return await doors.open(f"/inbox?{kind}={name}"), name


def pressing(*words: str) -> Callable[[Opened], Awaitable[None]]:
    """Click one after the other; what comes up after a click is waited for."""

    async def press(page: Opened) -> None:
        for one in words:
            await until(lambda one=one: _has(page, one))
            page.press(one)

    return press


async def _has(page: Opened, words: str) -> bool:
    return page.has(words)


async def open_approval(doors: Doors) -> tuple[Opened, str]:
    return await item(doors, "approval", (await waiting(doors))["approvals"][0]["id"])


async def _answered(doors: Doors, name: str) -> bool:
    return bool((await doors.company.segue.approval("default", name))["state"] != "pending")


async def _assigned(doors: Doors, name: str) -> bool:
    return await doors.company.segue.assigning.of("default", "approval", name) is not None


async def open_doubt(doors: Doors) -> tuple[Opened, str]:
    return await item(doors, "effect", await in_doubt(doors))


async def _settled(doors: Doors, key: str) -> bool:
    return bool((await doors.company.segue.desk.effect("default", key))["state"] != "unknown")


async def _doubt_of_run(doors: Doors) -> tuple[Opened, str]:
    key = await in_doubt(doors)
    page = await doors.open(f"/runs/{key.partition(':')[0]}")
    await pressing("Say what became of it")(page)
    return page, key


async def _settle_in_run(page: Opened) -> None:
    page.submit(state="done", result="", reason="")


async def open_letter(doors: Doors) -> tuple[Opened, str]:
    return await item(doors, "letter", await letter(doors))


async def _acted(doors: Doors, run: str) -> bool:
    return bool((await doors.company.segue.dead.show("default", run))["changed_by"] == "ann")


async def open_pause(doors: Doors) -> tuple[Opened, str]:
    await paused(doors)
    return await item(doors, "pause", f"event:{KIND}")


async def _resumed(doors: Doors, name: str) -> bool:
    return not await doors.company.segue.pauses.list("default")


async def _run(doors: Doors) -> tuple[Opened, str]:
    run = await waiting(doors)
    return await doors.open(f"/runs/{run['id']}"), str(run["id"])


async def _cancelling(doors: Doors) -> tuple[Opened, str]:
    page, run = await _run(doors)
    await pressing("Cancel this run")(page)
    return page, run


async def _cancelled(doors: Doors, run: str) -> bool:
    return bool((await doors.company.segue.run("default", run))["status"] == "cancelled")


async def _judge(page: Opened) -> None:
    page.submit(which="up", reason="")


async def _judged(doors: Doors, run: str) -> bool:
    return bool((await doors.company.segue.run("default", run))["outcomes"])


async def open_sources(doors: Doors) -> tuple[Opened, None]:
    await waiting(doors)
    page = await doors.open(f"/memory?type={KIND}")
    await until(lambda: _listed(page))
    return page, None


async def _listed(page: Opened) -> bool:
    """Whether the sources are there, which are read once the page is open."""
    return page.says("heard") or page.says("revoked")


async def open_adding(doors: Doors) -> tuple[Opened, None]:
    return await doors.open("/portfolio/add"), None


async def _asked(doors: Doors, _: None) -> bool:
    """Whether the address was asked; nothing answers there, and the page says so."""
    return doors.page is not None and any(
        "127.0.0.1:9" in str(getattr(one, "text", "")) and "cannot be read" in str(getattr(one, "text", ""))
        for one in doors.page.client.elements.values()
    )


async def _ask_address(page: Opened) -> None:
    page.submit(address="http://127.0.0.1:9/openapi.json")


async def _revoke(page: Opened) -> None:
    await pressing("Revoke")(page)
    await until(lambda: _has(page, "Revoke it"))
    page.submit()


async def _revoked(doors: Doors, _: None) -> bool:
    return bool((await doors.company.segue.sources.list("default", "revoked", None, 9)).items)


async def _chat(doors: Doors) -> tuple[Opened, str]:
    about = subject()
    doors.wanted.append(("send_event", {"type": KIND, "subject": about, "data": {"message": "late", "do": []}}))
    page = await doors.open("/chat")
    page.say("do it")
    await until(lambda: _has(page, "Yes, do exactly this"))
    await until(lambda: _quiet(doors))
    return page, about


async def _quiet(doors: Doors) -> bool:
    """Whether the chat answers nobody."""
    return doors.chat.answering == 0


async def _sent(doors: Doors, about: str) -> bool:
    return await doors.company.segue.desk.subject("default", about) is not None


CLICKS = (
    Click(act="send an event", open=_chat, press=pressing("Yes, do exactly this"), done=_sent),
    Click(act="answer an approval or a question", open=open_approval, press=pressing("Approve"), done=_answered),
    Click(act="answer an approval or a question", open=open_approval, press=pressing("Say no"), done=_answered),
    Click(act="settle an effect in doubt", open=open_doubt, press=pressing("It happened"), done=_settled),
    Click(act="settle an effect in doubt", open=_doubt_of_run, press=_settle_in_run, done=_settled),
    Click(act="replay or discard a dead letter", open=open_letter, press=pressing("Handle it again"), done=_acted),
    Click(act="replay or discard a dead letter", open=open_letter, press=pressing("Give it up"), done=_acted),
    Click(act="take or assign what waits", open=open_approval, press=pressing("Take it"), done=_assigned),
    Click(act="pause, resume", open=open_pause, press=pressing("End the pause"), done=_resumed),
    Click(act="cancel a run", open=_cancelling, press=pressing("Cancel the run"), done=_cancelled),
    Click(act="judge a run", open=_run, press=_judge, done=_judged),
    Click(act="ask an address for the tools it offers", open=open_adding, press=_ask_address, done=_asked),
    Click(act="revoke or restore a source", open=open_sources, press=_revoke, done=_revoked),
)
