"""What the tests of memory share: one real embedder for the session, a real index per test."""

from __future__ import annotations

import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from memory.embedding import Embedder
from memory.index import EpisodeIndex


@pytest.fixture(scope="session")
def embedder_dir() -> Path:
    """Stable over test runs, since building the graph takes seconds; the embedder checks what it finds there."""
    return Path(tempfile.gettempdir()) / "segue-embedding-cache"


@pytest.fixture(scope="session")
def embedder(embedder_dir: Path) -> Embedder:
    return Embedder.open(embedder_dir)


@pytest.fixture
async def index(tmp_path: Path) -> AsyncIterator[EpisodeIndex]:
    opened = await EpisodeIndex.open(tmp_path / "index")
    yield opened
    await opened.aclose()
