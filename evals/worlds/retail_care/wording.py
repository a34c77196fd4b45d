"""How customers put things: moods, openers, paraphrases, typing errors. Start with `Wording.message`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from random import Random
from typing import Any

from evals.worlds.retail_care.catalogue import Matter

SENTIMENT = {"furious": (-0.98, -0.75), "disappointed": (-0.74, -0.5), "tired": (-0.5, -0.25), "calm": (0.1, 0.8)}
ANGRY_MOODS = ("furious", "disappointed", "tired")


@dataclass(frozen=True, kw_only=True)
class Speaker:
    """Who speaks, and of which order."""

    name: str
    order_id: str
    product: str
    mood: str


@dataclass(frozen=True, kw_only=True)
class Wording:
    """Puts phrases together; all choices come from the random stream given."""

    phrases: Mapping[str, Any]

    def mood(self, random: Random, *, angry: bool) -> tuple[str, float]:
        """A mood and the sentiment in [-1, 1] it is heard with."""
        mood = random.choice(ANGRY_MOODS) if angry else "calm"
        return mood, round(random.uniform(*SENTIMENT[mood]), 2)

    def question(self, random: Random, matter: Matter, speaker: Speaker) -> str:
        """One of the matter's wordings, now and then carelessly typed."""
        text = random.choice(matter.asks).replace("{order_id}", speaker.order_id)
        if random.random() < 0.12:
            text = _mistyped(random, text)
        return text[0].lower() + text[1:] if random.random() < 0.1 else text

    def message(self, random: Random, question: str, speaker: Speaker) -> str:
        """What the customer writes, the question among it."""
        opener, closing = self._around(random, speaker)
        middle = random.choice(self.phrases["middles"]).format(product=speaker.product, order_id=speaker.order_id)
        text = random.choice(
            (f"{opener} {middle}{question} {closing}", f"{middle}{question} {opener}", f"{opener} {question} {closing}")
        )
        return f"{random.choice(self.phrases['greetings'])}{text}".strip()

    def complaint(self, random: Random, question: str, speaker: Speaker, amount: float | None) -> str:
        """A formal complaint; with an amount the customer wants money back."""
        opener, closing = self._around(random, speaker)
        words = {
            "opener": opener,
            "closing": closing,
            "question": question,
            "product": speaker.product,
            "order_id": speaker.order_id,
            "greeting": random.choice(self.phrases["greetings"]),
        }
        text = str(random.choice(self.phrases["complaints"])).format(**words).strip()
        if amount is not None:
            demand = str(random.choice(self.phrases["money_back"]))
            text += " " + demand.format(amount=f"{amount:.2f} euro", order_id=speaker.order_id, product=speaker.product)
        return text

    def shrug(self, random: Random, wrong: Matter) -> str:
        """What the bot had said when it did not know."""
        if random.random() < 0.6:
            return str(random.choice(self.phrases["bot_shrugs"]))
        return str(random.choice(self.phrases["bot_detours"])).format(answer=wrong.answer)

    def _around(self, random: Random, speaker: Speaker) -> tuple[str, str]:
        opener = str(random.choice(self.phrases["openers"][speaker.mood]))
        closing = str(random.choice(self.phrases["closings"][speaker.mood]))
        if random.random() < 0.2:
            opener = _mistyped(random, opener)
        if speaker.mood == "furious" and random.random() < 0.25:
            closing = closing.upper()
        return opener, closing


def _mistyped(random: Random, text: str) -> str:
    """Two neighbouring letters of one longer word change places."""
    words = text.split(" ")
    places = [place for place, word in enumerate(words) if len(word) > 5 and word.isalpha()]
    if not places:
        return text
    place = random.choice(places)
    word, at = words[place], random.randint(1, len(words[place]) - 3)
    words[place] = word[:at] + word[at + 1] + word[at] + word[at + 2 :]
    return " ".join(words)
