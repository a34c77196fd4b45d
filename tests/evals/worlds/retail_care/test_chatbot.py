"""What the chatbot knows, learns and does not know, measured over all the material."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from evals.worlds.retail_care.catalogue import Catalogue, Matter
from evals.worlds.retail_care.chatbot import Article, Chatbot
from evals.worlds.retail_care.encoder import Encoder
from evals.worlds.retail_care.vectors import prepared_vectors
from tests.evals.worlds.company import shared_catalogue, shared_encoder


@pytest.fixture(scope="module")
def catalogue() -> Catalogue:
    return shared_catalogue()


@pytest.fixture(scope="module")
def trained(catalogue: Catalogue) -> Chatbot:
    return Chatbot(shared_encoder(), [article(matter) for matter in catalogue.known])


@pytest.fixture
def chatbot(trained: Chatbot) -> Iterator[Chatbot]:
    yield trained
    trained.learn([])


@pytest.fixture(scope="module")
def fresh() -> dict[str, list[str]]:
    """Two further wordings of every teachable question, written after the thresholds were settled."""
    text = Path(__file__).with_name("fresh_wordings.yaml").read_text("utf-8")
    return dict(yaml.safe_load(text))


def article(matter: Matter) -> Article:
    return Article(id=matter.id, asks=matter.asks, answer=matter.answer, lesson=False)


def lesson(question: str, answer: str, id_: str = "lesson-1") -> Article:
    return Article(id=id_, asks=(question,), answer=answer, lesson=True)


def teachable(catalogue: Catalogue) -> list[Matter]:
    return [matter for matter in catalogue.missing if matter.teachable]


def test_the_material_is_as_rich_as_promised(catalogue: Catalogue) -> None:
    assert len(catalogue.known) >= 40
    assert len(teachable(catalogue)) >= 25
    assert all(len(set(matter.asks)) >= 8 for matter in catalogue.missing)
    assert len({matter.topic for matter in catalogue.known}) == 5


def test_it_answers_what_the_knowledge_base_has(catalogue: Catalogue, chatbot: Chatbot) -> None:
    asked = [(matter, question) for matter in catalogue.known for question in matter.asks]
    found = [chatbot.answer(question) for _, question in asked]
    right = sum(f.answered and f.article.id == matter.id for f, (matter, _) in zip(found, asked, strict=True))
    assert right / len(asked) >= 0.97


def test_it_does_not_answer_what_the_knowledge_base_lacks(catalogue: Catalogue, chatbot: Chatbot) -> None:
    questions = [question for matter in teachable(catalogue) for question in matter.asks]
    answered = [question for question in questions if chatbot.answer(question).answered]
    assert len(answered) / len(questions) <= 0.03, answered


def test_a_taught_question_is_answered_in_other_words(catalogue: Catalogue, chatbot: Chatbot) -> None:
    asked = right = 0
    for matter in teachable(catalogue):
        for taught in matter.asks[::4]:
            chatbot.learn([lesson(taught, matter.answer)])
            others = [question for question in matter.asks if question != taught]
            asked += len(others)
            right += sum((found := chatbot.answer(q)).answered and found.article.lesson for q in others)
    assert right / asked >= 0.9


def test_a_taught_question_is_answered_in_words_that_nothing_was_tuned_on(
    catalogue: Catalogue, chatbot: Chatbot, fresh: dict[str, list[str]]
) -> None:
    asked = right = unrelated = wrong = 0
    for matter in teachable(catalogue):
        for taught in matter.asks[::2]:
            chatbot.learn([lesson(taught, matter.answer)])
            found = [chatbot.answer(question) for question in fresh[matter.id]]
            asked += len(found)
            right += sum(f.answered and f.article.lesson for f in found)
        others = [chatbot.answer(questions[0]) for id_, questions in fresh.items() if id_ != matter.id]
        unrelated += len(others)
        wrong += sum(f.answered and f.article.lesson for f in others)
    assert right / asked >= 0.8
    assert wrong / unrelated <= 0.05


def test_a_lesson_does_not_answer_unrelated_questions(catalogue: Catalogue, chatbot: Chatbot) -> None:
    asked = wrong = 0
    matters = teachable(catalogue)
    for matter in matters:
        chatbot.learn([lesson(matter.asks[0], matter.answer)])
        for other in (*matters, *catalogue.known):
            if other is not matter:
                found = [chatbot.answer(question) for question in other.asks[1:2]]
                asked += len(found)
                wrong += sum(f.answered and f.article.lesson for f in found)
    assert wrong / asked <= 0.02


def test_with_everything_taught_hardly_anything_is_confused(catalogue: Catalogue, chatbot: Chatbot) -> None:
    matters = teachable(catalogue)
    chatbot.learn([lesson(matter.asks[0], matter.answer, id_=matter.id) for matter in matters])
    asked = [(matter, question) for matter in matters for question in matter.asks[1:]]
    right = sum(chatbot.answer(question).article.id == matter.id for matter, question in asked)
    assert right / len(asked) >= 0.95


def test_a_wrong_lesson_makes_it_answer_wrongly_until_it_is_taught_better(chatbot: Chatbot) -> None:
    question = "Can I connect my headphones to two phones at the same time?"
    again = "Is it possible to pair the headphones with two mobiles at once?"
    chatbot.learn([lesson(question, "Only with a cable.")])
    assert chatbot.answer(again).article.answer == "Only with a cable."
    chatbot.learn([lesson(question, "Only with a cable."), lesson(question, "Yes, two at once.", id_="lesson-2")])
    assert chatbot.answer(again).article.answer == "Yes, two at once."


@pytest.mark.parametrize(
    "question",
    [
        "",
        "hi",
        "???",
        "What is the capital of France?",
        "Are you hiring?",
        "Which wine goes with fish?",
        "x" * 4000,
        "\x00",
    ],
)
def test_it_keeps_quiet_about_what_is_none_of_its_business(
    catalogue: Catalogue, chatbot: Chatbot, question: str
) -> None:
    chatbot.learn([lesson(matter.asks[0], matter.answer, id_=matter.id) for matter in teachable(catalogue)])
    assert not chatbot.answer(question).answered


def test_the_encoder_gives_the_models_known_likenesses() -> None:
    one, two, three = shared_encoder().encode(
        [
            "Can I pair the X200 headphones with two phones at once?",
            "Is it possible to connect X200 headphones to two phones simultaneously?",
            "What are your opening hours?",
        ]
    )
    assert float(one @ two) == pytest.approx(0.9328, abs=0.002)
    assert float(one @ three) == pytest.approx(0.0174, abs=0.01)
    assert float(one @ one) == pytest.approx(1.0, abs=1e-5)


def test_the_prepared_vectors_are_complete_and_what_the_model_computes(catalogue: Catalogue) -> None:
    prepared = prepared_vectors(catalogue)
    assert set(prepared) == {ask for matter in (*catalogue.known, *catalogue.missing) for ask in matter.asks}
    sample = sorted(prepared)[::40]
    computed = Encoder().encode(sample)
    assert min(float(prepared[text] @ vector) for text, vector in zip(sample, computed, strict=True)) > 0.999
