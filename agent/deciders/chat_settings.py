"""Where a chat model is and what it is asked with, checked. Start with `check_endpoint`.

Light to import, unlike the client itself, so that a command can check its settings before anything is opened.
"""

from __future__ import annotations

import httpx2

OPENAI_URL = "https://api.openai.com/v1"


class ModelSettingsError(ValueError):
    """A chat model cannot be asked as it is set up; says what is wrong and what would be right."""


def check_endpoint(*, model: str, base_url: str | None, api_key: str | None) -> None:
    """Whether such a model could be asked; nothing is sent. Raises `ModelSettingsError`."""
    if not model.strip():
        raise ModelSettingsError("the chat model has no name. Set SEGUE_MODEL, for example to gpt-4.1-mini.")
    if not base_url and not (api_key or "").strip():
        raise ModelSettingsError(
            f"the chat model {model!r} has no key and no address. Set OPENAI_API_KEY for {OPENAI_URL}, or "
            "OPENAI_BASE_URL to a server that asks for no key, or leave the model out: then the Planner decides."
        )
    if base_url:
        try:
            address = httpx2.URL(base_url)
        except (httpx2.InvalidURL, ValueError) as error:
            raise ModelSettingsError(f"OPENAI_BASE_URL {base_url!r}: {error}. Use http://HOST:PORT/v1.") from error
        if address.scheme not in ("http", "https") or not address.host:
            raise ModelSettingsError(f"OPENAI_BASE_URL {base_url!r} is no HTTP address. Use http://HOST:PORT/v1.")
    if api_key is not None and not (api_key.isascii() and api_key.strip().isprintable()):
        raise ModelSettingsError("OPENAI_API_KEY has characters no HTTP header can carry.")
