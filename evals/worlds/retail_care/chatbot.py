"""The support chatbot: retrieval over what it was given and taught. Start with `Chatbot.answer`.

It has no answers of its own: what it says is the text of the best article, right or wrong as that may be.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property

from evals.worlds.retail_care.encoder import Array, Encoder
from evals.worlds.retail_care.lexicon import Lexicon, stems

ARTICLE_THRESHOLD = 0.60
"""Score from which the bot gives an article of the knowledge base."""
LESSON_THRESHOLD = 0.37
"""The same for a lesson, which was taught for one wording only: lower, as there are no further wordings to match."""
MEANING_FLOOR = 0.25
"""Shared words alone never suffice."""
WORDS_SHARE = 0.3
"""Weight of shared words beside the likeness of meaning."""


@dataclass(frozen=True, kw_only=True)
class Article:
    """A question, further wordings of it, and its answer."""

    id: str
    asks: tuple[str, ...]
    answer: str
    lesson: bool

    @cached_property
    def texts(self) -> tuple[str, ...]:
        """What is encoded: each wording; of a lesson also its only wording with the answer."""
        return (*self.asks, f"{self.asks[0]} {self.answer}") if self.lesson else self.asks


@dataclass(frozen=True, kw_only=True)
class Found:
    """The best article for a question."""

    article: Article
    score: float
    answered: bool
    """Good enough to be given."""


@dataclass(frozen=True, kw_only=True)
class _Indexed:
    article: Article
    vectors: Array
    asked: frozenset[str]
    answered: frozenset[str] = field(default=frozenset())


class Chatbot:
    """Knows articles and lessons; both are found by meaning (MiniLM) and shared words together."""

    def __init__(self, encoder: Encoder, articles: Sequence[Article]) -> None:
        self._encoder = encoder
        self._articles = tuple(articles)
        self._lexicon = Lexicon(text for article in articles for text in (*article.asks, article.answer))
        self._base: tuple[_Indexed, ...] | None = None
        self._lessons: tuple[_Indexed, ...] = ()
        self._taught: tuple[Article, ...] = ()

    @property
    def size(self) -> int:
        """Articles of the knowledge base, lessons not counted."""
        return len(self._articles)

    def warm_up(self) -> None:
        """Load the model and index the articles; otherwise the first question does."""
        self._base = self._base or self._index(self._articles)

    def learn(self, lessons: Sequence[Article]) -> None:
        """Take these lessons, newest last, in place of those known so far."""
        if tuple(lessons) != self._taught:
            self._taught = tuple(lessons)
            self._lessons = self._index(self._taught)

    def answer(self, question: str) -> Found:
        """The best article that is good enough, else the best one of all. Of equals the newest lesson wins."""
        self.warm_up()
        vector = self._encoder.encode([question])[0]
        words = frozenset(stems(question))
        known = (*reversed(self._lessons), *(self._base or ()))
        found = [self._weigh(entry, vector, words) for entry in known]
        return max(found, key=lambda each: (each.answered, each.score))

    def _weigh(self, entry: _Indexed, vector: Array, words: frozenset[str]) -> Found:
        likeness = entry.vectors @ vector
        asked = float(likeness[: len(entry.article.asks)].max())
        meaning = max(asked, (asked + float(likeness[-1])) / 2)
        shared = self._lexicon.coverage(words, asked=entry.asked, answered=entry.answered)
        score = (1 - WORDS_SHARE) * max(meaning, 0.0) + WORDS_SHARE * shared
        threshold = LESSON_THRESHOLD if entry.article.lesson else ARTICLE_THRESHOLD
        return Found(
            article=entry.article,
            score=round(score, 4),
            answered=score >= threshold and meaning >= MEANING_FLOOR,
        )

    def _index(self, articles: Sequence[Article]) -> tuple[_Indexed, ...]:
        if articles:
            self._encoder.encode([text for article in articles for text in article.texts])
        return tuple(
            _Indexed(
                article=article,
                vectors=self._encoder.encode(article.texts),
                asked=frozenset(stem for ask in article.asks for stem in stems(ask)),
                answered=frozenset(stems(article.answer)),
            )
            for article in articles
        )
