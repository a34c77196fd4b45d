"""A PostgreSQL server of the tests' own, where the machine has one installed."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.postgres_server import NoServer, postgres_server


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """URL of an empty database on a socket of its own; skips with the reason where there is no server to start."""
    try:
        with postgres_server() as url:
            yield url
    except NoServer as error:
        pytest.skip(str(error))
