"""`GET /v1/runs/{id}/stream` over real HTTP."""

from __future__ import annotations

import time
from pathlib import Path

from agent.seen import Seen
from api.following import Told
from tests.api.served import Served, is_problem, open_served
from tests.api.streams import answered, opened, whole


def told(events: list[Told]) -> list[tuple[str, object]]:
    """Names, and where the thing stands."""
    return [(one.name, one.data.get("state") or one.data.get("status") or one.data.get("number")) for one in events]


def until(events: list[Told], stream: object, name: str, state: str) -> dict[str, object]:
    """The data of the next event of that name and state; all that came are kept."""
    for one in stream:  # type: ignore[attr-defined]
        assert isinstance(one, Told)
        events.append(one)
        if told([one]) == [(name, state)]:
            return one.data
    raise AssertionError(f"the stream ended without {name} {state}: {told(events)}")


def test_a_run_that_has_ended_is_told_from_its_beginning_and_in_order(served: Served) -> None:
    run = served.handle("pause please")
    events = whole(served, run["id"])
    assert told(events) == [
        ("decision", 1),
        ("effect", "claimed"),
        ("effect", "done"),
        ("decision", 2),
        ("end", "done"),
    ]
    assert len({one.id for one in events}) == len(events)
    assert events[0].data["calls"][0]["tool"] == "pause_mail"
    assert events[1].data["arguments"] == {"days": 3, "customer": run["event"]["subject"]}
    assert events[2].data["result"] == {"paused": True}
    assert events[4].data["code"] == "finished"


def test_a_stream_goes_on_while_the_run_waits_and_tells_what_the_operator_does(served: Served) -> None:
    response = served.send(served.event("ask me"))
    run = response.json()["accepted"][0]["run"]
    events: list[Told] = []
    with opened(served, run) as stream:
        waiting = until(events, stream, "approval", "pending")
        until(events, stream, "status", "waiting")
        answer = served.http.post(f"/v1/approvals/{waiting['approval']}", json={"answer": "approve", "reason": "yes"})
        assert answer.status_code == 200, answer.text
        approved = until(events, stream, "approval", "approved")
        until(events, stream, "end", "done")
        assert list(stream) == []
    assert (approved["answered_by"], approved["reason"]) == ("operator", "yes")
    assert [found for found in told(events) if found[0] == "effect"] == [("effect", "claimed"), ("effect", "done")]
    assert len({one.id for one in events}) == len(events)


def test_whoever_comes_back_gets_the_rest_and_nothing_twice(served: Served) -> None:
    served.lose_next_call()
    run = served.handle("lose it")["id"]
    (effect,) = served.http.get(f"/v1/runs/{run}").json()["effects"]
    body = {"state": "done", "result": {"note": "x" * 5_000}, "reason": "seen in the diary"}
    assert served.http.post(f"/v1/effects/{effect['key']}/settle", json=body).status_code == 200
    served.ended(run)
    events = whole(served, run)
    assert told(events)[-1] == ("end", "done")
    assert [found for found in told(events) if found[0] == "effect"] == [
        ("effect", "claimed"),
        ("effect", "unknown"),
        ("effect", "done"),
    ]
    for number, one in enumerate(events[:-1]):
        assert whole(served, run, one.id) == events[number + 1 :]
        by_query = served.http.get(f"/v1/runs/{run}/stream", params={"last_event_id": one.id})
        assert by_query.text.count("\nid: ") == len(events) - number - 1
    assert answered(served, run, events[-1].id).status_code == 204
    settled = next(one for one in events if one.data.get("settled_by"))
    assert (settled.data["large"], settled.data["result"]) == (True, None)


def test_an_id_that_no_stream_has_sent_is_400(served: Served) -> None:
    run = served.handle("nothing")["id"]
    for given in ("nonsense", "1-000000-q-0-0-0-", "\u0661-q", "' OR 1=1 --", "5" * 9_000):
        by_query = served.http.get(f"/v1/runs/{run}/stream", params={"last_event_id": given})
        by_header = served.http.get(f"/v1/runs/{run}/stream", headers=[(b"last-event-id", given.encode())])
        assert (by_query.status_code, is_problem(by_query)) == (400, True)
        assert (by_header.status_code, is_problem(by_header)) == (400, True)


def test_two_last_ids_are_400_and_an_unknown_run_is_404(served: Served) -> None:
    run = served.handle("nothing")["id"]
    seen = Seen().text(run)
    twice = served.http.get(f"/v1/runs/{run}/stream", headers=[("last-event-id", seen), ("last-event-id", seen)])
    assert twice.status_code == 400
    unknown = served.http.get("/v1/runs/01ARZ3NDEKTSV4RRFFQ69G5FAV/stream")
    assert (unknown.status_code, is_problem(unknown)) == (404, True)


def test_only_so_many_streams_are_open_and_one_that_is_left_makes_room(tmp_path: Path) -> None:
    with open_served(tmp_path, max_streams=1) as served:
        run = served.handle("ask me")["id"]
        with opened(served, run) as events:
            assert next(events).name == "decision"
            full = served.http.get(f"/v1/runs/{run}/stream")
            assert (full.status_code, is_problem(full), full.headers["retry-after"]) == (503, True, "5")
        deadline = time.monotonic() + 10
        while served.company.segue.watching.count:
            assert time.monotonic() < deadline
        with opened(served, run) as events:
            assert next(events).name == "decision"
