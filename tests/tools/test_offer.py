"""What an address offers is shown, or why it is not, whatever answers there."""

from __future__ import annotations

import json
import re
import time
from typing import Any

import pytest

from tests.tools.conftest import RawService
from tests.tools.service import Service
from tools.document import FetchLimits
from tools.offer import MAX_NODES, OfferError, offer_of, read_offer

QUICK = FetchLimits(timeout_s=0.3, attempts=1, max_bytes=2_000)
ADDRESS = "http://desk.example/openapi.json"


def answer(body: bytes, status: str = "200 OK", *more: str) -> bytes:
    """An HTTP answer, byte for byte."""
    head = "\r\n".join((f"HTTP/1.1 {status}", f"content-length: {len(body)}", *more))
    return f"{head}\r\n\r\n".encode() + body


def document(paths: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"openapi": "3.1.0", "info": {"title": "Desk", "version": "1"}, "paths": paths, **more}


async def test_operations_are_offered_with_arguments_and_a_guessed_effect(service: Service) -> None:
    offer = await read_offer(f"{service.url}/openapi.json")
    by_address = {one.address: one for one in offer.operations}
    case = by_address["POST /desk/cases"]
    assert (case.name, case.effect, case.written) == ("open_case", "write", "open_case")
    assert case.parameters is not None
    properties: Any = case.parameters["properties"]
    assert list(properties) == ["customer_id", "question", "team", "priority"]
    assert by_address["GET /items/{item_id}"].effect == "read"
    assert offer.title == "nasty"
    assert service.seen == []


def test_an_operation_that_cannot_be_called_says_why_and_hides_no_other() -> None:
    form = {"content": {"multipart/form-data": {"schema": {"type": "object"}}}}
    paths = {"/upload": {"post": {"operationId": "upload", "requestBody": form}}, "/ping": {"get": {}}}
    upload, ping = offer_of(ADDRESS, document(paths)).operations
    assert upload.parameters is None
    assert upload.problem == "the request body is no JSON; only application/json can be sent"
    assert (ping.name, ping.written, ping.problem) == ("GET /ping", "GET /ping", None)


def test_an_operation_whose_id_is_the_address_of_another_is_not_taken_for_it() -> None:
    paths = {"/a": {"get": {"operationId": "POST /b"}}, "/b": {"post": {"operationId": "same"}}, "/c": {"get": {}}}
    offer = offer_of(ADDRESS, document(paths))
    for one in offer.operations:
        assert one.written is not None
        assert offer.finds(one.written, one)
    paths["/c"] = {"get": {"operationId": "same"}}
    _, hidden, _ = offer_of(ADDRESS, document(paths)).operations
    assert (hidden.written, hidden.problem) == (None, "nothing in the document names it alone")


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ("file:///etc/passwd", "must be http(s)://host"),
        ("ftp://host/openapi.json", "must be http(s)://host"),
        ("http://user:secret@127.0.0.1/", "without user, password"),
        ("openapi.json", "must be http(s)://host"),
        ("", "must be http(s)://host"),
        ("http://169.254.169.254/latest/meta-data", "link-local"),
        ("http://2852039166/latest", "link-local"),
        ("http://[fe80::1]/", "link-local"),
        ("http://[::ffff:169.254.169.254]/", "link-local"),
        ("http://127.0.0.1:1/openapi.json", "cannot be read: ConnectError"),
    ],
)
async def test_an_address_that_is_not_asked_says_why(given: str, says: str) -> None:
    with pytest.raises(OfferError, match=re.escape(says)):
        await read_offer(given, limits=QUICK)


@pytest.mark.parametrize(
    ("sent", "says"),
    [
        (answer(b"", "302 Found", "location: file:///etc/passwd"), "it redirects, which is not followed"),
        (answer(b"<html>hello</html>"), "not readable as JSON"),
        (answer(b"[1, 2]"), "no OpenAPI 3 document"),
        (answer(b'{"swagger": "2.0"}'), "no OpenAPI 3 document"),
        (answer(b'{"openapi": "3.0.0", "paths": [1]}'), "'paths' must map paths"),
        (answer(b'{"openapi": "3.0.0", "paths": {"/a": 3}}'), "path '/a' must be an object"),
        (answer(b"[" * 1_500), "the document cannot be used"),
        (answer(b" " * 3_000), "larger than 2000 bytes"),
        (answer(b"no", "401 Unauthorized"), "HTTP 401 instead of a document"),
        (answer(b"no", "503 Service Unavailable"), "HTTP 503"),
    ],
)
async def test_what_is_no_document_says_what_came(raw_service: RawService, sent: bytes, says: str) -> None:
    async with raw_service(sent) as url:
        with pytest.raises(OfferError, match=re.escape(says)) as told:
            await read_offer(f"{url}/openapi.json", limits=QUICK)
    assert url in str(told.value)


async def test_an_address_that_is_silent_is_left_in_time(raw_service: RawService) -> None:
    async with raw_service(b"HTTP/1.1 200 OK\r\n", hang=True) as url:
        with pytest.raises(OfferError, match=r"no document within 0\.3 s"):
            await read_offer(url, limits=QUICK)


def test_names_and_descriptions_are_one_line_and_bounded() -> None:
    hostile = "<script>\x1b[31m\x00" + "x" * 5_000
    paths = {"/a": {"get": {"operationId": hostile, "summary": hostile, "description": hostile}}}
    (one,) = offer_of(ADDRESS, document(paths, info={"title": hostile})).operations
    assert len(one.name) <= 200
    assert one.name.isprintable()
    assert len(one.description) <= 4_000
    assert "\x1b" not in one.description
    assert one.written == "GET /a"


def test_a_thousand_operations_are_read_and_schemas_that_blow_up_are_cut_off() -> None:
    many = document({f"/o{number}": {"get": {"operationId": f"o{number}"}} for number in range(1_000)})
    assert len([one for one in offer_of(ADDRESS, many).operations if one.problem is None]) == 1_000
    levels: dict[str, Any] = {
        f"l{n}": {"properties": {k: {"$ref": f"#/components/schemas/l{n + 1}"} for k in "abcd"}} for n in range(6)
    }
    levels["l6"] = {"type": "string"}
    body = {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/l0"}}}}
    bomb = document(
        {f"/o{number}": {"post": {"operationId": f"o{number}", "requestBody": body}} for number in range(1_000)},
        components={"schemas": levels},
    )
    began = time.monotonic()
    found = offer_of(ADDRESS, bomb).operations
    assert time.monotonic() - began < 20
    taken = [one for one in found if one.problem is None]
    assert sum(len(json.dumps(one.parameters)) for one in taken) < 100 * MAX_NODES
    assert "the document's schemas are too large together" in str(found[-1].problem)
