"""Events over HTTP, into a real Segue."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.api.served import Served, is_problem

# The server under test runs in this process and draws random numbers of its own meanwhile.
pytestmark = pytest.mark.filterwarnings("ignore:Do not use the .random. module")

BATCH = "application/cloudevents-batch+json"
STRUCTURED = "application/cloudevents+json"


def binary(served: Served, event: dict[str, Any]) -> httpx.Response:
    """The same event with its attributes as headers."""
    headers = {f"ce-{name}": value for name, value in event.items() if name != "data"}
    return served.http.post(
        "/v1/events", content=json.dumps(event["data"]), headers={"content-type": "application/json", **headers}
    )


def test_one_event_in_every_mode_is_one_run(served: Served) -> None:
    event = served.event()
    first = served.send(event)
    assert first.status_code == 202
    (accepted,) = first.json()["accepted"]
    assert accepted == {"source": "/tests", "id": event["id"], "run": accepted["run"], "duplicate": False}
    again = [binary(served, event), served.send([event], BATCH), served.send(event)]
    assert [response.status_code for response in again] == [202, 202, 202]
    assert {json.dumps(response.json()["accepted"][0]) for response in again} == {
        json.dumps(accepted | {"duplicate": True})
    }


def test_ten_deliveries_at_once_start_one_run_and_act_once(served: Served) -> None:
    event = served.event()
    with ThreadPoolExecutor(10) as pool:
        sends = [pool.submit(binary if number % 2 else Served.send, served, event) for number in range(10)]
    accepted = [send.result().json()["accepted"][0] for send in sends]
    assert len({one["run"] for one in accepted}) == 1
    assert sorted(one["duplicate"] for one in accepted) == [False] + [True] * 9
    run = served.ended(accepted[0]["run"])
    assert [effect["state"] for effect in run["effects"]] == ["done"]
    assert (
        len([found for found in served.company.ledger.of("pause_mail") if found["customer"] == event["subject"]]) == 1
    )


def test_a_redelivery_of_an_event_without_a_time_is_known(served: Served) -> None:
    event = served.event(time=None)
    assert served.send(event).json()["accepted"][0]["duplicate"] is False
    assert served.send(event).json()["accepted"][0]["duplicate"] is True


def test_the_same_id_with_another_content_is_a_conflict(served: Served) -> None:
    event = served.event()
    served.send(event)
    response = served.send(event | {"data": {"message": "nothing"}})
    assert response.status_code == 409
    assert is_problem(response)
    batch = served.send([served.event(), event | {"data": {"message": "nothing"}}], BATCH)
    assert (batch.status_code, [error["index"] for error in batch.json()["errors"]]) == (409, [1])


def test_an_outcome_is_accepted_without_a_run(served: Served) -> None:
    (accepted,) = served.send(served.event(type="customer.stayed", data={"loyalty": 1})).json()["accepted"]
    assert accepted["outcome"]
    assert "run" not in accepted


def test_a_batch_is_all_or_nothing_and_says_which_events_are_wrong(served: Served) -> None:
    good = served.event()
    malformed = served.send([good, served.event(specversion="0.3"), served.event(source=None), "no"], BATCH)
    unknown = served.send([served.event(type="who.knows"), good, served.event(data={"amount": "much"})], BATCH)
    assert (malformed.status_code, unknown.status_code) == (422, 422)
    assert [error["index"] for error in malformed.json()["errors"]] == [1, 2, 3]
    assert [error["index"] for error in unknown.json()["errors"]] == [0, 2]
    assert "who.knows" in unknown.json()["errors"][0]["detail"]
    assert served.send(good).json()["accepted"][0]["duplicate"] is False


def test_an_empty_batch_is_accepted_and_one_of_more_than_500_is_not(served: Served) -> None:
    assert served.send([], BATCH).json() == {"accepted": []}
    response = served.send([{}] * 501, BATCH)
    assert (response.status_code, is_problem(response)) == (413, True)


def test_data_in_base64_is_read_as_the_json_it_is(served: Served) -> None:
    encoded = base64.b64encode(b'{"message": "pause now"}').decode()
    event = served.event(data=None, data_base64=encoded)
    run = served.ended(served.send(event).json()["accepted"][0]["run"])
    assert run["event"]["data"] == {"message": "pause now"}


def test_headers_of_binary_mode_are_percent_decoded(served: Served) -> None:
    event = served.event()
    accepted = binary(served, event | {"subject": "K%C3%BCche%20%E2%82%AC", "id": event["id"] + "%25"}).json()[
        "accepted"
    ][0]
    assert accepted["id"] == event["id"] + "%"
    assert served.ended(accepted["run"])["event"]["subject"] == "Küche €"


def test_binary_mode_without_body_and_type_has_no_data(served: Served) -> None:
    headers = {f"ce-{name}": value for name, value in served.event().items() if name != "data"}
    response = served.http.post("/v1/events", headers=headers)
    assert response.status_code == 202


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({"id": None}, 400),
        ({"id": ""}, 400),
        ({"id": 7}, 400),
        ({"type": None}, 400),
        ({"source": ["x"]}, 400),
        ({"specversion": None}, 400),
        ({"specversion": "2.0"}, 400),
        ({"specversion": 1.0}, 400),
        ({"subject": ""}, 400),
        ({"subject": {"a": 1}}, 400),
        ({"time": "yesterday"}, 400),
        ({"time": "2026-13-01T00:00:00Z"}, 400),
        ({"time": "2026-01-01T00:00:00"}, 400),
        ({"time": "0001-01-01T00:00:00+23:59"}, 400),
        ({"time": "9999-12-31T23:59:59-23:59"}, 400),
        ({"time": "2026-01-01T00:00:00+99:99"}, 400),
        ({"time": "٢٠٢٦-01-01T00:00:00Z"}, 400),
        ({"time": 5}, 400),
        ({"Wrong-Name": "x"}, 400),
        ({"data_base64": "e30="}, 400),
        ({"data": None, "data_base64": "e30"}, 400),
        ({"data": None, "data_base64": "!!!!"}, 400),
        ({"data": None, "data_base64": 5}, 400),
        ({"data": None, "data_base64": "bm8="}, 400),
        ({"datacontenttype": "text/xml"}, 415),
        ({"datacontenttype": ""}, 400),
        ({"datacontenttype": 5}, 400),
        ({"data": "text"}, 422),
        ({"data": [1]}, 422),
        ({"data": {"message": 5}}, 422),
        ({"data": {"message": "\ud800"}}, 422),
        ({"data": {"message": "\x00"}}, 422),
        ({"id": "\ud800"}, 422),
        ({"source": "a\x00b"}, 422),
        ({"subject": "s" * 1025}, 422),
        ({"type": "customer.unknown"}, 422),
        ({"\ud800": "x"}, 400),
        ({"x": "\ud800"}, 202),
        ({"traceparent": "00-1-2-3", "sequence": 5, "sampled": True}, 202),
        ({"time": "2026-01-01t00:00:00.123456789+02:00"}, 202),
        ({"datacontenttype": "application/vnd.shop+json; charset=utf-8"}, 202),
    ],
)
def test_every_single_event_gets_the_status_it_deserves(served: Served, changes: dict[str, Any], status: int) -> None:
    response = served.send(served.event(**changes))
    assert response.status_code == status, response.text
    assert status == 202 or is_problem(response)


@pytest.mark.parametrize(
    ("body", "content_type", "status"),
    [
        (b"", STRUCTURED, 400),
        (b"no", STRUCTURED, 400),
        (b"[]", STRUCTURED, 400),
        (b"null", STRUCTURED, 400),
        (b"{}", BATCH, 400),
        (b'{"id": NaN}', STRUCTURED, 400),
        (b'{"id": 1, "id": 1}', STRUCTURED, 400),
        (b'{"id": "\xff"}', STRUCTURED, 400),
        (b"[" * 100_000, BATCH, 400),
        (b'{"a":' * 100_000, STRUCTURED, 400),
        (b"1" * 100_000, STRUCTURED, 400),
        (b"{}", "application/cloudevents+xml", 415),
        (b"{}", "application/cloudevents+json; charset=utf-16", 415),
        (b"{}", "application/json", 415),
        (b"{}", "text/plain", 415),
        (b"{}", ";;;", 415),
        (b"{}", "é", 415),
        (b" " * 1_048_577, STRUCTURED, 413),
    ],
)
def test_every_body_gets_the_status_it_deserves(served: Served, body: bytes, content_type: str, status: int) -> None:
    headers = [(b"content-type", content_type.encode())]
    response = served.http.post("/v1/events", content=body, headers=headers)
    assert response.status_code == status, response.text
    assert is_problem(response)


@pytest.mark.parametrize(
    ("headers", "body", "status"),
    [
        ([("ce-subject", b"\xff")], b"{}", 400),
        ([("ce-subject", b"%ff")], b"{}", 400),
        ([("ce-subject", b"%ZZ")], b"{}", 202),
        ([("ce-subject", b"%00")], b"{}", 422),
        ([("ce-subject", b"a"), ("ce-subject", b"b")], b"{}", 400),
        ([("ce-data", b"a")], b"{}", 400),
        ([("ce-time", b"now")], b"{}", 400),
        ([("ce-", b"x")], b"{}", 400),
        ([("ce-a_b", b"x")], b"{}", 400),
        ([("content-encoding", b"gzip")], b"{}", 415),
        ([("content-type", b"text/csv")], b"{}", 415),
        ([("content-type", b"application/json"), ("content-type", b"application/json")], b"{}", 400),
        ([], b"{", 400),
        ([], b"[1]", 422),
        ([], b'"text"', 422),
        ([("content-type", b"Application/JSON ; charset=UTF-8")], b"{}", 202),
    ],
)
def test_every_header_gets_the_status_it_deserves(
    served: Served, headers: list[tuple[str, bytes]], body: bytes, status: int
) -> None:
    event = served.event(data=None, subject=None)
    sent = [(f"ce-{name}".encode(), str(value).encode()) for name, value in event.items()]
    sent += [(name.encode(), value) for name, value in headers]
    response = served.http.post("/v1/events", content=body, headers=sent)
    assert response.status_code == status, response.text
    assert status == 202 or is_problem(response)


def test_a_body_without_a_length_is_counted_while_it_comes(served: Served) -> None:
    sent = 0

    def chunks() -> Iterator[bytes]:
        nonlocal sent
        for _ in range(1_000):
            sent += 1
            yield b" " * 65_536

    try:
        response = served.http.post("/v1/events", content=chunks(), headers={"content-type": STRUCTURED})
    except httpx.HTTPError:
        pass  # The server may have closed the connection before its answer was read.
    else:
        assert response.status_code == 413
    assert sent < 1_000


attributes = st.sampled_from(
    ["id", "source", "type", "subject", "time", "data", "data_base64", "datacontenttype", "x", ""]
)
anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(codec=None), max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(changes=st.dictionaries(attributes, anything, max_size=4), batch=st.booleans())
def test_no_event_brings_a_5xx(served: Served, changes: dict[str, Any], batch: bool) -> None:
    event = served.event() | changes
    body = json.dumps([event] if batch else event).encode()
    response = served.http.post("/v1/events", content=body, headers={"content-type": BATCH if batch else STRUCTURED})
    assert response.status_code in {202, 400, 409, 413, 415, 422}, response.text
    assert response.status_code == 202 or is_problem(response)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(body=st.binary(max_size=100), content_type=st.sampled_from([BATCH, STRUCTURED, "application/json"]))
def test_no_bytes_bring_a_5xx(served: Served, body: bytes, content_type: str) -> None:
    response = served.http.post("/v1/events", content=body, headers={"content-type": content_type, "ce-id": "x"})
    assert response.status_code in {400, 415, 422}
    assert is_problem(response)
