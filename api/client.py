"""A running Segue over HTTP, as commands ask it. Start with `Client.get` and `Client.pages`.

An answer that there is too much to do (429, 503 with Retry-After) is waited out, a few times.
"""

from __future__ import annotations

import contextlib
import ipaddress
import json
import os
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import IO, Any

import httpx

from api.terminal import CommandError

PAGE = 200
TIMEOUT_S = 60.0
ATTEMPTS = 6
"""How often a request is sent while the answer is that there is too much to do."""
LONGEST_WAIT_S = 60.0
TOO_MUCH = frozenset({429, 503})
SILENCE_S = 45.0
"""Without so much as a heartbeat, after which a stream is given up for lost."""


class StreamLost(Exception):
    """A stream broke off; it can be asked for again, after so many seconds if the server said so."""

    def __init__(self, detail: str, retry_after_s: float | None = None) -> None:
        super().__init__(detail)
        self.retry_after_s = retry_after_s


class Client:
    """Asks; every failure is a `CommandError` that says what to do."""

    def __init__(self, url: str, key: str | None, sleep: Callable[[float], None] = time.sleep) -> None:
        self._sleep = sleep
        self.url = url.rstrip("/")
        headers = {"authorization": f"Bearer {key}"} if key else {}
        try:
            parsed = httpx.URL(self.url)
            if parsed.scheme not in {"http", "https"} or not parsed.host:
                raise CommandError(f"{url!r} is no http address. Give one with --url or SEGUE_URL.")
            self._http = httpx.Client(
                base_url=self.url,
                headers=headers,
                timeout=TIMEOUT_S,
                trust_env=not _is_here(parsed.host),
                # Reading the system's certificates takes longer than the whole request; redirects are not followed.
                verify=parsed.scheme == "https",
            )
        except (httpx.InvalidURL, ValueError, UnicodeError) as error:
            raise CommandError(f"The address or the key cannot be sent: {error}") from error

    def close(self) -> None:
        """Let go of the connection."""
        self._http.close()

    def get(self, path: str, **query: object) -> Any:
        """The JSON at a path; query parameters that are None are left out."""
        return self._ask("GET", path, params={name: value for name, value in query.items() if value is not None})

    def post(self, path: str, *, content: bytes, headers: Mapping[str, str]) -> Any:
        """Send a body as it is."""
        return self._ask("POST", path, content=content, headers=headers)

    def post_json(self, path: str, body: Mapping[str, Any]) -> Any:
        """Send a JSON object."""
        text = json.dumps({name: value for name, value in body.items() if value is not None})
        return self.post(path, content=text.encode(), headers={"content-type": "application/json"})

    def items(self, path: str, **query: object) -> list[Any]:
        """The items of a list that has no pages."""
        return listed(self.get(path, **query))

    def pages(self, path: str, limit: int, **query: object) -> list[Any]:
        """The items of a list, from as many pages as it takes to have `limit`."""
        items: list[Any] = []
        cursor: str | None = None
        while len(items) < limit:
            page = self.get(path, limit=min(PAGE, limit - len(items)), cursor=cursor, **query)
            items += listed(page)
            cursor = page.get("next")
            if not cursor:
                break
        return items

    def save(self, path: str, file: Path, **query: object) -> int:
        """Write what stands at a path into a file, whole or not at all; how many bytes. Parameters as for `get`."""
        params: Any = {name: value for name, value in query.items() if value is not None}
        try:
            with replacing(file) as kept, self._http.stream("GET", path, params=params) as response:
                if not response.is_success:
                    response.read()
                    raise CommandError(_told(response))
                return sum(kept.write(part) for part in response.iter_bytes())
        except httpx.ConnectError as error:
            raise CommandError(self._nobody()) from error
        except (httpx.HTTPError, httpx.InvalidURL, UnicodeError) as error:
            raise CommandError(f"{self.url}{path}: {error or type(error).__name__}") from error
        except OSError as error:
            raise CommandError(f"{str(file)!r} cannot be written: {error.strerror or error}") from error

    def lines(self, path: str, headers: Mapping[str, str]) -> Iterator[str]:
        """The lines of a stream, as they come; none if there is nothing more to tell. Raises `StreamLost`."""
        return self._lines("GET", path, SILENCE_S, headers=headers)

    def lines_of(self, path: str, body: Mapping[str, Any], silence_s: float) -> Iterator[str]:
        """The lines of a stream that answers a JSON object. Raises `StreamLost`, also after so much silence."""
        headers = {"content-type": "application/json", "accept": "text/event-stream"}
        return self._lines("POST", path, silence_s, headers=headers, content=json.dumps(body).encode())

    def _lines(self, method: str, path: str, silence_s: float, **more: Any) -> Iterator[str]:
        timeout = httpx.Timeout(TIMEOUT_S, read=silence_s)
        try:
            with self._http.stream(method, path, timeout=timeout, **more) as response:
                if response.is_success:
                    yield from response.iter_lines()
                    return
                response.read()
        except httpx.ConnectError as error:
            raise StreamLost(self._nobody()) from error
        except (httpx.HTTPError, httpx.InvalidURL, UnicodeError) as error:
            raise StreamLost(f"{self.url}{path}: {error or type(error).__name__}") from error
        wait = retry_after_s(response)
        if wait is None:
            raise CommandError(_told(response))
        raise StreamLost(_told(response), wait)

    def _ask(self, method: str, path: str, **more: Any) -> Any:
        attempts = 1
        while True:
            response = self._once(method, path, **more)
            wait = retry_after_s(response)
            if wait is None or attempts >= ATTEMPTS:
                break
            self._sleep(wait)
            attempts += 1
        if response.is_success:
            return _json(response)
        raise CommandError(_told(response))

    def _once(self, method: str, path: str, **more: Any) -> httpx.Response:
        try:
            return self._http.request(method, path, **more)
        except (httpx.ConnectError, httpx.ConnectTimeout) as error:
            raise CommandError(self._nobody()) from error
        except (httpx.HTTPError, httpx.InvalidURL, UnicodeError) as error:
            raise CommandError(f"{self.url}{path}: {error or type(error).__name__}") from error

    def _nobody(self) -> str:
        return (
            f"No Segue answers at {self.url}. Start one with 'segue serve', or say where it is with --url or SEGUE_URL."
        )


@contextlib.contextmanager
def connected(url: str, key: str | None) -> Iterator[Client]:
    """A client, closed at the end."""
    client = Client(url, key)
    try:
        yield client
    finally:
        client.close()


@contextlib.contextmanager
def replacing(file: Path) -> Iterator[IO[bytes]]:
    """A file to write that takes the place of another once it is whole."""
    handle, name = tempfile.mkstemp(dir=file.parent, prefix=f".{file.name}.")
    try:
        with os.fdopen(handle, "wb") as kept:
            yield kept
        os.replace(name, file)
    except BaseException:
        os.unlink(name)
        raise


def retry_after_s(response: httpx.Response) -> float | None:
    """How long to wait before asking again, for an answer that says so; at most a minute."""
    given = response.headers.get("retry-after", "")
    if response.status_code not in TOO_MUCH or not (given.isascii() and given.isdigit()):
        return None
    return min(float(given[:6]), LONGEST_WAIT_S)


def listed(page: Any) -> list[Any]:
    """The items of one page."""
    items = page.get("items") if isinstance(page, dict) else None
    if not isinstance(items, list):
        raise CommandError("The answer is not what a Segue answers. Is the address (--url) right?")
    return items


def _json(response: httpx.Response) -> Any:
    try:
        found = response.json()
    except (ValueError, RecursionError) as error:
        raise CommandError(f"The answer of {response.request.url} is no JSON. Is the address (--url) right?") from error
    if not isinstance(found, dict):
        raise CommandError(f"The answer of {response.request.url} is not what a Segue answers.")
    return found


def _told(response: httpx.Response) -> str:
    """A problem as lines for people."""
    try:
        problem = response.json()
    except (ValueError, RecursionError):
        problem = None
    if not isinstance(problem, dict) or "title" not in problem:
        return f"{response.request.url} answered {response.status_code}. Is the address (--url) right?"
    lines = [f"{problem['title']} ({response.status_code}): {problem.get('detail', '')}"]
    errors = problem.get("errors")
    for error in errors if isinstance(errors, list) and len(errors) > 1 else []:
        if isinstance(error, dict):
            where = error.get("index", error.get("field", ""))
            lines.append(f"  [{where}] {error.get('detail', '')}")
    if response.status_code == 401:
        lines.append("  Give a key with --key or SEGUE_API_KEY.")
    return "\n".join(lines)


def _is_here(host: str) -> bool:
    """Proxies of the environment are not for this machine."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
