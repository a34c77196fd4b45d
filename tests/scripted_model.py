"""An OpenAI-compatible chat endpoint on loopback that answers by script. Start with `ScriptedModel`.

    with ScriptedModel([calls(("find_customer", {"id": "c-1"})), text("Nothing more to do.")]) as model:
        decider = ChatDecider(model="scripted", base_url=model.base_url)
        ...
        assert model.requests[0].functions == ("find_customer", "ask_operator")

Steps are used up in the order requests come in. Asked once too often, it answers 400 and the `with` block fails. Its
answers say what the script says: they show how the product behaves, never how well a model decides.
"""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, TypeAlias

RELEASE_TIMEOUT_S = 30.0


@dataclass(frozen=True, kw_only=True)
class Request:
    """One request as it came in."""

    path: str
    headers: Mapping[str, str]
    """Names in lower case."""
    body: Mapping[str, Any]

    @property
    def messages(self) -> list[dict[str, Any]]:
        return list(self.body.get("messages", []))

    @property
    def system(self) -> str:
        return "\n".join(str(told["content"]) for told in self.messages if told["role"] == "system")

    @property
    def user(self) -> str:
        return "\n".join(str(told["content"]) for told in self.messages if told["role"] == "user")

    @property
    def answers(self) -> list[dict[str, Any]]:
        """What the tools said so far, parsed: `{"state": ..., "result" or "error": ...}`."""
        return [json.loads(told["content"]) for told in self.messages if told["role"] == "tool"]

    @property
    def functions(self) -> tuple[str, ...]:
        return tuple(tool["function"]["name"] for tool in self.body.get("tools", []))

    def parameters(self, function: str) -> dict[str, Any]:
        """JSON Schema of one function that was offered."""
        found = [tool["function"] for tool in self.body["tools"] if tool["function"]["name"] == function]
        return dict(found[0]["parameters"])


@dataclass(frozen=True, kw_only=True)
class Reply:
    """One HTTP answer, or the lack of one."""

    status: int = 200
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    cut: bool = False
    """Close the connection after half of the body."""
    waits: bool = False
    """Answer only when `ScriptedModel.release` was called."""


Step: TypeAlias = "Reply | Forever | Callable[[Request], Reply]"
"""A reply; a reply for ever; or a function that makes the reply from the request."""


@dataclass(frozen=True, kw_only=True)
class Forever:
    """The same step for every request from here on."""

    step: Reply | Callable[[Request], Reply]


def calls(*made: tuple[str, object], text: str | None = None, tokens: int | None = 100) -> Reply:
    """Function calls: pairs of name and arguments; arguments that are a string are sent as they are."""
    listed = [
        {
            "id": f"made-{number}",
            "type": "function",
            "function": {"name": name, "arguments": given if isinstance(given, str) else json.dumps(given)},
        }
        for number, (name, given) in enumerate(made)
    ]
    return message({"role": "assistant", "content": text, "tool_calls": listed}, finish="tool_calls", tokens=tokens)


def text(said: str, *, finish: str = "stop", tokens: int | None = 100) -> Reply:
    """A text without calls."""
    return message({"role": "assistant", "content": said}, finish=finish, tokens=tokens)


def empty() -> Reply:
    """A well-formed answer that says nothing."""
    return text("")


def message(told: Mapping[str, object], *, finish: str = "stop", tokens: int | None = 100) -> Reply:
    """A chat completion around any message, also a malformed one; `tokens=None` reports no usage."""
    body: dict[str, object] = {
        "id": "chatcmpl-scripted",
        "object": "chat.completion",
        "created": 1,
        "model": "scripted",
        "choices": [{"index": 0, "message": told, "finish_reason": finish}],
    }
    if tokens is not None:
        body["usage"] = {
            "prompt_tokens": tokens - tokens // 4,
            "completion_tokens": tokens // 4,
            "total_tokens": tokens,
        }
    return Reply(body=json.dumps(body).encode())


def rate_limited(retry_after: str | None = "0", *, code: str = "rate_limit_exceeded") -> Reply:
    """429, with `Retry-After` if given."""
    headers = {} if retry_after is None else {"Retry-After": retry_after}
    return error(429, "too many requests", code=code, headers=headers)


def error(
    status: int, said: str = "scripted error", *, code: str | None = None, headers: Mapping[str, str] | None = None
) -> Reply:
    """An error in OpenAI's form."""
    body = json.dumps({"error": {"message": said, "type": "scripted", "code": code}}).encode()
    return Reply(status=status, body=body, headers=headers or {})


def cut() -> Reply:
    """An answer whose connection breaks in the middle of the body."""
    return Reply(body=text("this never arrives whole").body, cut=True)


def garbage(body: bytes = b"<html>bad gateway</html>") -> Reply:
    """Status 200 and a body that is no chat completion."""
    return Reply(body=body)


def slow(reply: Reply) -> Reply:
    """The reply, held back until `ScriptedModel.release`."""
    return Reply(status=reply.status, body=reply.body, headers=reply.headers, cut=reply.cut, waits=True)


def forever(step: Reply | Callable[[Request], Reply]) -> Forever:
    """The same step again and again: an endless loop."""
    return Forever(step=step)


class ScriptedModel:
    """Serves a script while its `with` block is open; leaving it fails if more was asked than scripted."""

    def __init__(self, steps: Sequence[Step]) -> None:
        self.requests: list[Request] = []
        """Every request to the chat endpoint, in the order they came in."""
        self.strays: list[str] = []
        """Requests for anything else, `METHOD path`; each was answered 404."""
        self._steps = list(steps)
        self._surplus = 0
        self._came = threading.Condition()
        self._released = threading.Event()
        self._server: _Server | None = None

    @property
    def base_url(self) -> str:
        """What `OPENAI_BASE_URL` would be."""
        if self._server is None:
            raise RuntimeError("the scripted model is not serving. Use it as `with ScriptedModel([...]) as model:`.")
        return f"http://127.0.0.1:{self._server.server_address[1]}/v1"

    @property
    def left(self) -> int:
        """Steps nobody asked for yet; one that goes on for ever counts as one."""
        return len(self._steps)

    def release(self) -> None:
        """Let every `slow` reply go, now and later."""
        self._released.set()

    def wait_for(self, number: int) -> None:
        """Block until that many requests came in; for a thread of its own in async tests."""
        with self._came:
            if not self._came.wait_for(lambda: len(self.requests) >= number, RELEASE_TIMEOUT_S):
                raise AssertionError(f"{len(self.requests)} requests came in, not {number}")

    def __enter__(self) -> ScriptedModel:
        self._server = _Server(("127.0.0.1", 0), _handler(self))
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, raised: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None
        if raised is None and self._surplus:
            raise AssertionError(f"the scripted model was asked {self._surplus} times more often than scripted")

    def answer(self, request: Request) -> Reply:
        """Take the next step for a request; blocks for a slow one."""
        with self._came:
            self.requests.append(request)
            self._came.notify_all()
            if not self._steps:
                self._surplus += 1
                return error(400, f"the script has no step for request {len(self.requests)}", code="script_used_up")
            step = self._steps[0]
            if isinstance(step, Forever):
                step = step.step
            else:
                del self._steps[0]
        reply = step(request) if callable(step) else step
        if reply.waits and not self._released.wait(RELEASE_TIMEOUT_S):
            return error(500, "a slow step was never released")
        return reply


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 128
    """The standard five would keep the sixth client at once waiting for a second."""


def _handler(model: ScriptedModel) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            raw = self.rfile.read(int(self.headers.get("Content-Length", "0")))
            if self.path != "/v1/chat/completions":
                self._stray()
                return
            headers = {name.lower(): value for name, value in self.headers.items()}
            self._send(model.answer(Request(path=self.path, headers=headers, body=json.loads(raw))))

        def _stray(self) -> None:
            model.strays.append(f"{self.command} {self.path}")
            self._send(error(404, "only POST /v1/chat/completions is served"))

        do_GET = do_PUT = do_PATCH = do_DELETE = do_HEAD = do_CONNECT = _stray  # noqa: N815

        def _send(self, reply: Reply) -> None:
            try:
                self.send_response(reply.status)
                for name, value in {"Content-Type": "application/json", **reply.headers}.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(reply.body)))
                self.end_headers()
                self.wfile.write(reply.body[: len(reply.body) // 2] if reply.cut else reply.body)
            except OSError:  # the client gave up waiting
                self.close_connection = True
                return
            if reply.cut:
                self.wfile.flush()
                self.close_connection = True
                self.connection.shutdown(socket.SHUT_RDWR)

        def log_message(self, format: str, *args: object) -> None:
            """Nothing: the requests are recorded."""

    return Handler
