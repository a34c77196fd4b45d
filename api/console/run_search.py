"""What the search box of the page of runs understands: the id of a run, or a subject. Start with `search`."""

from __future__ import annotations

import re
from dataclasses import dataclass

from agent.errors import NotFound
from agent.service import Segue
from api.console.run_filter import FilterError, text_of
from api.terminal import line

_ID = re.compile("[0-9A-HJKMNP-TV-Z]{26}")
FEW = 8


@dataclass(frozen=True, kw_only=True)
class Hit:
    """What is meant: one of a run, a subject, or why neither, with subjects that begin so."""

    run: str | None = None
    subject: str | None = None
    nothing: str | None = None
    like: tuple[str, ...] = ()


async def search(segue: Segue, tenant: str, given: str) -> Hit:
    """A run by its id or the key of one of its effects; a subject as written, else in others' case."""
    try:
        sought = text_of("search", given) or ""
    except FilterError as error:
        return Hit(nothing=str(error))
    name = sought.partition(":")[0].upper()
    if _ID.fullmatch(name):
        try:
            await segue.run(tenant, name)
            return Hit(run=name)
        except NotFound:
            pass
    subject = await segue.desk.subject(tenant, sought) if sought else None
    if subject is not None:
        return Hit(subject=subject)
    like = await segue.desk.lists.subjects_from(tenant, sought, FEW) if sought else []
    return Hit(nothing=f"There is no run with the id or about the subject {line(sought, 80)}.", like=tuple(like))
