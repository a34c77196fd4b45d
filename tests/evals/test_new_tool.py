"""A tool added to a portfolio by its OpenAPI address is used after a restart, with no change of code."""

import socket
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Annotated, Any, Literal

import uvicorn
from fastapi import FastAPI, Header, HTTPException
from pydantic import BaseModel, Field

from agent.service import GivenAnswer
from agent.wiring import Settings, open_segue
from tests.agent.company import Company, Ledger, embedder, embedding_cache

SECRET = "only-the-environment-knows"

COMPANY = """
segue: 1
goals: {loyalty: {weight: 1.0, description: customers who stay}}
chains:
  - {name: care, steps: [{name: know, description: know the customer}, {name: please, description: make good}]}
sources:
  - name: office
    openapi: "${OFFICE}/openapi.json"
    tools:
      look_up_customer: {step: know, effect: read}
      send_letter: {step: please}
events:
  parcel.late:
    description: a parcel came late
    schema: {type: object, required: [order_id], properties: {order_id: {type: string}, message: {type: string}}}
    text: "late parcel: {data.message}"
    allow: [know, please]
    bind: {customer_id: subject}
    playbook:
      - {purpose: look up the customer's record and address, step: know}
      - {purpose: send the customer a gift card to make good for the trouble, step: please}
"""

ADDED = """
segue: 1
sources:
  - name: gifts
    openapi: "${GIFTS}/openapi.json"
    headers: {X-Token: "${GIFTS_TOKEN}"}
    defaults: {step: please, owner: marketing, idempotent: true}
"""


class Delivery(BaseModel):
    street: str
    city: str


class GiftCard(BaseModel):
    customer_id: Annotated[str, Field(description="who gets it", max_length=64)]
    order_id: Annotated[str, Field(description="the order it makes good for")]
    delivery: Annotated[Delivery, Field(description="where it is sent")]
    value_euro: Annotated[int, Field(ge=5, le=50)] = 10
    design: Literal["plain", "flowers"] | None = None


class Sent(BaseModel):
    card_id: str


class Services:
    """An office and a gift shop, and what was asked of them."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, Any]] = []
        self.known = True
        """Whether the office has the customer's address."""
        self.office = FastAPI()
        self.gifts = FastAPI()
        self._add_office()
        self._add_gifts()

    def of(self, tool: str) -> list[Any]:
        return [what for name, what in self.asked if name == tool]

    def _add_office(self) -> None:
        @self.office.get("/customers/{customer_id}")
        async def look_up_customer(customer_id: str) -> dict[str, Any]:
            """Look up the customer's record and address."""
            self.asked.append(("look_up_customer", customer_id))
            return {"street": "Elm Road 1", "city": "Ulm"} if self.known else {"note": "moved away"}

        @self.office.post("/letters")
        async def send_letter(customer_id: str) -> None:
            """Send the customer a letter, to make good for trouble."""
            self.asked.append(("send_letter", customer_id))

    def _add_gifts(self) -> None:
        @self.gifts.post("/gift-cards", status_code=201)
        async def send_gift_card(
            card: GiftCard, x_token: Annotated[str, Header()], idempotency_key: Annotated[str, Header()]
        ) -> Sent:
            """Send a customer a gift card, to make good for trouble."""
            if x_token != SECRET:
                raise HTTPException(401, "no token")
            self.asked.append(("send_gift_card", card.model_dump()))
            return Sent(card_id=idempotency_key)


@contextmanager
def served(app: FastAPI) -> Iterator[str]:
    """The address of an application in a thread of its own, until the block ends."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(64)
        server = uvicorn.Server(uvicorn.Config(app, log_level="critical"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
        thread.start()
        # Whoever connects before the server has started waits in the queue of the listener.
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        server.should_exit = True
        thread.join(10)


@asynccontextmanager
async def started(folder: Path, *texts: str, **environment: str) -> AsyncIterator[Company]:
    """A Segue on these portfolio files; the same folder again is a restart."""
    files = [folder / f"{number}.yaml" for number in range(len(texts))]
    for file, text in zip(files, texts, strict=True):
        file.write_text(text)
    settings = Settings(
        portfolio=tuple(files),
        data=folder / "data",
        environment={"SEGUE_CACHE": str(embedding_cache()), "GIFTS_TOKEN": SECRET, **environment},
    )
    async with open_segue(settings, None, embedder()) as segue:
        yield Company(segue=segue, ledger=Ledger())


async def test_a_tool_added_by_its_address_is_used_after_a_restart_with_arguments_from_all_over(tmp_path: Path) -> None:
    services = Services()
    with served(services.office) as office, served(services.gifts) as gifts:
        async with started(tmp_path, COMPANY, OFFICE=office) as company:
            before = await company.handle("c-1", id="e-1", type="parcel.late", order_id="o-1", message="it took weeks")
        async with started(tmp_path, COMPANY, ADDED, OFFICE=office, GIFTS=gifts) as company:
            after = await company.handle("c-2", id="e-2", type="parcel.late", order_id="o-2", message="it took weeks")
    assert (before["status"], after["status"]) == ("done", "done")
    assert services.of("send_letter") == ["c-1"]
    delivery = {"street": "Elm Road 1", "city": "Ulm"}
    card = {"customer_id": "c-2", "order_id": "o-2", "delivery": delivery, "value_euro": 10, "design": None}
    assert services.of("send_gift_card") == [card]
    acting = [decision for decision in after["decisions"] if decision["calls"]]
    weighed = {found["action"]: found for decision in acting for found in decision["candidates"]}
    assert weighed["send_gift_card"]["score"] > weighed["send_letter"]["score"]


async def test_an_argument_of_the_new_tool_that_nobody_knows_is_asked_for(tmp_path: Path) -> None:
    services = Services()
    services.known = False
    with served(services.office) as office, served(services.gifts) as gifts:
        async with started(tmp_path, COMPANY, ADDED, OFFICE=office, GIFTS=gifts) as company:
            run = await company.handle("c-3", id="e-3", type="parcel.late", order_id="o-3", message="still nothing")
            question = await company.approval()
            assert run["status"] == "waiting"
            assert "delivery" in question["question"]
            assert services.of("send_gift_card") == []
            arguments: dict[str, Any] = {"customer_id": "c-3", "order_id": "o-3"}
            arguments["delivery"] = {"street": "Quay 2", "city": "Bonn"}
            answer = GivenAnswer(approved=True, by="ann", tool="send_gift_card", arguments=arguments)
            await company.segue.answer("default", question["id"], answer)
            assert (await company.ended(run["id"]))["status"] == "done"
    assert [card["delivery"]["city"] for card in services.of("send_gift_card")] == ["Bonn"]


async def test_a_new_tool_whose_service_is_down_is_asked_about_and_the_rest_goes_on(tmp_path: Path) -> None:
    services = Services()
    with served(services.office) as office:
        with served(services.gifts) as gifts:
            async with started(tmp_path, COMPANY, ADDED, OFFICE=office, GIFTS=gifts):
                pass
        async with started(tmp_path, COMPANY, ADDED, OFFICE=office, GIFTS=gifts) as company:
            run = await company.handle("c-4", id="e-4", type="parcel.late", order_id="o-4")
            assert "gifts" in str(await company.segue.health())
            assert "could not be reached" in (await company.approval())["question"]
    assert run["status"] == "waiting"
    assert services.of("look_up_customer") == ["c-4"]
    assert services.of("send_gift_card") == []
