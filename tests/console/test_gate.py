"""Who gets through to the console and what comes with every answer of it, over HTTP without a browser."""

from __future__ import annotations

import re
from http.cookies import SimpleCookie
from typing import Any
from urllib.parse import quote, unquote

import httpx
import pytest
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect
from websockets.typing import Origin

from api.console.gate import POLICY
from api.console.sessions import COOKIE, LASTS
from tests.console.served import Served

SIGN_IN = "/console/sign-in"


def get(served: Served, path: str, **more: Any) -> httpx.Response:
    """One request without a key of the API."""
    return httpx.request(more.pop("method", "GET"), f"{served.url}{path}", trust_env=False, timeout=30, **more)


def begin(served: Served, to: str | None = None, **more: Any) -> httpx.Response:
    """Sign in."""
    form = {"key": served.keys["olga"]} | ({} if to is None else {"to": to})
    return get(served, SIGN_IN, method="POST", data=form, **more)


def test_without_a_session_every_page_leads_to_the_sign_in_and_back(guarded: Served) -> None:
    for path in ("/console/", "/console/runs", "/console/runs/no-such", "/console/nowhere?source=https://shop&x=1"):
        answer = get(guarded, path)
        assert answer.status_code == 303
        page, _, asked = answer.headers["location"].partition("?to=")
        assert (page, unquote(asked)) == (SIGN_IN, path)
        form = get(guarded, answer.headers["location"])
        hidden = re.search(r'name="to" value="([^"]*)"', form.text)
        assert hidden
        assert begin(guarded, hidden[1].replace("&amp;", "&")).headers["location"] == path


def test_what_is_no_page_is_not_come_back_to(guarded: Served) -> None:
    for path, method in (("/console/_nicegui_ws/socket.io/?EIO=4", "GET"), ("/console/runs", "POST")):
        assert get(guarded, path, method=method).headers["location"] == SIGN_IN
    assert get(guarded, "/console/session").headers["location"] == SIGN_IN
    assert get(guarded, "/console/session", cookies=guarded.signed_in()).status_code == 204


def test_the_cookie_is_for_the_console_alone_and_cannot_be_read_or_sent_by_others(guarded: Served) -> None:
    (morsel,) = SimpleCookie(begin(guarded).headers["set-cookie"]).values()
    found = {name: value for name, value in morsel.items() if value}
    lasts = str(int(LASTS.total_seconds()))
    assert found == {"httponly": True, "samesite": "strict", "path": "/console", "max-age": lasts}
    assert morsel.key == COOKIE
    assert len(morsel.value) >= 43


def test_before_a_proxy_that_speaks_tls_the_cookie_is_for_tls_alone(guarded: Served) -> None:
    there = {"host": "segue.example", "origin": "https://segue.example"}
    answer = begin(guarded, headers=there)
    assert answer.status_code == 303
    assert "Secure" in answer.headers["set-cookie"]


@pytest.mark.parametrize(
    "to",
    [
        "//evil.example",
        "https://evil.example/console/",
        "/\\evil.example",
        "/console/\\evil.example",
        "/console//evil.example",
        "/console@evil.example",
        "/console.evil.example",
        "/v1/runs",
        "javascript:alert(1)",
        "\t//evil.example",
        "%2F%2Fevil.example",
        "",
    ],
)
def test_signing_in_leads_to_no_other_site(guarded: Served, to: str) -> None:
    assert begin(guarded, to).headers["location"] == "/console"
    form = get(guarded, f"{SIGN_IN}?to={quote(to, safe='')}")
    assert 'name="to" value="/console"' in form.text


def test_an_address_to_go_to_breaks_out_of_neither_form_nor_header(guarded: Served) -> None:
    to = '/console/"><img src=x onerror=alert(1)>\r\nset-cookie: a=b'
    form = get(guarded, f"{SIGN_IN}?to={quote(to, safe='')}")
    assert "<img" not in form.text
    answer = begin(guarded, to)
    assert answer.headers["location"].startswith("/console/%22%3E%3Cimg")
    assert len(answer.headers.get_list("set-cookie")) == 1


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://127.0.0.1:1"])
def test_a_page_of_another_site_can_post_and_connect_nothing(guarded: Served, origin: str) -> None:
    cookies = guarded.signed_in()
    for path in (SIGN_IN, "/console/sign-out", "/console/"):
        answer = get(guarded, path, method="POST", headers={"origin": origin}, cookies=cookies)
        assert answer.status_code == 403
    assert refusal(guarded, cookies, origin) == 403
    # The session it would have ended is still there.
    assert get(guarded, "/console/", cookies=cookies).status_code == 200


def test_a_socket_needs_a_session(guarded: Served) -> None:
    own = guarded.url
    assert refusal(guarded, {}, own) == 403
    assert refusal(guarded, {COOKIE: "guessed"}, own) == 403
    assert refusal(guarded, guarded.signed_in(), own) is None


def test_the_rest_of_the_library_needs_a_session_but_for_what_is_the_same_for_all(guarded: Served) -> None:
    page = get(guarded, "/console/", cookies=guarded.signed_in())
    shared = set(re.findall(r'src="(/console/_nicegui/[^"]+)"', page.text))
    assert shared
    for path in shared:
        assert get(guarded, path).status_code == 200
    assert get(guarded, "/console/_nicegui_ws/socket.io/?EIO=4&transport=polling").status_code == 303


def test_every_answer_of_the_console_says_what_its_pages_may_do(guarded: Served) -> None:
    cookies = guarded.signed_in()
    page = get(guarded, "/console/", cookies=cookies)
    script = re.findall(r'src="(/console/_nicegui/[^"]+)"', page.text)[0]
    polling = "/console/_nicegui_ws/socket.io/?EIO=4&transport=polling"
    inside = ("/console", "/console/nowhere", "/console/favicon.ico", SIGN_IN, polling, script)
    answers = [page, *(get(guarded, path, cookies=cookies) for path in inside)]
    answers += [get(guarded, "/console/"), get(guarded, polling), begin(guarded)]
    answers.append(get(guarded, "/console/", method="POST", headers={"origin": "https://evil.example"}))
    assert {answer.status_code for answer in answers} >= {200, 303, 307, 403, 404}
    for answer in answers:
        found = answer.headers
        where = str(answer.request.url)
        assert found.get_list("content-security-policy") == [POLICY], where
        assert (found["x-content-type-options"], found["x-frame-options"]) == ("nosniff", "DENY"), where
        assert (found["referrer-policy"], found["cross-origin-opener-policy"]) == ("same-origin", "same-origin"), where
        assert found["cross-origin-resource-policy"] == "same-origin", where
    assert page.headers["cache-control"] == "no-store"
    assert "set-cookie" not in page.headers


def test_the_policy_lets_nothing_come_from_elsewhere() -> None:
    rules = dict(rule.strip().partition(" ")[::2] for rule in POLICY.split(";"))
    assert (rules["default-src"], rules["frame-ancestors"], rules["base-uri"]) == ("'none'", "'none'", "'none'")
    assert {word for sources in rules.values() for word in sources.split()} == {
        "'none'",
        "'self'",
        "'unsafe-inline'",
        "'unsafe-eval'",
        "data:",
    }


def test_cookies_of_other_programs_on_this_host_are_in_nobodys_way(guarded: Served) -> None:
    secret = guarded.signed_in()[COOKIE]
    for header in (f'theirs={{"a": [1, "b"]}}; {COOKIE}={secret}', f"a;;=;{COOKIE}={secret}; {COOKIE}=older"):
        assert get(guarded, "/console/", headers={"cookie": header}).status_code == 200


def test_a_form_that_is_too_large_is_refused(guarded: Served) -> None:
    answer = get(guarded, SIGN_IN, method="POST", data={"key": "k" * 10_000})
    assert (answer.status_code, answer.headers["content-type"]) == (413, "application/problem+json")


def test_a_page_that_does_not_exist_says_so_without_the_inside_of_the_server(guarded: Served) -> None:
    answer = get(guarded, "/console/nowhere", cookies=guarded.signed_in())
    assert answer.status_code == 404
    assert "Traceback" not in answer.text


def test_where_nobody_needs_a_key_another_name_of_the_machine_opens_nothing(served: Served) -> None:
    assert get(served, "/console/").status_code == 200
    assert get(served, "/console/", headers={"host": "evil.example"}).status_code == 421
    assert refusal(served, {}, "http://evil.example") == 403
    assert refusal(served, {}, served.url) is None


def refusal(served: Served, cookies: dict[str, str], origin: str) -> int | None:
    """Status that refused a socket; None if it was accepted."""
    address = f"ws://127.0.0.1:{served.port}/console/_nicegui_ws/socket.io/?EIO=4&transport=websocket"
    cookie = "; ".join(f"{name}={value}" for name, value in cookies.items())
    try:
        with connect(address, origin=Origin(origin), additional_headers={"cookie": cookie}, proxy=None) as socket:
            assert str(socket.recv(timeout=20)).startswith("0")
    except InvalidStatus as error:
        return error.response.status_code
    return None
