"""Whether the Segue that runs at an address is well."""

from __future__ import annotations

from collections.abc import Iterator

from api.client import connected
from api.doctor.finding import Finding, Setup, failed, ok, warning
from api.terminal import CommandError


def look_at_served(setup: Setup) -> Iterator[Finding]:
    """Nothing where no address is given."""
    if not setup.url:
        return
    try:
        with connected(setup.url, setup.key) as client:
            health = client.get("/health/ready")
    except CommandError as error:
        yield failed(str(error), "Look at its log; start it with 'segue serve', or correct --url (SEGUE_URL).")
        return
    problems = health.get("problems")
    if health.get("status") == "ready":
        yield ok(f"{setup.url} is ready")
    elif health.get("status") == "degraded" and isinstance(problems, dict):
        paused = problems.pop("pauses", None)
        if paused is not None:
            yield warning(f"{setup.url} is ready, with pauses: {paused}", "End them with 'segue resume' in time.")
        off = [problems.pop(part) and part.partition(".")[2] for part in list(problems) if part.startswith("memory.")]
        if off:
            mend = "See 'segue memory uplift'; 'segue memory on --type TYPE' switches it on again."
            yield warning(f"{setup.url} is ready, with memory switched off for {', '.join(off)}", mend)
        if problems:
            text = "; ".join(f"{part}: {reason}" for part, reason in problems.items())
            yield warning(f"{setup.url} works from what it knew earlier: {text}", "Start the tools' services again.")
    else:
        yield failed(f"{setup.url} answers, but is no Segue", "Correct --url (SEGUE_URL).")
