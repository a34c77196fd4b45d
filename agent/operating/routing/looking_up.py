"""Questions: which of the reading tools answers one, or what can be asked instead. Start with `looked_up`."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from agent.deciders.planner_meaning import in_words
from agent.operating.names import Names
from agent.operating.routing import cues
from agent.operating.routing.asking import FILL, THE_TOOL, Arguments, says_it_stopped
from agent.operating.routing.meaning import EMPTY, likeness, stem, stems, strange
from agent.operating.routing.mentions import COMMON, KINDS
from agent.operating.routing.routes import Read, Reply, Route, Routed, Setting
from agent.operating.routing.saying import OUT_OF_SCOPE, cannot, example, refused, unclear
from agent.operating.routing.sentences import each_word, sentences

ENOUGH = 0.5
"""A question less like than this to everything that can be asked is not answered."""
STRANGE = 0.3
"""What it takes from a question's likeness that all of its words are strange."""
STRANGE_HERE = 0.15
"""The same where something is named that there is."""
TELLS_APART = 0.02
"""Two tools nearer than this to a question are asked about."""
NEARLY_ALIKE = (
    frozenset({"find_runs", "explain_run"}),
    frozenset({"find_runs", "figures"}),
    frozenset({"tools", "tool_figures"}),
)
"""Pairs whose answers serve either question."""
WHY = ("why_called", "why_not")
_QUESTION = re.compile(
    r"\?|^(?:\W|\b(?:and|so|but|ok|well|hey|hi|please|tell me|explain|show me|say)\b)*(?:what|which|who|whom|"
    r"whose|when|where|why|how|is|"
    r"are|was|were|did|do|does|has|have|had|any|show|list|find|give|get|tell|explain|describe|look|compare|summari[sz]e)\b"
)

PLAIN = each_word(
    "able actual always anybody anyone believe better big business certain check clear come company complete "
    "current early else enough entire exact far fast few find first full going great hello hey hi hold id idea "
    "important instead interest keep kind know late latest left little live look lot matter mean mind minute moment "
    "name need news nothing number often old overall own people person please point possible present put quick "
    "quite rather ready real reason recent report result right same say second see seem set short side simple small "
    "somebody someone something soon specific start state still story sum sure take talk tell thank thanks thing "
    "think time total true try turn want way well whole word work world worse worst wrong year "
)
"""Plain words that are strange to nobody."""

Ranked = Sequence[tuple[float, str]]


async def looked_up(read: Read, setting: Setting, phrases: Mapping[str, Sequence[str]]) -> Routed:
    """The tool whose phrases are likest to one of the sentences, with its arguments."""
    if not re.sub(r"\b(?:x|run|tool|event|effect|approval|the|customer|machine)\b|\W", "", read.masked):
        return await bare(read, setting)
    known = vocabulary(phrases, setting.names)
    anchored = any(one.known and one.kind in ("subject", "run", "tool", "type") for one in read.mentions.found)
    best: list[tuple[float, str]] = []
    a_tool = THE_TOOL.sub("tool x", read.masked)
    for part in dict.fromkeys((read.masked, a_tool, *sentences(read.masked))):
        if not re.search(r"\w", part):
            continue
        scores = cues.cued(part, await likeness(setting.similarities, part, phrases))
        less = (STRANGE_HERE if anchored else STRANGE) * strange(part, known)
        ranked = sorted(((score - less, name) for name, score in scores.items()), reverse=True)
        best = max(best, ranked)
    return await _chosen(best, read, setting)


def vocabulary(phrases: Mapping[str, Sequence[str]], names: Names) -> frozenset[str]:
    """Stems of all words there are names and phrases with."""
    texts = [phrase for of_tool in phrases.values() for phrase in of_tool]
    texts += [f"{in_words(tool.name)} {tool.description}" for tool in names.tools.values()]
    texts += [f"{in_words(kind.name)} {kind.description}" for kind in names.event_types.values()]
    texts += [in_words(one) for one in (*names.steps, *names.units, *names.outcome_types)]
    return frozenset(one for text in texts for one in stems(text)) | {
        stem(one) for one in COMMON | KINDS | EMPTY | PLAIN
    }


async def bare(read: Read, setting: Setting) -> Routed:
    """Nothing but a name."""
    mentions = read.mentions
    run, tool = mentions.first("run"), mentions.first("tool")
    why = "nothing is said but a name"
    if run is not None:
        return Route(tool="explain_run", arguments={"run": run}, why=why)
    if mentions.of("subject") or mentions.of("type") or mentions.of("time"):
        return Route(tool="find_runs", arguments=await FILL["find_runs"](read, setting) or {}, why=why)
    if tool is not None:
        return Route(tool="tools", arguments={"tool": tool}, why=why)
    return Reply(text=cannot("There is nothing asked of that.", (), read.named))


async def _chosen(ranked: Ranked, read: Read, setting: Setting) -> Routed:
    asks = _QUESTION.search(read.masked) is not None
    if asks:
        ranked = [one for one in ranked if one[1] in FILL]
    nearest = [name for _, name in ranked[:2]]
    if not ranked or ranked[0][0] < ENOUGH:
        return Reply(text=cannot(OUT_OF_SCOPE, nearest, read.named))
    (score, first), (next_score, second) = ranked[0], ranked[1]
    if first not in FILL:
        return Reply(text=refused("no order", example(first, read.named)))
    tool, arguments = first, await FILL[first](read, setting)
    if arguments is None:
        tool, arguments = await _instead(first, read, setting)
    if arguments is None:
        missing = "I do not know which run you mean." if first == "explain_run" else OUT_OF_SCOPE
        return Reply(text=cannot(missing, nearest, read.named))
    if tool in WHY and says_it_stopped(read, setting, str(arguments["tool"])):
        why = "it asks why something stopped, and that tool stops it"
        return Route(tool="why_called", arguments=arguments, why=why)
    apart = score - next_score >= TELLS_APART or {first, second} in NEARLY_ALIKE
    if not apart and second in FILL and await FILL[second](read, setting) is not None:
        return Reply(text=unclear((first, second), read.named))
    return Route(tool=tool, arguments=arguments, why=f"the question is likest to what it answers ({score:.2f})")


async def _instead(tool: str, read: Read, setting: Setting) -> tuple[str, Arguments | None]:
    """What comes near where an argument is not known: the run, or the subject's runs."""
    for other in ("explain_run", "find_runs"):
        named = read.mentions.of("run") if other == "explain_run" else read.mentions.of("subject")
        if other != tool and named:
            return other, await FILL[other](read, setting)
    return tool, None
