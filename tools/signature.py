"""What one OpenAPI operation takes and gives: one flat arguments schema, and where each argument travels.

Start with `read_signature`. Parameters and the fields of a JSON body become one object; a body that is no plain
object becomes the argument `body`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, cast

from tools.errors import shorten
from tools.schema import SchemaError, SchemaResolver
from tools.types import JsonObject, JsonValue

Place = Literal["path", "query", "header"]
BodyForm = Literal["none", "fields", "whole"]

WHOLE_BODY = "body"
OWN_HEADERS = frozenset(
    {
        *("idempotency-key", "accept", "accept-encoding", "content-type", "content-length", "content-encoding"),
        *("authorization", "cookie", "host", "connection", "transfer-encoding", "te", "upgrade", "expect", "trailer"),
    }
)
"""Headers a call sets itself or must not carry: never arguments, whatever a document declares."""

PLAIN_OBJECT_KEYS = frozenset(
    {"type", "properties", "required", "additionalProperties", "description", "default", "examples", "deprecated"}
)
MAX_ARGUMENTS = 200


@dataclass(frozen=True, kw_only=True)
class Parameter:
    """An argument that travels outside the body."""

    name: str
    place: Place
    exploded: bool
    """A list is sent as repeated pairs (`a=1&a=2`) rather than joined by commas."""


@dataclass(frozen=True, kw_only=True)
class Signature:
    """The arguments and answers of one operation."""

    parameters: JsonObject
    returns: JsonObject | None
    outside: tuple[Parameter, ...]
    body: BodyForm
    body_fields: frozenset[str] = frozenset()
    body_required: bool = False
    answers: Mapping[str, JsonObject | None] = field(default_factory=dict)
    """Declared success status (`200`, `2XX`) -> schema of its JSON body, None where it declares none."""

    def answer_schema(self, status: int) -> JsonObject | None:
        """Schema a success with this status must satisfy; None: anything, also nothing."""
        for declared in (str(status), "2XX"):
            if declared in self.answers:
                return self.answers[declared]
        return self.returns


@dataclass(frozen=True, kw_only=True)
class _Body:
    form: BodyForm
    required: bool
    schema: JsonObject = field(default_factory=dict)

    def fields(self) -> Mapping[str, JsonValue]:
        """Arguments the body adds."""
        match self.form:
            case "none":
                return {}
            case "whole":
                return {WHOLE_BODY: self.schema}
            case "fields":
                properties = cast("Mapping[str, JsonObject]", self.schema.get("properties", {}))
                return {name: schema for name, schema in properties.items() if schema.get("readOnly") is not True}

    def required_fields(self) -> frozenset[str]:
        if not self.required:
            return frozenset()
        if self.form == "whole":
            return frozenset({WHOLE_BODY})
        return frozenset(cast("list[str]", self.schema.get("required", []))) & set(self.fields())


def read_signature(
    node: JsonObject, shared: JsonValue, *, path: str, resolver: SchemaResolver, hidden_headers: frozenset[str]
) -> Signature:
    """Read one operation. Raises `SchemaError` for what cannot be called faithfully."""
    outside, schemas, required = _parameters(node, shared, resolver, OWN_HEADERS | hidden_headers)
    _check_path(path, outside)
    body = _body(node.get("requestBody"), resolver)
    clashes = sorted(schemas.keys() & body.fields().keys())
    if clashes:
        where = {parameter.name: parameter.place for parameter in outside}
        named = ", ".join(f"{name!r} ({where[name]} parameter and body field)" for name in clashes)
        raise SchemaError(f"two arguments have one name: {named}. Rename one of each in the service.")
    properties = {**schemas, **body.fields()}
    if len(properties) > MAX_ARGUMENTS:
        raise SchemaError(f"{len(properties)} arguments; at most {MAX_ARGUMENTS} are taken")
    needed = required | body.required_fields()
    answers = _answers(node.get("responses", {}), resolver)
    return Signature(
        parameters={
            "type": "object",
            "properties": properties,
            "required": [name for name in properties if name in needed],
            "additionalProperties": False,
        },
        returns=next((schema for schema in answers.values() if schema is not None), None),
        outside=outside,
        body=body.form,
        body_fields=frozenset(body.fields()),
        body_required=body.required,
        answers=answers,
    )


def _parameters(
    node: JsonObject, shared: JsonValue, resolver: SchemaResolver, hidden: frozenset[str]
) -> tuple[tuple[Parameter, ...], dict[str, JsonValue], frozenset[str]]:
    declared: dict[tuple[str, str], JsonObject] = {}
    for group in (shared, node.get("parameters", [])):
        if not isinstance(group, list):
            raise SchemaError("'parameters' must be a list")
        for item in group:
            parameter = _object(item, resolver, "a parameter")
            name = parameter.get("name")
            if not isinstance(name, str) or not name:
                raise SchemaError("a parameter has no 'name'")
            declared[name, str(parameter.get("in"))] = parameter
    outside: list[Parameter] = []
    schemas: dict[str, JsonValue] = {}
    required: set[str] = set()
    for (name, place), parameter in declared.items():
        if place == "header" and name.lower() in hidden:
            continue
        if place == "cookie" and parameter.get("required") is not True:
            continue
        if name in schemas:
            first = next(known.place for known in outside if known.name == name)
            raise SchemaError(f"two arguments have one name: {name!r} ({first} parameter and {place} parameter)")
        outside.append(_parameter(name, place, parameter))
        schemas[name] = _parameter_schema(name, parameter, resolver)
        if parameter.get("required") is True or place == "path":
            required.add(name)
    return tuple(outside), schemas, frozenset(required)


def _parameter(name: str, place: str, parameter: JsonObject) -> Parameter:
    if place not in {"path", "query", "header"}:
        raise SchemaError(f"parameter {shorten(name, 80)!r} is in {place!r}; only path, query and header can be sent")
    if place == "header" and not re.fullmatch(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+", name):
        raise SchemaError(f"parameter {shorten(name, 80)!r} is no name of a header")
    style = parameter.get("style", "form" if place == "query" else "simple")
    if style != ("form" if place == "query" else "simple"):
        raise SchemaError(f"parameter {shorten(name, 80)!r} has the style {style!r}, which is not supported")
    exploded = parameter.get("explode", place == "query") is True
    return Parameter(name=name, place=cast("Place", place), exploded=exploded)


def _parameter_schema(name: str, parameter: JsonObject, resolver: SchemaResolver) -> JsonObject:
    if "schema" not in parameter:
        raise SchemaError(f"parameter {shorten(name, 80)!r} has no 'schema'")
    schema = _named(resolver, parameter["schema"], f"parameter {shorten(name, 80)!r}")
    if schema.get("type") == "object":
        raise SchemaError(f"parameter {shorten(name, 80)!r} is an object; only single values and lists can be sent")
    description = parameter.get("description")
    if isinstance(description, str) and "description" not in schema:
        schema = {**schema, "description": shorten(description, 2_000)}
    return schema


def _check_path(path: str, outside: tuple[Parameter, ...]) -> None:
    literal = re.sub(r"\{[^{}]*\}", "x", path)
    segments = literal.split("/")
    if not re.fullmatch(r"/[A-Za-z0-9/._~!$&'()*+,;=:@-]*", literal) or {".", ".."} & set(segments) or "//" in literal:
        raise SchemaError(f"{shorten(path, 100)!r} is no path that can be called as it stands")
    named = re.findall(r"\{([^{}]*)\}", path)
    declared = {parameter.name for parameter in outside if parameter.place == "path"}
    if set(named) != declared or len(named) != len(set(named)):
        raise SchemaError(f"the path names {sorted(named)}, its path parameters are {sorted(declared)}")


def _body(node: JsonValue, resolver: SchemaResolver) -> _Body:
    if node is None:
        return _Body(form="none", required=False)
    body = _object(node, resolver, "'requestBody'")
    required = body.get("required") is True
    media = _json_media(body.get("content", {}), resolver)
    if media is None:
        raise SchemaError("the request body is no JSON; only application/json can be sent")
    schema = _named(resolver, media.get("schema", {}), "request body")
    branches = schema.get("anyOf")
    if isinstance(branches, list) and {"type": "null"} in branches and len(branches) == 2:
        required = False
        schema = next(cast("JsonObject", branch) for branch in branches if branch != {"type": "null"})
    while set(schema) - {"description"} == {"allOf"} and len(cast("list[JsonObject]", schema["allOf"])) == 1:
        schema = cast("list[JsonObject]", schema["allOf"])[0]
    plain = (
        schema.get("type", "object") == "object" and bool(schema.get("properties")) and set(schema) <= PLAIN_OBJECT_KEYS
    )
    return _Body(form="fields" if plain else "whole", required=required, schema=schema)


def _answers(node: JsonValue, resolver: SchemaResolver) -> dict[str, JsonObject | None]:
    if not isinstance(node, Mapping):
        raise SchemaError("'responses' must map statuses to answers")
    answers: dict[str, JsonObject | None] = {}
    for status in sorted(node):
        if not re.fullmatch(r"2(\d\d|XX)", status):
            continue
        content = _object(node[status], resolver, f"answer {status}").get("content")
        if not content:
            answers[status] = None
            continue
        media = _json_media(content, resolver)
        if media is None:
            raise SchemaError(f"answer {status} is no JSON; only application/json can be read")
        answers[status] = _named(resolver, media.get("schema", {}), f"answer {status}") or None
    return answers


def _json_media(content: JsonValue, resolver: SchemaResolver) -> JsonObject | None:
    if not isinstance(content, Mapping):
        raise SchemaError("'content' must map media types to schemas")
    for media_type, media in content.items():
        kind = media_type.partition(";")[0].strip().lower()
        if kind in {"application/json", "*/*"} or re.fullmatch(r"application/[^/]*\+json", kind):
            return _object(media, resolver, media_type)
    return None


def _object(node: JsonValue, resolver: SchemaResolver, what: str) -> JsonObject:
    """An object of the document, its reference followed (to another reference at most a few times)."""
    for _ in range(5):
        if isinstance(node, Mapping) and "$ref" in node:
            node = resolver.look_up(node["$ref"])
    if not isinstance(node, Mapping) or "$ref" in node:
        raise SchemaError(f"{shorten(what, 80)} must be an object, not {shorten(repr(node), 80)}")
    return node


def _named(resolver: SchemaResolver, schema: JsonValue, what: str) -> JsonObject:
    try:
        return resolver.resolve(schema)
    except SchemaError as error:
        raise SchemaError(f"{what}: {error}") from error
