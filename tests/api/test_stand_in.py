"""The stand-in answers to the same calls as the real thing."""

from __future__ import annotations

import inspect

from agent.service import Segue
from tests.api.stand_in import StandIn


def test_every_method_of_the_stand_in_has_the_signature_of_the_real_one() -> None:
    own = {name: method for name, method in vars(StandIn).items() if inspect.isfunction(method) and name[0] != "_"}
    assert len(own) == 6
    for name, method in own.items():
        assert inspect.signature(method) == inspect.signature(getattr(Segue, name)), name
