"""How the console looks, chosen once: colours, type, spacing, in light and dark. Start with `CSS`.

`SCRIPT` is what every page does by itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib.resources import files
from urllib.parse import quote

CSS = files(__package__).joinpath("theme.css").read_text(encoding="utf-8")
SCRIPT = files(__package__).joinpath("frame.js").read_text(encoding="utf-8")

SCHEME = "segue_scheme"
"""Cookie of what was chosen last: `light` or `dark`; without it the system's own holds."""

_DRAWN = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"><rect width="32" height="32" rx="7" fill="#1f5fbf"/>'
    '<path d="M6 16h17M16 9l7 7-7 7" fill="none" stroke="#fff" stroke-width="3.5" stroke-linecap="round" '
    'stroke-linejoin="round"/></svg>'
)
ICON = f"data:image/svg+xml,{quote(_DRAWN)}"
"""Beside the title in a browser: what follows, without a pause."""

STATES = {
    **dict.fromkeys(("done", "approved", "active", "joined"), "sg-good"),
    **dict.fromkeys(("failed", "rejected", "unknown", "stopped", "refused"), "sg-bad"),
    **dict.fromkeys(("waiting", "pending", "paused", "unmatched", "uncorroborated"), "sg-wait"),
    **dict.fromkeys(("running", "claimed"), "sg-run"),
}
"""Class by state; others are quiet."""


def scheme(cookies: Mapping[str, str]) -> bool | None:
    """Whether dark was chosen; None where nothing was."""
    return {"dark": True, "light": False}.get(cookies.get(SCHEME, ""))
