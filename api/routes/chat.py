"""The operators' chat over AG-UI (https://docs.ag-ui.com)."""

# No postponed annotations here: FastAPI reads them while the routes are made.

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Annotated, cast

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response, StreamingResponse

from agent.operating.types import Asker, ChatEvent
from agent.operators import OperatorsChat
from api.access import Bounds, Caller, Reader
from api.agui import Telling, on_the_wire
from api.bodies import read_form
from api.chat_forms import ChatForm
from api.event_stream import MEDIA_TYPE
from api.openapi import json_body, problems
from api.problems import Busy, Unavailable

router = APIRouter()

MOST_AT_ONCE = 64
"""Answers that are being made at the same time."""


async def _chat(request: Request) -> OperatorsChat:
    chat = cast("OperatorsChat | None", request.app.state.chat)
    if chat is None:
        raise Unavailable("this server has no chat")
    if chat.answering >= MOST_AT_ONCE:
        raise Busy(f"{MOST_AT_ONCE} answers are being made; ask again in a moment")
    return chat


Chat = Annotated[OperatorsChat, Depends(_chat)]


@router.post(
    "/v1/chat",
    tags=["chat"],
    response_class=Response,
    responses={
        **problems(
            s404="What is confirmed does not wait (any more).",
            s408="The body came too slowly.",
            s409="The conversation is being answered, or not all that waits is.",
            s413="The body is too large.",
            s415="The body is not JSON.",
            s503="Too many answers are being made, or there is no chat.",
        ),
        200: {"description": "Events of AG-UI, until RUN_FINISHED or RUN_ERROR.", "content": {MEDIA_TYPE: {}}},
    },
    openapi_extra=json_body(ChatForm),
)
async def chat(request: Request, chat: Chat, caller: Reader, limits: Bounds) -> Response:
    """Answer an operator's last message, or go on with what `resume` confirms; an input of AG-UI as server-sent events.

    Reading needs `read`; what acts is offered to keys with the scope of that act only, and waits for a confirmation.
    """
    form = await read_form(request, ChatForm, limits)
    asker = _asker(caller)
    answers = form.answers()
    if answers:
        events = chat.answer(asker, form.thread_id, answers, form.before())
    else:
        events = chat.ask(asker, form.thread_id, form.question(), form.before())
    # Asked for here, so that what cannot be answered at all is a problem and no stream.
    first = await anext(events)
    return StreamingResponse(
        _stream(Telling(form.thread_id, form.run_id), first, events),
        media_type=MEDIA_TYPE,
        headers={"x-accel-buffering": "no"},
    )


async def _stream(telling: Telling, first: ChatEvent, events: AsyncGenerator[ChatEvent]) -> AsyncGenerator[bytes]:
    yield on_the_wire(telling.begin())
    for one in telling.of(first):
        yield on_the_wire(one)
    # Closed whatever happens: who stops listening stops the answer.
    async with aclosing(events) as going:
        async for event in going:
            for one in telling.of(event):
                yield on_the_wire(one)


def _asker(caller: Caller) -> Asker:
    return Asker(tenant=caller.tenant, name=caller.name, scopes=frozenset(caller.scopes))
