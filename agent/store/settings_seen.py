"""The settings that Segue was last started with. Start with `replace`."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, select, update

from agent.store.dialects import unless_there
from agent.store.tables import settings_seen
from tools.types import JsonObject

ADD = {name: add.returning(settings_seen.c.name) for name, add in unless_there(settings_seen).items()}


@dataclass(frozen=True, kw_only=True)
class Seen:
    """Settings as they were."""

    digest: str
    content: JsonObject


def replace(connection: Connection, name: str, digest: str, content: JsonObject, now: datetime) -> Seen | None:
    """Put these in the place of those that were last seen, which are the answer; None if there were none.

    The row is held, so that of two that start at once one sees what the other wrote.
    """
    row = {"name": name, "digest": digest, "content": content, "at": now}
    if connection.execute(ADD[connection.dialect.name], row).first() is not None:
        return None
    same = settings_seen.c.name == name
    query = select(settings_seen.c.digest, settings_seen.c.content).where(same).with_for_update()
    before = connection.execute(query).one()
    if before.digest != digest:
        connection.execute(update(settings_seen).where(same).values(digest=digest, content=content, at=now))
    return Seen(digest=before.digest, content=before.content)
