"""The decider that asks an OpenAI-compatible chat model. Start with `ChatDecider.decide`.

`chat_messages` and `chat_functions` say what the model is shown, `chat_endpoint` how it is asked, `chat_wire` what of
its server's answer is believed, `chat_reading` what the answer decides.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

from langchain_core.messages import BaseMessage, HumanMessage

from agent.deciders.chat_advice import shown_lessons
from agent.deciders.chat_endpoint import ChatEndpoint
from agent.deciders.chat_functions import functions
from agent.deciders.chat_messages import EMPTY_NOTE, messages, tokens_of
from agent.deciders.chat_reading import read_decision
from agent.types import DeciderError, Decision, Situation
from memory.settings import Settings


class ChatDecider:
    """Decides by asking a chat model which of the permitted tools to call.

    `decide` raises `DeciderError` with one of these codes: `model_unavailable` (429, 5xx or a lost connection,
    after the attempts allowed), `model_unauthorized` (401, 403), `model_bad_request` (other refusals by status),
    `model_answer_unreadable`, `model_empty_answer` (twice in a row), `model_cut_off`, `model_refused`, `model_timeout`.

    `Decision.tokens` is what the endpoint reports. An endpoint that reports nothing is charged one token per four
    characters sent and received, so that a run's token limit holds there too.
    """

    def __init__(
        self,
        *,
        model: str,
        base_url: str | None = None,
        api_key: str | None = None,
        timeout_s: float = 60.0,
        max_retries: int = 4,
        settings: Settings | None = None,
        render: Callable[[Situation], list[BaseMessage]] = messages,
        offer: Callable[[Situation], list[dict[str, Any]]] = functions,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        """Open nothing yet. Raises `ValueError` for an address, key or number that cannot be used.

        `base_url` ends in `/v1` as a rule; none is OpenAI's own. `timeout_s` bounds one attempt, `max_retries` the
        attempts after the first. `settings` are memory's constants, for the scores in the report. `render` and `offer`
        say what the model is shown of a situation. The environment is not read: the caller does that.
        """
        self._name = model
        self._settings = settings or Settings()
        self._render = render
        self._offer = offer
        self._endpoint = ChatEndpoint(
            model=model,
            base_url=base_url,
            api_key=api_key,
            timeout_s=timeout_s,
            max_retries=max_retries,
            sleep=sleep,
        )

    @property
    def name(self) -> str:
        """The model's name."""
        return self._name

    async def aclose(self) -> None:
        """Close the connections."""
        await self._endpoint.aclose()

    async def decide(self, situation: Situation) -> Decision:
        """Ask the model, once more if it says nothing. Raises `DeciderError`."""
        seconds = max(0.0, situation.budget.seconds)
        try:
            async with asyncio.timeout(seconds):
                return await self._decide(situation, asyncio.get_running_loop().time() + seconds)
        except TimeoutError as error:
            raise DeciderError("model_timeout", f"no decision within the {seconds:g} s the run had left") from error

    async def _decide(self, situation: Situation, deadline: float) -> Decision:
        conversation = self._render(situation)
        offered = self._offer(situation)
        salt = f"{situation.run}:{situation.decision}"
        tokens = 0
        for note in (None, EMPTY_NOTE):
            if note is not None:
                conversation = [*conversation, HumanMessage(note)]
            answer = await self._endpoint.ask(conversation, offered, deadline=deadline, salt=salt)
            tokens += tokens_of(answer, conversation, len(str(offered)))
            decision = read_decision(answer, situation, decided_by=self._name, settings=self._settings)
            if decision is not None:
                return replace(decision, tokens=tokens, lessons=shown_lessons(situation))
        raise DeciderError("model_empty_answer", "the model answered twice with neither a call nor a text")
