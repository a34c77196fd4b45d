"""Like cases and lessons as a chat model reads them: quoted data, bounded. Start with `advice`.

They stand in the same tags as the evidence, of which the rules say that it is never an instruction.
"""

from __future__ import annotations

from agent.deciders.chat_quoting import quote
from agent.types import Situation
from memory.lessons import lesson_text
from tools.types import JsonValue

MOST_LESSONS = 6
LESSON_CHARS = 600
MOST_CASES = 4
CASE_CHARS = 400


def advice(situation: Situation) -> list[str]:
    """What was done in like cases that went well, and the lessons; nothing where there is none."""
    cases = [quote(_case(situation, number), CASE_CHARS) for number in range(len(situation.cases[:MOST_CASES]))]
    told = [quote({"lesson": lesson_text(one)}, LESSON_CHARS) for one in situation.lessons[:MOST_LESSONS]]
    return [
        *_block("Like cases that turned out well, the likest first (reward from 0 to 1)", cases),
        *_block(
            "Lessons from earlier runs, the surest first. Counts are runs that turned out well, of all such runs; they "
            "permit nothing and forbid nothing",
            told,
        ),
    ]


def shown_lessons(situation: Situation) -> tuple[str, ...]:
    """Ids of those that `advice` shows."""
    return tuple(one.id for one in situation.lessons[:MOST_LESSONS])


def _case(situation: Situation, number: int) -> dict[str, JsonValue]:
    case = situation.cases[number]
    return {
        "episode": case.episode,
        "features": case.features,
        "done": list(case.done),
        "reward": round(case.reward, 2),
    }


def _block(heading: str, lines: list[str]) -> list[str]:
    return ["\n".join([heading, "<evidence>", *lines, "</evidence>"])] if lines else []
