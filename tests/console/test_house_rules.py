"""What pages of the console must not use, looked for in their text."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import api.console

SOURCES = sorted(path for path in Path(api.console.__file__).parent.rglob("*.py"))


@pytest.mark.parametrize(
    ("used", "why"),
    [
        (r"ui\.link\(", "it puts the mount before the address again: use frame.link"),
        (r"ui\.navigate\.to\(", "it puts the mount before the address again: use frame.go_to"),
        (r"ui\.(html|markdown|mermaid|interactive_image)\(", "text from events would be read as markup"),
        (r"v-html|innerHTML|sanitize=False", "text from events would be read as markup"),
        (r"storage\.(user|browser|general)", "nothing is kept beside the store"),
        (r"https?://", "nothing is loaded from elsewhere"),
    ],
)
def test_pages_use_nothing_that_does_not_work_or_is_not_safe(used: str, why: str) -> None:
    found = [
        f"{path.name}:{number}: {line.strip()}"
        for path in SOURCES
        for number, line in enumerate(path.read_text().splitlines(), 1)
        if re.search(used, line) and "xmlns=" not in line
    ]
    assert found == [], why
