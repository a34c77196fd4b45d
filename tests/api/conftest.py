"""One served Segue for all tests here: they use subjects and events of their own."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.api.served import Served, open_served


@pytest.fixture(scope="session")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A real Segue over HTTP."""
    with open_served(tmp_path_factory.mktemp("served")) as running:
        yield running
