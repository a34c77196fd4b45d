"""How runs of an event type wait, checked and built from `queue:` of the file. Start with `build_queueing`."""

from __future__ import annotations

from agent.portfolio.form import QueueForm
from agent.portfolio.mistakes import MistakeList, Place
from agent.portfolio.model import Debounce, Queueing, Rate


def build_queueing(form: QueueForm, place: Place, mistakes: MistakeList) -> Queueing:
    """How the runs wait. What cannot hold together becomes a mistake."""
    _check(form, place, mistakes)
    debounce = form.debounce
    return Queueing(
        priority=form.priority,
        delay_s=form.delay or 0.0,
        ttl_s=form.ttl,
        debounce=Debounce(quiet_s=debounce.quiet, longest_s=debounce.longest) if debounce is not None else None,
        concurrency=form.concurrency,
        rate=Rate(starts=form.rate[0], per_s=form.rate[1]) if form.rate is not None else None,
        attempts=form.attempts,
    )


def _check(form: QueueForm, place: Place, mistakes: MistakeList) -> None:
    debounce, delay, ttl = form.debounce, form.delay, form.ttl
    if debounce is not None and debounce.longest < debounce.quiet:
        problem = f"the longest wait ({debounce.longest:g} s) is shorter than the quiet period ({debounce.quiet:g} s)"
        mistakes.add(place.at("debounce", "longest"), problem, f"Use at least {debounce.quiet:g}s.")
    if debounce is not None and delay is not None:
        mistakes.add(
            place.at("delay"), "there is a 'debounce' as well, which makes runs wait", "Keep one of: delay, debounce."
        )
    waits = {"delay": delay, "debounce.longest": debounce.longest if debounce is not None else None}
    for key, wait in waits.items():
        if ttl is not None and wait is not None and ttl <= wait:
            problem = f"every run would expire: {ttl:g} s is not longer than '{key}' ({wait:g} s)"
            mistakes.add(place.at("ttl"), problem, f"Use more than {wait:g}s.")
