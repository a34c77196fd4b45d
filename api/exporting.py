"""Lines of who did what as files: CSV for tables, JSON lines for programs. Start with `exported`."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from typing import Literal, TypeAlias

from starlette.responses import StreamingResponse

from agent.service import Segue
from agent.store.activity import ActivityFilter
from agent.store.queries import Shown
from api.terminal import line

Format: TypeAlias = Literal["csv", "jsonl"]
MEDIA_TYPES: Mapping[Format, str] = {"csv": "text/csv", "jsonl": "application/x-ndjson"}
COLUMNS = ("id", "at", "who", "door", "act", "kind", "about", "run", "subject", "event_type", "reason", "detail")
FORMULA = ("=", "+", "-", "@", "\uff1d", "\uff0b", "\uff0d", "\uff20")
"""What makes a program for tables take a cell for a formula, at its beginning; the wide forms too."""
LONGEST = 100_000


def exported(segue: Segue, tenant: str, wanted: ActivityFilter, form: Format) -> StreamingResponse:
    """All lines the filter finds, newest first, as a file to be kept; however many, a part at a time."""
    return StreamingResponse(
        _stream(segue.activity.all(tenant, wanted), WRITE[form]),
        media_type=MEDIA_TYPES[form],
        headers={"content-disposition": f'attachment; filename="segue-activity.{form}"'},
    )


async def _stream(found: AsyncIterator[list[Shown]], write: Callable[[list[Shown], bool], str]) -> AsyncIterator[bytes]:
    first = True
    async for some in found:
        yield write(some, first).encode()
        first = False


def as_csv(found: Sequence[Shown], first: bool) -> str:
    """Rows, the first ones under a head."""
    told = io.StringIO()
    writer = csv.writer(told)
    if first:
        writer.writerow(COLUMNS)
    for one in found:
        detail = dict(one["detail"])
        row = {**one, "reason": detail.pop("reason", None), "detail": json.dumps(detail) if detail else None}
        writer.writerow([_cell(row[name]) for name in COLUMNS])
    return told.getvalue()


def _cell(value: object) -> str:
    """On one line, without control characters, and never a formula."""
    told = "" if value is None else line(value, LONGEST)
    return f"'{told}" if told.startswith(FORMULA) else told


def as_json_lines(found: Sequence[Shown], first: bool) -> str:
    """An object a line, in plain ASCII."""
    return "".join(f"{json.dumps(one)}\n" for one in found)


WRITE: Mapping[Format, Callable[[list[Shown], bool], str]] = {"csv": as_csv, "jsonl": as_json_lines}
