"""Serve the tiny model by llama.cpp's OpenAI-compatible server, in this process, until it is ended. See `main`.

    python -m evals.wire.serve --port 8080

`evals.wire.tiny` starts this as a process of its own, because the server cannot be stopped from inside.
"""

from __future__ import annotations

import argparse
import importlib
import time
from pathlib import Path

from evals.wire.tiny import TEMPLATE, Tiny, missing, model_file


def main() -> None:
    """Read the options, load the model, listen on loopback."""
    given = _options().parse_args()
    if (lacking := missing()) is not None:
        raise SystemExit(lacking)
    tiny = Tiny(
        seed=given.seed,
        temperature=given.temperature,
        max_tokens=given.max_tokens,
        context=given.context,
        own_template=given.own_template,
        api_key=given.api_key,
    )
    _serve(tiny, given.port)


def _serve(tiny: Tiny, port: int) -> None:
    llama = importlib.import_module("xllamacpp")
    wanted = llama.CommonParams()
    wanted.model.path = str(model_file())
    wanted.model_alias = {"tiny"}
    wanted.hostnames = ["127.0.0.1"]
    wanted.port = port
    wanted.n_ctx = tiny.context
    wanted.n_parallel = 1
    wanted.n_predict = tiny.max_tokens
    # One thread: the same words on any number of cores, and the model is small.
    wanted.cpuparams.n_threads = wanted.cpuparams_batch.n_threads = 1
    wanted.sampling.seed = tiny.seed
    wanted.sampling.temp = tiny.temperature
    wanted.cache_prompt = False
    wanted.use_jinja = True
    if not tiny.own_template:
        wanted.chat_template = TEMPLATE.read_text()
    if tiny.api_key is not None:
        wanted.api_keys = [tiny.api_key]
    server = llama.Server(wanted)
    print(f"{Path(wanted.model.path).name} answers on {server.listening_address}/v1 as 'tiny'", flush=True)
    while True:
        time.sleep(3600)


def _options() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m evals.wire.serve", description=__doc__.split("\n")[0])
    parser.add_argument("--port", type=int, default=8080, help="on loopback (default 8080)")
    parser.add_argument("--seed", type=int, default=1, help="of the sampling (default 1)")
    parser.add_argument("--temperature", type=float, default=0.8, help="of the sampling (default 0.8)")
    parser.add_argument("--max-tokens", type=int, default=256, help="longest answer (default 256)")
    parser.add_argument("--context", type=int, default=8192, help="longest prompt and answer (default 8192)")
    parser.add_argument("--own-template", action="store_true", help="the model's own template, which knows no tools")
    parser.add_argument("--api-key", help="ask clients for this key (default: none)")
    return parser


if __name__ == "__main__":
    main()
