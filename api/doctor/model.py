"""Whether the chat model can be asked. Its server is asked for its list of models; nothing is generated."""

from __future__ import annotations

import ssl
from collections.abc import Iterator

import httpx

from agent.deciders.chat_settings import OPENAI_URL, ModelSettingsError, check_endpoint
from api.doctor.finding import Finding, Setup, failed, ok, warning

TIMEOUT_S = 8.0
MAX_BYTES = 4 * 1024 * 1024
_OR_NONE = "or leave the model out: then the Planner decides."


def look_at_model(setup: Setup) -> Iterator[Finding]:
    """Settings first, then the server."""
    if not setup.model:
        yield ok("none named (--model, SEGUE_MODEL): the Planner decides")
        return
    address, key = setup.environment.get("OPENAI_BASE_URL"), setup.environment.get("OPENAI_API_KEY")
    try:
        check_endpoint(model=setup.model, base_url=address, api_key=key)
    except ModelSettingsError as error:
        problem, _, advice = str(error).partition(". ")
        yield failed(problem, advice or f"Correct it, {_OR_NONE}")
        return
    base = (address or OPENAI_URL).rstrip("/")
    keyed = "with a key" if key else "without a key"
    try:
        response = _ask(f"{base}/models", (key or "").strip())
    except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
        reason = str(error) or f"no answer within {TIMEOUT_S:g} s"
        yield failed(
            f"{base} does not answer: {reason}",
            f"Start the server, correct OPENAI_BASE_URL (http://HOST:PORT/v1), {_OR_NONE}",
        )
        return
    yield _judged(setup.model, base, keyed, response)


def _ask(address: str, key: str) -> httpx.Response:
    plain = httpx.URL(address).scheme == "http"
    headers = {"authorization": f"Bearer {key}"} if key else {}
    with (
        # As the model will be asked: no proxies, no redirects, and no certificates where none are looked at.
        httpx.Client(
            timeout=TIMEOUT_S, trust_env=False, verify=ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT) if plain else True
        ) as client,
        client.stream("GET", address, headers=headers) as response,
    ):
        body = bytearray()
        for chunk in response.iter_bytes():
            body += chunk
            if len(body) > MAX_BYTES:
                break
        return httpx.Response(response.status_code, content=bytes(body))


def _judged(model: str, base: str, keyed: str, response: httpx.Response) -> Finding:
    status = response.status_code
    if status in {401, 403}:
        return failed(f"{base} refuses the call {keyed} (HTTP {status})", "Set OPENAI_API_KEY to a key it knows.")
    if status in {404, 405, 501}:
        return warning(
            f"{base} answers, but has no list of models (HTTP {status})",
            f"If {base}/chat/completions is there all is well; else correct OPENAI_BASE_URL, which often ends in /v1.",
        )
    if status != 200:
        return failed(f"{base} answers HTTP {status}", f"Look at the server, {_OR_NONE}")
    names = _names(response)
    if names is None:
        return failed(
            f"{base}/models is no list of models", "Correct OPENAI_BASE_URL: http://HOST:PORT/v1 of a chat server."
        )
    if model in names:
        return ok(f"{base} answers {keyed} and has {model!r}")
    shown = ", ".join(sorted(names)[:8]) or "none"
    return warning(
        f"{base} answers {keyed}, but does not list {model!r}; it lists {shown}",
        "Correct --model (SEGUE_MODEL). Some servers take names they do not list.",
    )


def _names(response: httpx.Response) -> set[str] | None:
    try:
        listed = response.json()
    except (ValueError, RecursionError):
        return None
    items = listed.get("data") if isinstance(listed, dict) else None
    if not isinstance(items, list):
        return None
    return {str(item["id"]) for item in items if isinstance(item, dict) and "id" in item}
