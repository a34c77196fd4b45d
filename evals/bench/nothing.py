"""A server that takes events and does nothing with them. Start with `app`."""

from fastapi import FastAPI, Request, Response


def app() -> FastAPI:
    """`POST /v1/events` reads the body and answers 202."""
    made = FastAPI()

    @made.post("/v1/events", status_code=202)
    async def events(request: Request) -> Response:
        await request.body()
        return Response(b'{"accepted":[]}', 202, media_type="application/json")

    @made.get("/health/ready")
    async def ready() -> dict[str, str]:
        return {}

    return made
