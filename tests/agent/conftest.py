"""A PostgreSQL server of the tests' own, where the machine has one installed."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.engine import make_url

from tests.agent.fresh import make_tables
from tests.postgres_server import NoServer, postgres_server


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """URL of an empty database on a socket of its own; skips with the reason where there is no server to start."""
    try:
        with postgres_server() as url:
            yield url
    except NoServer as error:
        pytest.skip(str(error))


def new_database(server: str, name: str) -> str:
    """The URL of another database on the server, with empty tables (see `tests.agent.fresh`)."""
    return empty_database(server, name, like=_with_tables(server))


def empty_database(server: str, name: str, *, like: str = "template1") -> str:
    """The URL of another database on the server, with nothing in it that the other does not have."""
    with create_engine(server, isolation_level="AUTOCOMMIT").connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name} TEMPLATE {like}"))
    return make_url(server).set(database=name).render_as_string(hide_password=False)


@cache
def _with_tables(server: str) -> str:
    name = "with_tables"
    url = empty_database(server, name)
    make_tables(url, url)
    return name
