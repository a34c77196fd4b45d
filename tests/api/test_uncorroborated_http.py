"""A lesson that one source of several bears out, over HTTP and by command: listed, and why it is not shown."""

from __future__ import annotations

import re
import time

from api import shapes_lessons as shapes
from tests.api.served import Served
from tests.api.test_cli import ask, ask_json

PATH = "/v1/memory/lessons"
WHY = "it does not stand without /evil: another source must bear it out"


def lives(served: Served, number: int, source: str, good: str) -> None:
    """So many runs that pause mail or do nothing, in turn; `good` is what its outcomes praise."""
    for row in range(number):
        word = ("pause", "nothing")[row % 2]
        subject = served.handle(f"{word} please", source=source)["event"]["subject"]
        data = {"loyalty": float(word == good)}
        served.send(served.event(type="customer.stayed", source=source, subject=subject, data=data))
    until = time.monotonic() + 20
    while served.http.get("/v1/outcomes?state=new").json()["items"]:
        assert time.monotonic() < until


def test_it_is_listed_with_why_it_is_not_shown_until_an_operator_vouches_for_it(served: Served) -> None:
    lives(served, 8, "/tests", "nothing")
    lives(served, 40, "/evil", "pause")
    served.http.post(f"{PATH}/distil", json={"type": "customer.upset"})
    shapes.LessonPage.model_validate(served.http.get(PATH).json())
    (lesson,) = served.http.get(PATH).json()["items"]
    assert lesson["state"] == "uncorroborated"
    # The background may have looked before the last of them, and a few more change no counts.
    assert re.fullmatch(r"pause_mail kept (19|20) of 2[34], others 4 of 2[34]", lesson["text"])
    assert lesson["reason"].startswith(WHY)
    assert served.http.get(f"{PATH}?state=uncorroborated").json()["items"] == [lesson]
    assert served.http.get(f"{PATH}?state=active").json()["items"] == []
    assert [one["id"] for one in ask_json(served, "memory", "lessons")] == [lesson["id"]]
    listed = " ".join(ask(served, "memory", "lessons").stdout.split())
    assert "uncorroborated" in listed
    assert f"not shown to who decides: {WHY}" in ask(served, "memory", "lessons", "show", lesson["id"]).stdout
    edited = ask_json(served, "memory", "lessons", "edit", lesson["id"], "--text", "Pause mail.")
    assert (edited["state"], edited["reason"]) == ("active", None)
