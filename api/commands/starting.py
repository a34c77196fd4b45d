"""What `segue serve` and `segue worker` do before they open anything."""

from __future__ import annotations

import logging
import os
import sys

from api.commands.options import LogLevel


def log_to_stderr(level: LogLevel) -> None:
    """Log from this level on."""
    logging.basicConfig(
        level=level.value.upper(), stream=sys.stderr, format="%(asctime)s %(levelname)s %(name)s: %(message)s"
    )


def check_model(model: str | None) -> None:
    """Look at the settings of a chat model, if one decides. Raises `ModelSettingsError`."""
    if model:
        from agent.deciders.chat_settings import check_endpoint

        url, secret = os.environ.get("OPENAI_BASE_URL"), os.environ.get("OPENAI_API_KEY")
        check_endpoint(model=model, base_url=url, api_key=secret)
