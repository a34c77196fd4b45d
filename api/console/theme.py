"""How the console looks, chosen once: colours, type, spacing, in light and dark. Start with `CSS`."""

from __future__ import annotations

from importlib.resources import files

CSS = files(__package__).joinpath("theme.css").read_text(encoding="utf-8")

STATES = {
    **dict.fromkeys(("done", "approved", "active", "joined"), "sg-good"),
    **dict.fromkeys(("failed", "rejected", "unknown", "stopped", "refused"), "sg-bad"),
    **dict.fromkeys(("waiting", "pending", "paused", "unmatched", "uncorroborated"), "sg-wait"),
    **dict.fromkeys(("running", "claimed"), "sg-run"),
}
"""Class by state; others are quiet."""
