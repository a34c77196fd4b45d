"""One question to a chat endpoint, with what can go wrong on the way. Start with `ChatEndpoint.ask`.

Nothing is reached but the given address: no proxies from the environment, no redirects, no tracing service.
"""

from __future__ import annotations

import asyncio
import math
import ssl
import zlib
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Any

import httpx2
import openai
from langchain_core.messages import AIMessage, BaseMessage
from langchain_openai import ChatOpenAI
from langsmith.run_helpers import tracing_context
from pydantic import SecretStr

from agent.deciders.chat_settings import OPENAI_URL, check_endpoint
from agent.deciders.chat_wire import AnswerUnreadable, ModelTransport
from agent.types import DeciderError
from tools.errors import shorten

MAX_WAIT_S = 30.0
"""Seconds one question may spend waiting between attempts."""
_RETRIED = frozenset({408, 409, 425, 429})
_NO_KEY = "none"
"""Sent where no key is set: local servers ask for none, and the client insists on one."""


@dataclass(frozen=True, kw_only=True)
class Fault:
    """Why an attempt gave no answer."""

    code: str
    """The end of the run, if no later attempt succeeds."""
    detail: str
    again: bool
    """Another attempt may succeed."""
    retry_after_s: float | None = None


class ChatEndpoint:
    """An OpenAI-compatible chat endpoint. Opens its connections at the first question."""

    def __init__(
        self,
        *,
        model: str,
        base_url: str | None,
        api_key: str | None,
        timeout_s: float,
        max_retries: int,
        sleep: Callable[[float], Awaitable[None]],
    ) -> None:
        """Raises `ValueError` for a number, `ModelSettingsError` for an address or key that cannot be used."""
        _check(model=model, base_url=base_url, api_key=api_key, timeout_s=timeout_s, max_retries=max_retries)
        self._key = (api_key or "").strip() or _NO_KEY
        self._timeout_s = timeout_s
        self._max_retries = max_retries
        self._sleep = sleep
        self._http = httpx2.AsyncClient(
            transport=ModelTransport(httpx2.AsyncHTTPTransport(verify=_certificates(base_url or OPENAI_URL))),
            timeout=httpx2.Timeout(timeout_s),
            trust_env=False,
            follow_redirects=False,
        )
        # Each setting that would otherwise be read from the environment is given.
        self._model = ChatOpenAI(
            model=model,
            base_url=base_url or OPENAI_URL,
            api_key=SecretStr(self._key),
            timeout=timeout_s,
            max_retries=0,
            http_async_client=self._http,
            http_socket_options=(),
            openai_proxy=None,
            use_responses_api=False,
            output_version="v0",
            cache=False,
            verbose=False,
        )

    async def aclose(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def ask(
        self, messages: Sequence[BaseMessage], functions: Sequence[Mapping[str, Any]], *, deadline: float, salt: str
    ) -> AIMessage:
        """The model's answer. Attempts that may succeed later are repeated; waits end before `deadline` (loop time).

        `salt` spreads the waits of runs that fail together. Raises `DeciderError`.
        """
        waited = 0.0
        cause: Exception
        for attempt in range(self._max_retries + 1):
            try:
                return await self._attempt(messages, functions)
            except (openai.OpenAIError, AnswerUnreadable, TimeoutError, LookupError, TypeError, ValueError) as error:
                fault, cause = self._fault(error), error
            except RuntimeError as error:
                fault, cause = Fault(code="model_unavailable", detail=str(error), again=False), error
            wait = backoff_s(attempt, salt) if fault.retry_after_s is None else fault.retry_after_s
            if not fault.again or attempt == self._max_retries:
                raise self._error(fault, f" ({attempt + 1} attempts)" if attempt else "") from cause
            if waited + wait > MAX_WAIT_S or asyncio.get_running_loop().time() + wait >= deadline:
                raise self._error(fault, f"; trying again in {wait:g} s would take too long") from cause
            await self._sleep(wait)
            waited += wait
        raise AssertionError("unreachable: the last attempt returns or raises")

    async def _attempt(self, messages: Sequence[BaseMessage], functions: Sequence[Mapping[str, Any]]) -> AIMessage:
        bound = self._model.bind_tools([dict(function) for function in functions])
        with tracing_context(enabled=False):
            async with asyncio.timeout(self._timeout_s):
                return await bound.ainvoke(list(messages), config={"callbacks": []})

    def _fault(self, error: Exception) -> Fault:
        if isinstance(error, openai.APITimeoutError | TimeoutError):
            return Fault(code="model_timeout", detail=f"no answer within {self._timeout_s:g} s", again=True)
        if isinstance(error, openai.APIStatusError):
            return _status_fault(error)
        if isinstance(error, openai.APIConnectionError):
            cause = error.__cause__ or error
            return Fault(code="model_unavailable", detail=f"{_name_of(cause)}: {_root(error)}", again=True)
        return Fault(code="model_answer_unreadable", detail=f"{error}", again=False)

    def _error(self, fault: Fault, note: str) -> DeciderError:
        detail = fault.detail.replace(self._key, "***") if self._key != _NO_KEY else fault.detail
        return DeciderError(fault.code, shorten(detail, 500) + note)


def backoff_s(attempt: int, salt: str) -> float:
    """Seconds to wait after failed attempt number `attempt` (from 0): half a second doubled each time, at most 8.

    Between half and all of that, by the salt, so that runs that failed together do not return together.
    """
    share = zlib.crc32(f"{salt}:{attempt}".encode()) / 2**32
    return min(8.0, 0.5 * 2.0**attempt) * (0.5 + share / 2)


def retry_after_s(headers: Mapping[str, str]) -> float | None:
    """Seconds `Retry-After` asks to wait, as a number or as a date relative to the answer's own `Date`."""
    text = headers.get("retry-after", "").strip()
    try:
        seconds = float(text)
    except ValueError:
        try:
            until, now = parsedate_to_datetime(text), parsedate_to_datetime(headers.get("date", ""))
            seconds = (until - now).total_seconds()
        except (ValueError, TypeError):
            return None
    return max(0.0, seconds) if math.isfinite(seconds) else None


def _status_fault(error: openai.APIStatusError) -> Fault:
    status = error.status_code
    detail = f"HTTP {status}: {error.message}"
    if status in (401, 403):
        return Fault(code="model_unauthorized", detail=detail, again=False)
    if status in _RETRIED or status >= 500:
        used_up = error.code == "insufficient_quota"
        return Fault(
            code="model_unavailable",
            detail=detail,
            again=not used_up,
            retry_after_s=retry_after_s(error.response.headers),
        )
    return Fault(code="model_bad_request", detail=detail, again=False)


def _certificates(base_url: str) -> ssl.SSLContext | bool:
    """What to check a server by. Plain HTTP gets none, as loading them takes longer than asking a local server."""
    return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT) if httpx2.URL(base_url).scheme == "http" else True


def _name_of(error: BaseException) -> str:
    return type(error).__name__


def _root(error: BaseException) -> str:
    """The first cause that says something."""
    while error.__cause__ is not None:
        error = error.__cause__
    return str(error) or "no detail"


def _check(*, model: str, base_url: str | None, api_key: str | None, timeout_s: float, max_retries: int) -> None:
    check_endpoint(model=model, base_url=base_url, api_key=api_key)
    if not (math.isfinite(timeout_s) and timeout_s > 0):
        raise ValueError(f"timeout_s is {timeout_s!r}. Use a finite number above 0.")
    if max_retries < 0:
        raise ValueError(f"max_retries is {max_retries!r}. Use 0 or more.")
