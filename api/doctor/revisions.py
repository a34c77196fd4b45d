"""Whether this Segue knows the schema of a store."""

from __future__ import annotations

from pathlib import Path

from alembic.script import ScriptDirectory

from agent.store import migrations
from api.doctor.finding import Finding, failed, ok


def judge_revision(store: str, revision: str | None) -> Finding:
    """Newest, older or unknown; None is a store in which nothing was made yet."""
    script = ScriptDirectory(str(Path(migrations.__file__).parent))
    newest = script.get_current_head()
    if revision is None:
        return ok(f"{store}: empty; segue serve makes its schema")
    if revision == newest:
        return ok(f"{store}: schema {revision}, the newest")
    if revision in {one.revision for one in script.walk_revisions()}:
        return ok(f"{store}: schema {revision}; segue serve brings it to {newest}")
    return failed(
        f"{store}: schema {revision}, which this Segue does not know (its newest is {newest})",
        "Use the Segue that wrote it, or a newer one.",
    )
