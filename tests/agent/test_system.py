"""The state of tools, workers, model and memory, read off a real company."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from sqlalchemy import update

from agent.operating.system import system
from agent.store import workers
from agent.store.tables import runs
from agent.store.workers import Worker
from tests.agent.company import Script, call, open_company

WORKER = Worker(id="gone", kind="worker", host="other", process=9, memory="/elsewhere")


async def test_the_state_of_a_company_is_what_its_parts_say(tmp_path: Path) -> None:
    async with open_company(tmp_path, Script([[call("look_up", customer="c-1")]])) as company:
        segue = company.segue
        run = await company.handle("c-1")
        await segue.switches.switch("default", "customer.upset", "off", by="olga", reason="harm")
        await segue.pauses.pause("default", "tool", "pay_back", by="olga", reason=None)
        found = await system(segue, "default")
        assert [(one.worker.kind, one.live, one.running) for one in found.workers] == [("serve", True, 0)]
        assert found.model is not None
        assert found.model.answered_at is not None
        assert (found.model.failed_at, found.model.failed_run) == (None, None)
        assert (found.uses_memory, found.memory.episodes) == (True, 1)
        assert [one["type"] for one in found.off] == ["customer.upset"]
        assert [(one["scope"], one["name"]) for one in found.pauses] == [("tool", "pay_back")]
        assert found.open_runs == {}

        failed = update(runs).where(runs.c.id == run["id"]).values(end_code="model_timeout", end_detail="too late")
        await segue._database.write(lambda connection: connection.execute(failed))
        await segue._database.write(
            lambda connection: workers.beat(connection, WORKER, 5.0, segue.desk.now() - timedelta(minutes=1))
        )
        later = await system(segue, "default")
        assert later.model is not None
        assert (later.model.failed_run, later.model.says) == (run["id"], "too late")
        assert {one.worker.id: one.live for one in later.workers}["gone"] is False
        nobody = await system(segue, "other")
        assert (nobody.memory.episodes, nobody.pauses, nobody.off) == (0, (), ())
        assert nobody.model is not None
        assert nobody.model.answered_at is None


async def test_runs_in_flight_and_over_are_the_newest_of_their_states(tmp_path: Path) -> None:
    script = Script([[call("look_up", customer="c")], [], [call("pay_back", customer="c", amount=1.0)]])
    async with open_company(tmp_path, script) as company:
        done = await company.handle("c-1")
        script.entries = [[call("pay_back", customer="c-2", amount=1.0)]]
        waits = await company.handle("c-2", id="e-2")
        await company.segue.pauses.pause("default", "event", "customer.upset", by="olga", reason=None)
        held = await company.send("c-3", id="e-3")
        flying, over = await company.segue.desk.lists.newest(
            "default", (("running", "queued"), 5), (("done", "waiting"), 5)
        )
        assert [one["id"] for one in flying] == [held]
        assert [one["id"] for one in over] == [waits["id"], done["id"]]
        (only,) = await company.segue.desk.lists.newest("default", (("done", "waiting"), 1))
        assert [one["id"] for one in only] == [waits["id"]]
        assert (await company.segue.desk.open_runs("default")) == {"waiting": 1, "queued": 1}
        assert await company.segue.desk.lists.newest("other", (("done",), 5)) == [[]]
