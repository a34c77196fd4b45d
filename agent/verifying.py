"""What a tool itself says of a call, as a reward. Start with `own_result`."""

from __future__ import annotations

import logging

from agent.expressions import Expression, ExpressionError
from tools.types import Answer, Answered, Declined, JsonObject, Tool

log = logging.getLogger(__name__)

VARIABLES = frozenset({"arguments", "result"})
"""What a tool's `verify` reads."""


def own_result(tool: Tool, arguments: JsonObject, answer: Answer | None) -> float | None:
    """In [0, 1] by the tool's `verify` of what it answered, 0 for a write that it looked at and turned down.

    None where it does not tell, or what it tells cannot be read: no verdict is no failure.
    """
    match answer:
        case Answered() if tool.governance.verify is not None:
            try:
                context = {"arguments": arguments, "result": answer.result}
                return Expression.parse(tool.governance.verify, VARIABLES).reward(context)
            except ExpressionError as error:
                log.warning("the result of %s is not verified: %s", tool.name, error)
                return None
        case Declined(judged=True) if tool.governance.effect == "write":
            return 0.0
        case _:
            return None
