"""What the cassettes hold, read as plain data. Start with `answers`."""

from __future__ import annotations

import json
from typing import Any

import yaml

from evals.wire.record import CASSETTES
from evals.wire.scenes import SCENES

FILES = {name: CASSETTES / f"{name}.yaml" for name in SCENES}


def interactions(name: str) -> list[dict[str, Any]]:
    """Requests and responses, in order."""
    return list(yaml.safe_load(FILES[name].read_text())["interactions"])


def answers(name: str) -> list[dict[str, Any]]:
    """Bodies of the model's answers, parsed."""
    return [json.loads(one["response"]["body"]["string"]) for one in interactions(name)]


def totals(name: str) -> list[int]:
    """Tokens of each answer, as the server counted them."""
    return [answer["usage"]["total_tokens"] for answer in answers(name)]


def events(name: str) -> list[dict[str, Any]]:
    """The pieces of a streamed answer, parsed."""
    (one,) = interactions(name)
    lines = one["response"]["body"]["string"].splitlines()
    return [json.loads(line.removeprefix("data: ")) for line in lines if line.startswith("data: {")]


def made_calls(answer: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    """Name and arguments of each call in an answer."""
    functions = [call["function"] for call in answer["choices"][0]["message"].get("tool_calls", [])]
    return [(function["name"], json.loads(function["arguments"])) for function in functions]
