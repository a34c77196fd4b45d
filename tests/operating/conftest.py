"""The PostgreSQL server of the tests of the core serves here too."""

from tests.agent.conftest import postgres_url

__all__ = ["postgres_url"]
