"""What is known of a tool's effect after each way an HTTP call can end."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Callable, Iterator, Mapping

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.tools.conftest import RawService
from tests.tools.service import Service
from tools.http import HttpCaller, open_client
from tools.openapi import OpenApiSource
from tools.operations import read_operations
from tools.registry import ToolRegistry
from tools.selection import ToolSelection
from tools.types import Answer, Answered, Declined, Governance, InDoubt, JsonObject, Nonsense

DOCUMENT: JsonObject = {
    "openapi": "3.1.0",
    "servers": [{"url": "https://elsewhere.invalid/"}],
    "paths": {
        "/act": {
            "post": {
                "operationId": "act",
                "responses": {"200": {"content": {"application/json": {"schema": {"type": "object"}}}}},
            }
        }
    },
}


@pytest.fixture
async def registry(service: Service) -> AsyncIterator[ToolRegistry]:
    source = OpenApiSource(
        name="nasty",
        address=f"{service.url}/openapi.json",
        headers={"X-Api-Key": "secret"},
        tools={
            name: ToolSelection(governance=Governance(timeout_s=0.1 if name == "slow" else 5.0))
            for name in (
                *("read_item", "open_case", "count_tree", "put_list", "maybe", "nothing", "slow", "answer_status"),
                *("refund", "liar", "babble"),
            )
        },
    )
    registry = await ToolRegistry.open([source])
    yield registry
    await registry.aclose()


async def call_raw(url: str, *, timeout_s: float = 2.0) -> Answer:
    """Call the one operation of `DOCUMENT` at this address."""
    selection = ToolSelection(governance=Governance(timeout_s=timeout_s))
    operations = read_operations(DOCUMENT, source="raw", tools={"act": selection}, defaults=Governance())
    async with open_client() as client:
        return await HttpCaller(client, client.build_request("GET", url).url, {}).call(operations[0], {}, key="k")


async def test_a_call_carries_key_headers_parameters_and_body(registry: ToolRegistry, service: Service) -> None:
    answer = await registry.call("open_case", {"customer_id": "c-1", "question": "why?", "team": "meadow"}, "run:1:0")
    assert answer == Answered(result={"case_id": "case-1", "team": "meadow"})
    seen = service.seen[-1]
    assert seen["key"] == "run:1:0"
    assert seen["headers"]["x-api-key"] == "secret"
    assert seen["case"].question == "why?"


async def test_query_lists_flags_and_header_arguments_arrive(registry: ToolRegistry, service: Service) -> None:
    arguments: JsonObject = {"item_id": "i", "tag": ["a b", "c&d=e", "+"], "deep": True, "x-trace": "t-1"}
    answer = await registry.call("read_item", arguments, "k")
    assert answer == Answered(result={"item_id": "i", "tag": ["a b", "c&d=e", "+"], "deep": True})
    assert service.seen[-1]["x_trace"] == "t-1"


async def test_a_body_that_is_a_list_is_the_argument_body(registry: ToolRegistry) -> None:
    assert await registry.call("put_list", {"body": [1, 2, 3]}, "k") == Answered(result=6)


async def test_an_optional_body_may_be_left_out(registry: ToolRegistry, service: Service) -> None:
    assert await registry.call("maybe", {}, "k") == Answered(result=None)
    await registry.call("maybe", {"customer_id": "c", "question": "q"}, "k")
    left_out, given_case = (seen["case"] for seen in service.seen)
    assert left_out is None
    assert given_case.customer_id == "c"


async def test_an_empty_answer_is_a_result_where_none_is_declared(registry: ToolRegistry) -> None:
    assert await registry.call("nothing", {}, "k") == Answered(result=None)


@pytest.mark.parametrize("status", [301, 302, 307, 308, 400, 401, 403, 404, 408, 409, 410, 422, 425])
async def test_a_refusal_or_redirect_certainly_did_nothing(
    registry: ToolRegistry, service: Service, status: int
) -> None:
    answer = await registry.call("answer_status", {"status": status}, "k")
    assert isinstance(answer, Declined)
    assert str(status) in answer.error
    assert answer.retry_after_s is None
    assert [seen["path"] for seen in service.seen] == [f"/status/{status}"]


@pytest.mark.parametrize("status", [500, 502, 503, 504, 599, 303])
async def test_a_server_error_or_see_other_leaves_the_effect_in_doubt(registry: ToolRegistry, status: int) -> None:
    assert isinstance(await registry.call("answer_status", {"status": status}, "k"), InDoubt)


async def test_a_busy_service_says_when_to_come_back(registry: ToolRegistry) -> None:
    answer = await registry.call("answer_status", {"status": 429}, "k")
    assert answer == Declined(error="HTTP 429: Busy", retry_after_s=17.0)


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ("Retry-After: Wed, 21 Oct 2026 07:28:30 GMT\r\nDate: Wed, 21 Oct 2026 07:28:00 GMT", 30.0),
        ("Retry-After: Wed, 21 Oct 2015 07:28:00 GMT", 0.0),
        ("Retry-After: 99999999999999999999999", 86_400.0),
        ("Retry-After: -3", None),
        ("Retry-After: soon", None),
        ("Retry-After: Wed, 99 Oct 99999 07:28:00 GMT", None),
        ("X-Nothing: 1", None),
    ],
)
async def test_retry_after_is_read_in_both_forms_and_bounded(
    raw_service: RawService, headers: str, expected: float | None
) -> None:
    async with raw_service(f"HTTP/1.1 429 Busy\r\n{headers}\r\nContent-Length: 0\r\n\r\n".encode()) as url:
        answer = await call_raw(url)
    assert answer == Declined(error="HTTP 429", retry_after_s=expected)


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ("Retry-After: 3", 3.0),
        ("Retry-After: Wed, 21 Oct 2026 07:28:30 GMT\r\nDate: Wed, 21 Oct 2026 07:28:00 GMT", 30.0),
        ("X-Nothing: 1", None),
    ],
)
async def test_a_503_says_when_to_come_back_and_stays_in_doubt(
    raw_service: RawService, headers: str, expected: float | None
) -> None:
    async with raw_service(f"HTTP/1.1 503 Busy\r\n{headers}\r\nContent-Length: 0\r\n\r\n".encode()) as url:
        assert await call_raw(url) == InDoubt(error="HTTP 503", retry_after_s=expected)


async def test_an_answer_tells_whether_the_tool_itself_is_well(registry: ToolRegistry) -> None:
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        unreached = await call_raw(f"http://127.0.0.1:{bound.getsockname()[1]}")
    refused = await registry.call("answer_status", {"status": 422}, "k")
    unsent = await registry.call("read_item", {"item_id": "a/b"}, "k")
    told = [answer.tells for answer in (unreached, refused, unsent) if isinstance(answer, Declined)]
    assert told == ["unwell", "well", "nothing"]


async def test_the_services_own_reasons_reach_the_decider(registry: ToolRegistry) -> None:
    refused = await registry.call("refund", {"amount": 3}, "k")
    assert refused == Declined(error="HTTP 422: the order is not theirs", judged=True)
    invalid = await registry.call("refund", {"amount": -1}, "k")
    assert isinstance(invalid, Declined)
    assert "query.amount: Input should be greater than 0" in invalid.error
    problem = await registry.call("answer_status", {"status": 409}, "k")
    assert problem == Declined(error="HTTP 409: No: because 409", judged=True)


@pytest.mark.parametrize("status", [400, 401, 403, 405, 429])
async def test_a_refusal_of_who_asks_how_or_when_says_nothing_of_the_case(registry: ToolRegistry, status: int) -> None:
    answer = await registry.call("answer_status", {"status": status}, "k")
    assert isinstance(answer, Declined)
    assert not answer.judged


async def test_a_long_refusal_is_cut(raw_service: RawService) -> None:
    body = b'{"detail": "' + b"x" * 60_000 + b'"}'
    async with raw_service(b"HTTP/1.1 400 No\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body)) as url:
        answer = await call_raw(url)
    assert isinstance(answer, Declined)
    assert len(answer.error) <= 2_000


@pytest.mark.parametrize("kind", ["garbage", "nan", "infinite", "deep", "latin", "half", "huge", "digits"])
async def test_a_success_that_cannot_be_read_is_nonsense(registry: ToolRegistry, kind: str) -> None:
    assert isinstance(await registry.call("babble", {"kind": kind}, "k"), Nonsense)


async def test_an_answer_beyond_the_bound_is_nonsense_even_if_its_start_can_be_read(raw_service: RawService) -> None:
    async with raw_service(b"HTTP/1.1 200 OK\r\n\r\n{}" + b" " * 3_000_000) as url:
        answer = await call_raw(url)
    assert isinstance(answer, Nonsense)
    assert "larger" in answer.error


async def test_a_long_result_within_the_bound_is_an_answer(registry: ToolRegistry) -> None:
    assert await registry.call("babble", {"kind": "long"}, "k") == Answered(result="x" * 1_000_000)


async def test_a_success_against_the_declared_schema_is_nonsense(registry: ToolRegistry) -> None:
    answer = await registry.call("liar", {}, "k")
    assert isinstance(answer, Nonsense)
    assert "declares" in answer.error


async def test_a_service_can_leave_no_cookies(registry: ToolRegistry, service: Service) -> None:
    await registry.call("babble", {"kind": "cookie"}, "k")
    await registry.call("babble", {"kind": "cookie"}, "k")
    assert "cookie" not in service.seen[-1]["headers"]


async def test_an_answer_that_does_not_come_in_time_leaves_the_effect_in_doubt(
    registry: ToolRegistry, service: Service
) -> None:
    answer = await registry.call("slow", {}, "k")
    assert isinstance(answer, InDoubt)
    assert "0.1 s" in answer.error
    assert len(service.seen) == 1


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"HTTP/1.1 20",
        b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{}",
        b"HTTP/1.1 200 OK\r\nContent-Length: many\r\n\r\n{}",
        b"SSH-2.0-OpenSSH_9.6\r\n",
        b"\x00\xff" * 50,
        b"HTTP/1.1 500 Oh\r\nContent-Length: 10\r\n\r\n",
        b"HTTP/1.1 101 Switching\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n",
    ],
)
async def test_a_cut_or_broken_exchange_leaves_the_effect_in_doubt(raw_service: RawService, answer: bytes) -> None:
    async with raw_service(answer) as url:
        assert isinstance(await call_raw(url), InDoubt)


async def test_a_connection_cut_before_reading_leaves_the_effect_in_doubt(raw_service: RawService) -> None:
    async with raw_service(b"", read=False) as url:
        assert isinstance(await call_raw(url), InDoubt)


@pytest.mark.parametrize("body", [b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n{", b"HTTP/1.1 200 OK\r\n"])
async def test_a_success_that_never_ends_leaves_the_effect_in_doubt(raw_service: RawService, body: bytes) -> None:
    async with raw_service(body, hang=True) as url:
        assert isinstance(await call_raw(url, timeout_s=0.1), InDoubt)


async def test_a_refusal_whose_text_never_ends_is_still_a_refusal(raw_service: RawService) -> None:
    async with raw_service(b"HTTP/1.1 409 No\r\nContent-Length: 10\r\n\r\n{", hang=True) as url:
        answer = await call_raw(url, timeout_s=0.1)
    assert isinstance(answer, Declined)
    assert "409" in answer.error


async def test_a_compressed_answer_nobody_asked_for_is_nonsense(raw_service: RawService) -> None:
    async with raw_service(b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 2\r\n\r\n{}") as url:
        assert isinstance(await call_raw(url), Nonsense)


async def test_nobody_listening_means_that_nothing_was_done() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        answer = await call_raw(f"http://127.0.0.1:{free.getsockname()[1]}")
    assert isinstance(answer, Declined)


async def test_an_unknown_host_means_that_nothing_was_done() -> None:
    assert isinstance(await call_raw("http://nowhere.invalid"), Declined)


async def test_a_connection_that_does_not_open_in_time_means_that_nothing_was_done() -> None:
    with socket.socket() as full:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        with socket.create_connection(full.getsockname()), socket.socket() as second:
            second.setblocking(False)
            second.connect_ex(full.getsockname())
            answer = await call_raw(f"http://127.0.0.1:{full.getsockname()[1]}", timeout_s=0.1)
    assert isinstance(answer, Declined)


async def test_environment_proxies_are_ignored(
    service: Service, registry: ToolRegistry, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    source = OpenApiSource(name="s", address=f"{service.url}/openapi.json", tools={"nothing": ToolSelection()})
    other = await ToolRegistry.open([source])
    assert await other.call("nothing", {}, "k") == Answered(result=None)
    await other.aclose()


async def test_many_calls_go_in_parallel(registry: ToolRegistry) -> None:
    answers = await asyncio.gather(*(registry.call("put_list", {"body": [n]}, f"k{n}") for n in range(60)))
    assert answers == [Answered(result=n) for n in range(60)]


@pytest.mark.parametrize("value", ["", None, ".", "..", "a/b", "x/erase", "/", "..\\x", "\ud800", {"a": 1}])
async def test_a_value_that_could_change_the_path_is_never_sent(
    registry: ToolRegistry, service: Service, value: str | None
) -> None:
    assert isinstance(await registry.call("read_item", {"item_id": value}, "k"), Declined)
    assert service.seen == []


@pytest.mark.parametrize(
    ("arguments", "key"),
    [
        ({"item_id": "i", "x-trace": "a\r\nX-Admin: yes"}, "k"),
        ({"item_id": "i", "x-trace": "ä"}, "k"),
        ({"item_id": "i"}, "k\r\nX-Admin: yes"),
        ({"item_id": "i", "tag": [["nested"]]}, "k"),
        ({"item_id": "i", "unknown": 1}, "k"),
    ],
)
async def test_what_cannot_be_sent_faithfully_is_declined(
    registry: ToolRegistry, service: Service, arguments: Mapping[str, str], key: str
) -> None:
    assert isinstance(await registry.call("read_item", arguments, key), Declined)
    assert service.seen == []


hostile_text = st.text() | st.text(alphabet="./\\%?#&=+;:@ \t\n\r\0~é2Fe") | st.sampled_from(["%2e%2e", "%2F", "a\n"])


@pytest.fixture(scope="module")
def read_item(running_service: Service) -> Iterator[Callable[[str, list[str]], Answer]]:
    """Calls `read_item` from synchronous code, on one loop and one client."""
    operations = read_operations(
        running_service.app.openapi(), source="s", tools={"read_item": ToolSelection()}, defaults=Governance()
    )
    client = open_client()
    caller = HttpCaller(client, client.build_request("GET", running_service.url).url, {})
    with asyncio.Runner() as runner:
        yield lambda value, tag: runner.run(caller.call(operations[0], {"item_id": value, "tag": tag}, key="k"))
        runner.run(client.aclose())


@given(value=hostile_text, tag=st.lists(hostile_text, max_size=3))
@settings(max_examples=150, deadline=None)
def test_the_service_sees_exactly_the_value_or_the_call_is_declined(
    read_item: Callable[[str, list[str]], Answer], value: str, tag: list[str]
) -> None:
    answer = read_item(value, tag)
    if value in {"", ".", ".."} or "/" in value or "\\" in value:
        assert isinstance(answer, Declined)
    else:
        assert answer == Answered(result={"item_id": value, "tag": tag or None, "deep": False})
