"""Who may do what: the table in docs/console.md holds at every door, whatever a page, a chat or a client sends."""

from __future__ import annotations

import itertools
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from agent.operating.types import Asks, Returned
from agent.roles import ROLES, Role, Scope
from agent.store.waits import WaitKind
from api import shapes_inbox
from tests.console.clicks import (
    CLICKS,
    KIND,
    NUMBERS,
    Click,
    in_doubt,
    item,
    open_adding,
    open_approval,
    open_doubt,
    open_letter,
    open_pause,
    open_sources,
    paused,
    subject,
    waiting,
)
from tests.console.doors import Doors, Opened, until
from tests.operating.tool_company import live
from tools.types import JsonObject

DOCUMENT = Path(__file__).parent.parent.parent / "docs" / "console.md"
pytestmark = pytest.mark.asyncio(loop_scope="module")


@dataclass(frozen=True, kw_only=True)
class Line:
    """A line of the table."""

    act: str
    scope: str
    roles: frozenset[str]


def table() -> dict[str, Line]:
    """What the document says, by act."""
    section = DOCUMENT.read_text().partition("## Who may do what")[2].partition("\n## ")[0]
    rows = [[cell.strip() for cell in one.strip("|").split("|")] for one in section.splitlines() if one.startswith("|")]
    head, _, *lines = rows
    assert head == ["act", "scope", *ROLES]
    assert {cell for one in lines for cell in one[2:]} == {"yes", "no"}
    return {
        one[0]: Line(
            act=one[0],
            scope=one[1].strip("`"),
            roles=frozenset(role for role, cell in zip(head[2:], one[2:], strict=True) if cell == "yes"),
        )
        for one in lines
    }


TABLE = table()
ROUTES: Mapping[str, tuple[tuple[str, str], ...]] = {
    "see everything, ask the chat": (("POST", "/v1/chat"),),
    "send an event": (("POST", "/v1/events"),),
    "pause, resume": (("POST", "/v1/pauses"), ("POST", "/v1/pauses/resume")),
    "cancel a run": (("POST", "/v1/runs/{run}/cancel"),),
    "settle an effect in doubt": (("POST", "/v1/effects/{key}/settle"),),
    "replay or discard a dead letter": (
        ("POST", "/v1/dead-letters/{run}/replay"),
        ("POST", "/v1/dead-letters/{run}/discard"),
    ),
    "take or assign what waits": (("POST", "/v1/inbox/{kind}/{item}/assign"),),
    "judge a run": (("POST", "/v1/runs/{run}/outcome"),),
    "answer an approval or a question": (("POST", "/v1/approvals/{approval}"),),
    "switch memory off or on": (("POST", "/v1/memory/switches"),),
    "revoke or restore a source": (("POST", "/v1/memory/revocations"), ("POST", "/v1/memory/revocations/restore")),
    "distil, edit or retire lessons": (
        ("POST", "/v1/memory/lessons/distil"),
        ("POST", "/v1/memory/lessons/{lesson}/edit"),
        ("POST", "/v1/memory/lessons/{lesson}/retire"),
    ),
    "tidy memory, keep an episode": (("POST", "/v1/memory/tidy"), ("POST", "/v1/memory/episodes/{episode}/keep")),
    "ask an address for the tools it offers": (),
}
CHAT: Mapping[str, str] = {
    "send_event": "send an event",
    "answer_approval": "answer an approval or a question",
    "settle_effect": "settle an effect in doubt",
    "pause": "pause, resume",
    "resume": "pause, resume",
    "cancel_run": "cancel a run",
}


async def test_the_table_is_what_roles_are(doors: Doors) -> None:
    assert {one.scope for one in TABLE.values()} == set(ROLES["admin"])
    for line in TABLE.values():
        assert line.roles == {role for role, scopes in ROLES.items() if line.scope in scopes}, line.act


async def test_every_route_permits_whom_the_table_names_and_tells_the_others_what_they_lack(doors: Doors) -> None:
    document = (await doors.http.get("/openapi.json")).json()["paths"]
    acting = {(method.upper(), path) for path, ways in document.items() for method in ways if method != "get"}
    assert acting == {route for routes in ROUTES.values() for route in routes}, "a route is not in the table"
    for act, routes in ROUTES.items():
        for (method, path), role in itertools.product(routes, ROLES):
            assert document[path][method.lower()]["security"][0] == {"HTTPBearer": [TABLE[act].scope]}
            answer = await doors.ask(role, method, path.replace("{", "").replace("}", ""), {})
            assert (answer.status_code != 403) == (role in TABLE[act].roles), (act, path, role, answer.text)
            if answer.status_code == 403:
                told = answer.json()["detail"]
                assert f"lacks the scope '{TABLE[act].scope}', which the role" in told
                assert all(one in told for one in TABLE[act].roles)


async def test_every_page_and_reading_route_is_for_all_roles(doors: Doors) -> None:
    document = (await doors.http.get("/openapi.json")).json()["paths"]
    for path, ways in document.items():
        if "get" in ways and path.startswith("/v1/"):
            assert ways["get"]["security"][0] == {"HTTPBearer": ["read"]}, path
    for role in ROLES:
        doors.become(role)
        for page in ("/", "/runs", "/inbox", "/chat", "/memory", "/portfolio", "/portfolio/add", "/activity"):
            await doors.open(page)


async def test_what_was_asked_for_in_the_chat_is_done_only_for_whom_the_table_names(doors: Doors) -> None:
    """The confirmation was made for an admin; by the time it is answered the key has another role."""
    acting = {name for name, scope in doors.chat.scopes.items() if scope != "read"}
    assert acting == set(CHAT), "an act of the chat is not in the table"
    for name, act in CHAT.items():
        assert doors.chat.scopes[name] == TABLE[act].scope
        for role in ROLES:
            state = await confirmed(doors, role, name, await wish(doors, name))
            assert (state == "done") == (role in TABLE[act].roles), (name, role, state)
            assert state in ("done", "refused")
            await doors.company.segue.pauses.resume("default", "event", KIND, by="tim")


async def wish(doors: Doors, name: str) -> JsonObject:
    """Arguments of something that can be done."""
    if name == "send_event":
        return {"type": KIND, "subject": subject(), "data": {"message": "late", "do": []}}
    if name == "answer_approval":
        return {"approval": (await waiting(doors))["approvals"][0]["id"], "answer": "reject"}
    if name == "settle_effect":
        return {"key": await in_doubt(doors), "state": "done"}
    if name == "cancel_run":
        return {"run": (await waiting(doors))["id"]}
    if name == "resume":
        await paused(doors)
    return {"scope": "event_type", "name": KIND}


async def confirmed(doors: Doors, role: Role, name: str, arguments: JsonObject) -> str:
    """What becomes of an act that an admin asked for once the same person confirms it in that role."""
    doors.wanted.append((name, arguments))
    thread = f"t-{next(NUMBERS)}"
    told = [event async for event in doors.chat.ask(doors.asker("admin"), thread, "do it")]
    (asked,) = [one.confirmation.id for one in told if isinstance(one, Asks)]
    told = [event async for event in doors.chat.answer(doors.asker(role), thread, {asked: True})]
    (returned,) = [one.state for one in told if isinstance(one, Returned)]
    return returned


@pytest.mark.parametrize("click", CLICKS, ids=lambda one: one.act)
async def test_a_click_does_only_what_the_table_permits_though_the_page_offered_it(doors: Doors, click: Click) -> None:
    """The page was made for an admin, so that each click arrives; by then the key has another role."""
    line = TABLE[click.act]
    doors.become("admin")
    page, about = await click.open(doors)
    for role in ROLES:
        doors.become(role)
        page.forget()
        await click.press(page)
        if role in line.roles:
            await until(lambda about=about: click.done(doors, about))
            assert page.told.count("lacks the scope") == 0
            if role != "admin":
                doors.become("admin")
                page, about = await click.open(doors)
        else:
            await until(lambda page=page: _told(page))
            assert f"lacks the scope '{line.scope}', which the role" in page.told
            assert not await click.done(doors, about)


async def test_only_who_may_answer_it_is_given_a_thing_and_the_second_is_told_who_has_it(doors: Doors) -> None:
    name = (await waiting(doors))["approvals"][0]["id"]
    path = f"/v1/inbox/approval/{name}/assign"
    asked: list[tuple[Role, JsonObject, int, str]] = [
        ("operator", {}, 422, "'operator' has no key with the scope 'approve', which whoever answers this needs"),
        ("operator", {"to": "viewer"}, 422, "Right: admin, ann, approver."),
        ("operator", {"to": "approver"}, 200, "approver"),
        ("admin", {}, 409, "'approver' has approval"),
        ("admin", {"from": "approver"}, 200, "admin"),
        ("approver", {"to": None}, 409, "'admin' has approval"),
        ("approver", {"to": None, "form": "admin"}, 422, "form"),
        ("approver", {"to": None, "from": "admin"}, 200, "null"),
        ("approver", {}, 200, "approver"),
    ]
    for role, body, status, told in asked:
        answer = await doors.ask(role, "POST", path, body)
        assert (answer.status_code, told in answer.text) == (status, True), (role, body, answer.text)
        if status == 200:
            shapes_inbox.AssignmentShown.model_validate(answer.json())
    mine = [await doors.ask(role, "GET", "/v1/inbox?whose=mine&limit=200", None) for role in ("approver", "admin")]
    assert [name in [one["id"] for one in answer.json()["items"]] for answer in mine] == [True, False]
    doors.become("operator")
    page, _ = await item(doors, "approval", name)
    assert not page.has("Take it"), "whoever may not answer it is not offered to take it"
    assert page.has("Give it")


async def _told(page: Opened) -> str:
    return page.told


@pytest.mark.parametrize("role", ROLES)
async def test_a_page_offers_what_the_role_permits(doors: Doors, role: Role) -> None:
    offers: dict[Scope, list[tuple[Callable[[Doors], Awaitable[tuple[Opened, Any]]], str]]] = {
        "approve": [(open_approval, "Approve")],
        "steer": [(open_doubt, "It happened"), (open_letter, "Give it up"), (open_pause, "End the pause")],
        "govern": [(open_sources, "Revoke"), (open_adding, "Look at it")],
    }
    for one in (await doors.company.segue.sources.list("default", "revoked", None, 9)).items:
        await doors.company.segue.sources.restore("default", one["source"], by="tim", reason=None)
    doors.become(role)
    for scope, places in offers.items():
        for opening, words in places:
            page, _ = await opening(doors)
            assert page.has(words) == (scope in ROLES[role]), (role, words)
            await doors.company.segue.pauses.resume("default", "event", KIND, by="tim")


async def test_a_page_that_was_left_reads_nothing_until_it_is_back_and_then_all(
    doors: Doors, monkeypatch: pytest.MonkeyPatch
) -> None:
    doors.become("admin")
    page = await doors.open("/runs")
    desk, asked = doors.company.segue.desk, 0
    read = desk.wait_numbers
    waiting = sum((await read("default")).values())

    async def counted(tenant: str) -> dict[WaitKind, int]:
        nonlocal asked
        asked += 1
        return dict(await read(tenant))

    async def told(number: int) -> bool:
        return page.says(str(number))

    monkeypatch.setattr(desk, "wait_numbers", counted)
    await live(doors.company, subject(), ["pay_back"], amount=5)
    await until(lambda: told(waiting + 1))
    page.client.handle_disconnect("socket")
    await live(doors.company, subject(), ["pay_back"], amount=5)
    before = asked
    await live(doors.company, subject(), ["pay_back"], amount=5)
    assert (asked, page.says(str(waiting + 3))) == (before, False)
    await page.client.handle_handshake("another", "tab", None, "document", None)
    await until(lambda: told(waiting + 3))
    assert asked > before
