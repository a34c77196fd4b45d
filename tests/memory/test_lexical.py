"""Words shared with documents."""

from __future__ import annotations

from memory.lexical import Lexicon

TOOLS = {
    "weather": "Forecast of the weather for a city.",
    "stock": "Prices of shares on the stock exchange.",
    "lager": "Prüft, ob Ersatzteile im Lager vorrätig sind.",
}


def test_the_document_that_shares_the_rarer_words_scores_highest() -> None:
    said = Lexicon(TOOLS).scores("Which shares rose at the exchange?")
    assert max(said, key=lambda name: said[name]) == "stock"
    assert said["weather"] > 0, "both say 'the'"
    assert said["stock"] > 3 * said["weather"]


def test_inflected_words_meet_in_any_language() -> None:
    said = Lexicon(TOOLS).scores("Ist ein Ersatzteil vorrätig?")
    assert said["lager"] > 0
    assert said["stock"] == said["weather"] == 0


def test_a_text_without_a_known_word_scores_nothing_anywhere() -> None:
    assert set(Lexicon(TOOLS).scores("xyzzy 42 …").values()) == {0.0}
    assert Lexicon({}).scores("anything") == {}
    assert Lexicon({"empty": ""}).scores("anything") == {"empty": 0.0}
