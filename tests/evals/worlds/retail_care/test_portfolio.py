"""What the shop's own portfolio promises to a decider, beside what every world's does."""

from __future__ import annotations

from tests.evals.worlds.kit.test_worlds import portfolio


def test_pausing_depends_on_what_runs() -> None:
    asked = {
        type_
        for type_, event in portfolio("retail_care")["events"].items()
        for purpose in event["playbook"]
        if "results.list_campaigns" in purpose.get("when", "")
    }
    assert asked == {"support.conversation.failed", "customer.complaint.received"}
