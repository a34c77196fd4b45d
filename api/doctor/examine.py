"""All checks in their order. Start with `examine`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from api.doctor.configuration import look_at_configuration
from api.doctor.database import look_at_database
from api.doctor.disk import look_at_disk
from api.doctor.embeddings import look_at_embeddings
from api.doctor.finding import Check, Finding, Setup, failed
from api.doctor.holding import look_at_data_directory
from api.doctor.limits import Overrun, within
from api.doctor.model import look_at_model
from api.doctor.secrets import hider
from api.doctor.served import look_at_served
from api.doctor.sources import look_at_tools

CHECKS = (
    Check(
        name="configuration",
        look=look_at_configuration,
        limit_s=10,
        mend_if_slow="Name plain files: reading one of them does not end.",
    ),
    Check(
        name="tools",
        look=look_at_tools,
        limit_s=30,
        mend_if_slow="Start the services, or correct their addresses in the portfolio.",
    ),
    Check(
        name="model",
        look=look_at_model,
        limit_s=15,
        mend_if_slow="Look at the server at OPENAI_BASE_URL, or leave the model out: then the Planner decides.",
    ),
    Check(
        name="embeddings",
        look=look_at_embeddings,
        limit_s=60,
        mend_if_slow="Name a quick, writable folder with SEGUE_CACHE, and try again with less load.",
    ),
    Check(
        name="disk", look=look_at_disk, limit_s=15, mend_if_slow="Use a data directory (--data) on a disk that answers."
    ),
    Check(
        name="data directory",
        look=look_at_data_directory,
        limit_s=15,
        mend_if_slow="Use a data directory (--data) on a disk that answers.",
    ),
    Check(
        name="database",
        look=look_at_database,
        limit_s=20,
        mend_if_slow="Start PostgreSQL, or correct --database-url (SEGUE_DATABASE_URL).",
    ),
    Check(
        name="served Segue",
        look=look_at_served,
        limit_s=10,
        mend_if_slow="Look at its log, or correct --url (SEGUE_URL): something takes the connection and says nothing.",
    ),
)


def examine(setup: Setup, checks: Sequence[Check] = CHECKS) -> Iterator[tuple[str, Finding]]:
    """The name of each check with each of its findings, as they are found. A check that fails stops no other."""
    hide = hider(setup)
    for check in checks:
        for finding in _findings(check, setup):
            yield check.name, replace(finding, found=hide(finding.found), mend=hide(finding.mend))


def _findings(check: Check, setup: Setup) -> list[Finding]:
    (result,) = within(check.limit_s, [lambda: list(check.look(setup))])
    if isinstance(result, list):
        return result
    if isinstance(result, Overrun):
        return [failed(f"no end within {check.limit_s:g} s", check.mend_if_slow)]
    reason = " ".join(str(result).split())[:500]
    return [failed(f"{type(result).__name__}: {reason}", "This was not foreseen; what it says may tell what is wrong.")]
