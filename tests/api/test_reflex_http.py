"""What the reflex spares, over HTTP and on the command line."""

from __future__ import annotations

from pathlib import Path

from api.shapes_reflex import ReflexList
from tests.agent.test_reflex import WITH
from tests.api.served import is_problem, open_served
from tests.api.test_cli import ask, ask_json, invoke


def test_every_event_type_with_a_reflex_is_shown_before_anything_was_spared(tmp_path: Path) -> None:
    with open_served(tmp_path, portfolio=WITH) as served:
        served.handle("pause me")
        (shown,) = ReflexList.model_validate(served.http.get("/v1/memory/reflex").json()).items
        assert shown.event_type == "customer.upset"
        assert shown.reflex is not None
        assert shown.reflex.model_dump() == {"checked": 0.0, "episodes": 4, "lower": 0.5, "margin": 0.1}
        assert (shown.model_calls_saved, shown.reward.difference) == (0, None)
        assert ask_json(served, "memory", "reflex", "--type", "customer.upset") == [shown.model_dump()]
        assert "customer.upset" in ask(served, "memory", "reflex").stdout

        unknown = served.http.get("/v1/memory/reflex", params={"type": "customer.uspet"})
        assert (unknown.status_code, is_problem(unknown)) == (404, True)
        assert served.http.get("/v1/memory/reflex", params={"kind": "x"}).status_code == 422
        refused = invoke("memory", "reflex", "--type", "nothing", "--url", served.url)
        assert (refused.exit_code, "there is no event type 'nothing'" in refused.stderr) == (1, True)
