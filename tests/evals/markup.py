"""A page as its reader has it, once it is well-formed. Start with `seen`."""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser

VOID = {"meta", "br", "hr", "img", "link"}


@dataclass(kw_only=True)
class Element:
    """A tag as it was opened."""

    tag: str
    attributes: dict[str, str | None]


@dataclass
class Seen(HTMLParser):
    """Every element and text, once all that was opened is closed in order."""

    elements: list[Element] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)
    open_: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append(Element(tag=tag, attributes=dict(attrs)))
        if tag not in VOID:
            self.open_.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append(Element(tag=tag, attributes=dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open_.pop() == tag

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


def seen(html: str) -> Seen:
    parser = Seen()
    parser.feed(html)
    parser.close()
    assert not parser.open_
    return parser
