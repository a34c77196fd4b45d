"""One served Segue for the tests of a module: they use subjects and events of their own.

Not for longer: DBOS is one global of the process, and a Segue that another module opens would end it.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.api.served import Served, open_served


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A real Segue over HTTP."""
    with open_served(tmp_path_factory.mktemp("served")) as running:
        yield running
