"""What must not be printed, whatever message it got into. Start with `hider`."""

from __future__ import annotations

import re
from collections.abc import Callable
from urllib.parse import quote

from api.doctor.finding import Setup
from api.doctor.limits import within

_NAME = re.compile(
    r"(KEY|TOKEN|SECRET|PASSWORD|PASSWD|PASS|CREDENTIALS?)$|_(KEY|TOKEN|SECRET|PASSWORD)_", re.IGNORECASE
)
_IN_ADDRESS = re.compile(r"(?<=://)(?!USER:PASSWORD@)[^/\s@]+(?=@)|(?<=password=)[^&\s]+")
"""Users and passwords of addresses; a hint that says where they go is left as it is."""
_SHORTEST = 4
"""Characters; hiding shorter values would only garble the text."""


def hider(setup: Setup) -> Callable[[str], str]:
    """A function that puts `***` for keys, passwords, header values, and variables named like secrets."""
    values = {value for name, value in setup.environment.items() if _NAME.search(name)}
    (headers,) = within(5, [lambda: _header_values(setup)])
    values |= headers if isinstance(headers, set) else set()
    values.add(setup.key or "")
    known = {value.strip() for value in values} | {quote(value.strip(), safe="") for value in values}
    longest_first = sorted((value for value in known if len(value) >= _SHORTEST), key=len, reverse=True)

    def hide(text: str) -> str:
        for value in longest_first:
            text = text.replace(value, "***")
        return _IN_ADDRESS.sub("***", text)

    return hide


def _header_values(setup: Setup) -> set[str]:
    from agent.portfolio.load import PortfolioError, load_portfolio
    from agent.portfolio.model import OpenApiEntry

    try:
        sources = load_portfolio(setup.portfolio, setup.environment).sources
    except PortfolioError:
        return set()
    headers = [value for source in sources if isinstance(source, OpenApiEntry) for value in source.headers.values()]
    # Of `Bearer abc` the second word is the secret; sources that quote it may leave the first one out.
    return {part for value in headers for part in (value, value.split()[-1] if value.split() else "")}
