"""What FastAPI cannot know of our OpenAPI document: problems, and bodies we read ourselves. Start with `describe`."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from api.chat_forms import ChatForm
from api.forms import (
    AnswerForm,
    DiscardForm,
    DistilForm,
    EditLessonForm,
    KeepForm,
    OutcomeForm,
    PauseForm,
    ResumeForm,
    RetireForm,
    RevocationForm,
    SettleForm,
    SwitchForm,
    TidyForm,
)
from api.forms_inbox import AssignForm
from api.problems import MEDIA_TYPE
from api.shapes import Problem

REFERENCE = "#/components/schemas/{model}"
_ALWAYS = {
    400: "The request cannot be read.",
    401: "Keys are in use and none, or an unknown one, was sent.",
    403: "The key lacks the scope, or a page of another site asks.",
    421: "The request is for another host (without keys).",
    422: "A field is not as it must be, or unknown.",
    500: "Segue made a mistake.",
}


def problems(**more: str) -> dict[int | str, dict[str, Any]]:
    """The error answers of a route; `more` are its own, like `s404="..."`."""
    told = _ALWAYS | {int(status.removeprefix("s")): text for status, text in more.items()}
    content = {MEDIA_TYPE: {"schema": {"$ref": REFERENCE.format(model="Problem")}}}
    return {status: {"description": text, "content": content} for status, text in sorted(told.items())}


def json_body(form: type[BaseModel]) -> dict[str, Any]:
    """The request body of a route that reads it itself."""
    schema = {"$ref": REFERENCE.format(model=form.__name__)}
    return {"requestBody": {"required": True, "content": {"application/json": {"schema": schema}}}}


EVENT_SCHEMA: dict[str, Any] = {
    "type": "object",
    "required": ["specversion", "id", "source", "type"],
    "properties": {
        "specversion": {"const": "1.0"},
        "id": {"type": "string", "minLength": 1, "maxLength": 1024},
        "source": {"type": "string", "minLength": 1, "maxLength": 1024},
        "type": {"type": "string", "minLength": 1, "maxLength": 1024},
        "subject": {"type": "string", "minLength": 1, "maxLength": 1024},
        "time": {"type": "string", "format": "date-time"},
        "datacontenttype": {"type": "string"},
        "data": {"type": "object"},
        "data_base64": {"type": "string", "contentEncoding": "base64"},
    },
    "description": "A CloudEvents 1.0 event; its data must fit the schema of its type (GET /v1/event-types).",
}

EVENT_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "application/cloudevents+json": {"schema": {"$ref": REFERENCE.format(model="CloudEvent")}},
            "application/cloudevents-batch+json": {
                "schema": {"type": "array", "items": {"$ref": REFERENCE.format(model="CloudEvent")}}
            },
            "application/json": {
                "schema": {"type": "object", "description": "Binary mode: the data; the attributes are ce- headers."}
            },
        },
    }
}


def describe(app: FastAPI) -> dict[str, Any]:
    """The OpenAPI document of the app."""
    document: dict[str, Any] = get_openapi(
        title=app.title, version=app.version, description=app.description, routes=app.routes
    )
    forms = (
        *(AssignForm, AnswerForm, ChatForm, SettleForm, PauseForm, ResumeForm, DiscardForm),
        *(OutcomeForm, RevocationForm, SwitchForm, DistilForm, EditLessonForm, RetireForm, TidyForm, KeepForm),
    )
    _, extra = models_json_schema(
        [*((form, "validation") for form in forms), (Problem, "serialization")], ref_template=REFERENCE
    )
    schemas = document.setdefault("components", {}).setdefault("schemas", {})
    schemas |= {**extra["$defs"], "CloudEvent": EVENT_SCHEMA}
    return document
