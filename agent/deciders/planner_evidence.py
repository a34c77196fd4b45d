"""What is done without a purpose: by evidence, by meaning, else by asking. Start with `EvidencePlanner`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence, Set

from agent.actions import NOTHING
from agent.deciders.choosing import Option
from agent.deciders.exploring import Explorer
from agent.deciders.planner_playbook import Next, what_now
from agent.deciders.planner_turn import Planned, Turn, listed, quoted, sentence, spoken
from agent.types import Call, CallResult, Question
from tools.types import Tool

MAX_SAID = 200
"""Characters of the event's own words in a question."""
MAX_SUBJECT = 80


class EvidencePlanner:
    """Finds what like episodes support, and what to do where nothing supports anything."""

    def __init__(self, turn: Turn) -> None:
        self._turn = turn

    @property
    def _texts(self) -> tuple[str, str]:
        """What the event is: by the portfolio's description, and by its text."""
        return self._turn.situation.event_description, self._turn.situation.text

    async def strong(self, *, outside: Set[str]) -> list[Next]:
        """Writes that like episodes alone are reason enough for, of tools that perform none of the steps `outside`.

        They say how well an action did, not when it is done: beside a playbook, not in its place.
        """
        turn = self._turn
        tools = [tool for tool in turn.writes if tool.governance.step is None or tool.governance.step not in outside]
        options = await turn.chooser.weigh(tools, await self._cosines(tools), self._texts) if tools else []
        strong = self._without_rivals([option for option in options if turn.chooser.is_strong(option)])
        tried = {result.call.tool for result in turn.situation.results}
        fresh = [option for option in strong if option.tool.name not in tried]
        found: list[Next] = []
        reads = await turn.consult(self._usual_reads(fresh), None)
        if reads:
            why = "like episodes looked this up first"
            found.append(Next(kind="read", purpose=None, why=why, calls=tuple(reads)))
        found += [await self._add(option) for option in fresh]
        return found

    async def _add(self, option: Option) -> Next:
        planned = await self._turn.plan(option, None)
        reads = await self._turn.providers(planned.filled.guessed, None)
        if planned.filled.complete and not reads:
            known = len(option.evidence.episodes) if option.evidence else 0
            why = f"score {option.score:.2f} from {known} like episodes"
            return Next(kind="write", purpose=None, why=why, planned=planned, calls=(planned.call,), options=(option,))
        return await self._complete(planned, (option,))

    async def _complete(self, planned: Planned, options: Sequence[Option]) -> Next:
        """Reads that may give what is missing; without any, nothing."""
        filled = planned.filled
        sought = (*filled.missing, *filled.guessed)
        reads = await self._turn.providers(sought, None)
        name = spoken(planned.call.action)
        if reads:
            why = f"{name} needs {listed(sought)} first"
            return Next(kind="read", purpose=None, why=why, calls=tuple(reads), options=tuple(options))
        # Evidence only adds to a playbook; it is no reason to disturb an operator.
        return Next(kind="skip", purpose=None, why=f"{name} cannot be filled in", options=tuple(options))

    def _without_rivals(self, options: Sequence[Option]) -> list[Option]:
        """The best action of each tool, and of a step those that like episodes took together."""
        kept: list[Option] = []
        for option in options:
            step = option.tool.governance.step
            if any(other.tool.name == option.tool.name for other in kept):
                continue
            peers = [other for other in kept if step is not None and other.tool.governance.step == step]
            if all(_together(option, other) for other in peers):
                kept.append(option)
        return kept

    def _usual_reads(self, options: Sequence[Option]) -> list[Tool]:
        """Reads that several of the episodes behind these actions made too."""
        episodes = {episode for option in options if option.evidence for episode in option.evidence.episodes}
        least = self._turn.settings.strong_episodes
        evidence = self._turn.situation.evidence
        return [
            tool
            for tool in self._turn.reads
            if tool.name in evidence and len(episodes & set(evidence[tool.name].episodes)) >= least
        ]

    async def otherwise(self) -> Next:
        """Without playbook and evidence: what plainly means the event, else a question; never the same one twice."""
        turn = self._turn
        results = turn.situation.results
        writes = {tool.name for tool in turn.writes}
        answered = [result for result in results if result.decided_by == "operator"]
        if answered:
            return self._after_answer(answered)
        made = [result for result in results if result.call.tool in writes]
        if made:
            return self._after(made)
        if not turn.writes:
            reads = await self._worth_reading()
            return Next(
                kind="read" if reads else "skip", purpose=None, why="nothing permitted acts", calls=tuple(reads)
            )
        options = await self._by_text()
        plain = await self._plainly_meant(options)
        if plain is not None:
            return plain
        nothing = await self._nothing_is_right()
        if nothing is not None:
            return nothing
        reads = await self._worth_reading()
        if reads:
            why = "an operator will be asked, with what can be known"
            return Next(kind="read", purpose=None, why=why, calls=tuple(reads), options=tuple(options))
        return await self._ask(options)

    async def _nothing_is_right(self) -> Next | None:
        """In like cases nothing was called, and that was right."""
        turn = self._turn
        if NOTHING.name not in turn.situation.evidence:
            return None
        cosines = {**await self._cosines(turn.writes), NOTHING.name: turn.settings.memory.nothing}
        options = await turn.chooser.weigh([*turn.writes, NOTHING], cosines, self._texts)
        best = options[0]
        if best.tool is not NOTHING or not turn.chooser.is_strong(best):
            return None
        known = len(best.evidence.episodes) if best.evidence else 0
        why = f"nothing was called in {known} like episodes, and that was right (score {best.score:.2f})"
        return Next(kind="skip", purpose=None, why=why, options=tuple(options))

    def _after(self, made: Sequence[CallResult]) -> Next:
        """A write was made without being asked for: done is enough, failed is told to the operator once."""
        last = made[-1]
        if any(result.state == "done" for result in made) or last.state not in {"failed", "refused"}:
            return Next(kind="skip", purpose=None, why="nothing more is supported")
        return self._did_not_work(last)

    def _after_answer(self, answered: Sequence[CallResult]) -> Next:
        """What the operator asked for is the end of it; where it did not work they are told, once for each tool."""
        asked = Counter(result.call.tool for result in self._turn.situation.results)
        done = {result.call.tool for result in answered if result.state == "done"}
        failed = [one for one in answered if one.state == "failed" and one.call.tool not in done]
        fresh = [result for result in failed if asked[result.call.tool] == 1]
        if fresh:
            return self._did_not_work(fresh[0])
        why = "what the operator asked for did not work" if failed else "an operator has answered"
        return Next(kind="skip", purpose=None, why=f"{why}, and nothing more is supported")

    def _did_not_work(self, last: CallResult) -> Next:
        why = f"{spoken(last.call.action)} did not work: {(last.error or 'no reason given')[:300]}"
        question = Question(text=f"{sentence(why)} {what_now(last, self._turn)}", options=(last.call,))
        return Next(kind="ask", purpose=None, why=why, question=question)

    async def _plainly_meant(self, options: Sequence[Option]) -> Next | None:
        """The write that the portfolio's description of the event means, far above the rest.

        The event's own text has no say in it: who sends an event must not be able to name what is done.
        """
        turn, settings = self._turn, self._turn.settings
        cosines = await turn.meanings.of_tools(turn.situation.event_description, turn.writes)
        ordered = sorted(turn.writes, key=lambda tool: -cosines[tool.name])
        best = cosines[ordered[0].name]
        rest = cosines[ordered[1].name] if len(ordered) > 1 else 0.0
        if best < settings.act_meaning or best - rest < settings.act_margin:
            return None
        option = next(option for option in options if option.tool.name == ordered[0].name)
        evidence = option.evidence
        if evidence is not None and evidence.failure > evidence.success:
            return None
        planned = await turn.plan(option, None)
        sought = (*planned.filled.missing, *planned.filled.guessed)
        reads = await turn.providers(sought, None)
        if planned.filled.complete and not reads:
            # Among the ways to use the tool that is meant; another tool is not meant.
            own = [other for other in options if other.tool.name == option.tool.name]
            draw = await Explorer(turn).draw(planned, own, None)
            return Next(
                kind="write",
                purpose=None,
                why=draw.why("the description of the event plainly means it", turn.situation.explore),
                planned=draw.planned,
                calls=(draw.planned.call,),
                options=tuple(options),
                chances=draw.chances,
                explored=draw.explored,
            )
        if not reads:
            return None
        why = f"{listed(sought)} must be found first"
        return Next(kind="read", purpose=None, why=why, calls=tuple(reads), options=tuple(options))

    async def _ask(self, options: Sequence[Option]) -> Next:
        """The likeliest actions, filled as far as known, for an operator to choose from."""
        turn = self._turn
        offered: list[Planned] = []
        for option in options:
            if len(offered) < turn.settings.max_options and option.tool.name not in {one.call.tool for one in offered}:
                planned = await turn.plan(option, None)
                offered += [] if planned.filled.barred else [planned]
        if not offered:
            return Next(kind="skip", purpose=None, why="no permitted tool can be called for it", options=tuple(options))
        known = "like episodes say too little" if turn.situation.evidence else "nothing like it is remembered"
        why = f"there is no playbook for this event, and {known}"
        best = f"The likeliest would be to {spoken(offered[0].call.action)}."
        text = f"{self._about()} {sentence(why)} {best} What shall be done, if anything?"
        question = Question(text=text, options=tuple(one.call for one in offered), missing=offered[0].filled.missing)
        return Next(kind="ask", purpose=None, why=why, question=question, options=tuple(options))

    def _about(self) -> str:
        """What has happened, to whom, and what was said: words from outside in quotation marks."""
        situation = self._turn.situation
        said = " ".join(situation.text.split()).strip(" :;,-").replace("“", '"').replace("”", '"')
        words = f"{said[:MAX_SAID]}…" if len(said) > MAX_SAID else said
        what = (situation.event_description or situation.event.type)[:MAX_SAID].strip().rstrip(".")
        return sentence(f"{what} ({situation.event.subject[:MAX_SUBJECT]})" + (f": {quoted(words)}" if words else ""))

    async def _worth_reading(self) -> list[Call]:
        """Reads of decent meaning that can be filled and were not made yet."""
        turn = self._turn
        situation = turn.situation
        described = await turn.meanings.of_tools(situation.event_description, turn.reads)
        told = await turn.meanings.of_tools(situation.text, turn.reads)
        cosines = {name: max(described[name], told[name]) for name in described}
        worth = [tool for tool in turn.reads if cosines[tool.name] >= turn.settings.decent_meaning]
        return await turn.consult(sorted(worth, key=lambda tool: -cosines[tool.name]), None)

    async def _by_text(self) -> list[Option]:
        return await self._turn.chooser.weigh(self._turn.writes, await self._cosines(self._turn.writes), self._texts)

    async def _cosines(self, tools: Sequence[Tool]) -> dict[str, float]:
        """What the event means to each tool: its description by the portfolio, and its text."""
        situation = self._turn.situation
        described = await self._turn.meanings.of_tools(situation.event_description, tools)
        told = await self._turn.meanings.of_tools(situation.text, tools)
        parts = [part for part, said in ((described, situation.event_description), (told, situation.text)) if said]
        return {tool.name: sum(part[tool.name] for part in parts) / max(1, len(parts)) for tool in tools}


def _together(one: Option, other: Option) -> bool:
    """Whether most of the episodes that took the one took the other too."""
    if one.evidence is None or other.evidence is None:
        return False
    mine, theirs = set(one.evidence.episodes), set(other.evidence.episodes)
    return len(mine & theirs) * 2 >= min(len(mine), len(theirs)) > 0
