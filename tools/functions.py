"""A typed Python function as a tool: its schema, and its call. Start with `read_function`, then `FunctionTool.call`."""

from __future__ import annotations

import importlib
import inspect
import logging
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, get_type_hints

from pydantic import PydanticUserError, TypeAdapter, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import PydanticSerializationError

from tools.answers import RESULT_BYTES, RESULT_DEPTH, result_mistake
from tools.errors import ToolError, shorten
from tools.jsontext import JsonError, json_text, plain_json
from tools.schema import SchemaError, SchemaResolver
from tools.selection import ToolSelection
from tools.types import Answer, Answered, JsonObject, JsonValue, Nonsense, Tool

KEY_PARAMETER = "idempotency_key"
KEPT_KINDS = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)

_log = logging.getLogger(__name__)


class FunctionMistake(Exception):
    """The function cannot be a tool; the text says what would be right."""


@dataclass(frozen=True, kw_only=True)
class FunctionTool:
    """A function, how its arguments are read, and how its result is written."""

    tool: Tool
    function: Callable[..., Any]
    is_async: bool
    takes_key: bool
    arguments: Mapping[str, TypeAdapter[Any]]
    defaults: Mapping[str, FieldInfo]
    """Defaults written as `= Field(...)`, which Python itself would pass on unread."""
    result: TypeAdapter[Any]

    def read_arguments(self, arguments: JsonObject, key: str) -> dict[str, Any]:
        """Arguments as the function wants them. Raises `ToolError` naming all that do not fit."""
        mistakes = [f"no argument {shorten(str(name), 80)!r}" for name in arguments if name not in self.arguments]
        given: dict[str, Any] = {}
        for name, adapter in self.arguments.items():
            if name in arguments:
                try:
                    given[name] = adapter.validate_python(arguments[name])
                except ValidationError as error:
                    mistakes += [f"{name}: {shorten(problem['msg'], 200)}" for problem in error.errors()[:5]]
            elif name in self.defaults and not self.defaults[name].is_required():
                given[name] = self.defaults[name].get_default(call_default_factory=True)
        required = self.tool.parameters["required"]
        missing = [name for name in required if name not in arguments] if isinstance(required, list) else []
        mistakes += [f"{name} is missing" for name in missing]
        if mistakes:
            raise ToolError("; ".join(mistakes[:12]))
        return {**given, KEY_PARAMETER: key} if self.takes_key else given

    def write_result(self, value: object) -> Answer:
        """The result as JSON, checked against the return annotation."""
        try:
            dumped = self.result.dump_python(value, mode="json", warnings="none")
            plain = plain_json(dumped, max_depth=RESULT_DEPTH)
        except (PydanticSerializationError, JsonError, RecursionError, ValueError, TypeError) as error:
            return Nonsense(error=f"the result is no JSON: {shorten(str(error), 300)}")
        size = len(json_text(plain))
        if size > RESULT_BYTES:
            return Nonsense(error=f"the result has {size} bytes; at most {RESULT_BYTES} are taken")
        mistake = result_mistake(self.tool.returns, plain)
        return Nonsense(error=mistake) if mistake else Answered(result=plain)


def read_function(name: str, selection: ToolSelection, *, source: str) -> FunctionTool:
    """Import the function and read it. Raises `FunctionMistake`."""
    function = _imported(selection.operation or name)
    hints, parameters = _typed(function)
    arguments: dict[str, TypeAdapter[Any]] = {}
    properties: dict[str, JsonValue] = {}
    documented = _parameter_docs(function)
    for parameter in parameters:
        if parameter.name == KEY_PARAMETER:
            if hints[KEY_PARAMETER] is not str:
                raise FunctionMistake(f"{KEY_PARAMETER!r} receives the key and must be annotated 'str'")
            continue
        adapter = _adapter(parameter.name, _annotation(parameter, hints[parameter.name]))
        arguments[parameter.name] = adapter
        properties[parameter.name] = _property(parameter, adapter, documented.get(parameter.name))
    _check_choice(selection, properties)
    result = _adapter("the result", hints["return"])
    return FunctionTool(
        tool=Tool(
            name=name,
            description=selection.description or _description(function),
            parameters={
                "type": "object",
                "properties": properties,
                "required": [item.name for item in parameters if item.name in properties and _is_required(item)],
                "additionalProperties": False,
            },
            returns=_schema("the result", result, for_result=True) or None,
            source=source,
            governance=selection.governance,
        ),
        function=function,
        is_async=inspect.iscoroutinefunction(function),
        takes_key=any(parameter.name == KEY_PARAMETER for parameter in parameters),
        arguments=arguments,
        defaults={item.name: item.default for item in parameters if isinstance(item.default, FieldInfo)},
        result=result,
    )


def _imported(path: str) -> Callable[..., Any]:
    module_name, _, attribute = path.partition(":")
    if not re.fullmatch(r"[A-Za-z_][\w.]*:[A-Za-z_]\w*", path):
        raise FunctionMistake(f"{path!r} is no function's place. Write 'module:function'.")
    try:
        module = importlib.import_module(module_name)
    except ModuleNotFoundError as error:
        if error.name is None or not f"{module_name}.".startswith(f"{error.name}."):
            _log.exception("importing %s failed", module_name)
            raise FunctionMistake(f"module {module_name!r} cannot be imported: it needs {error.name!r}") from error
        raise FunctionMistake(
            f"there is no module {module_name!r}. Put it beside the portfolio file, or install it where Python looks."
        ) from error
    except Exception as error:
        _log.exception("importing %s failed", module_name)
        raise FunctionMistake(f"module {module_name!r} cannot be imported: {type(error).__name__}: {error}") from error
    function = getattr(module, attribute, None)
    if function is None:
        raise FunctionMistake(f"module {module_name!r} has no {attribute!r}")
    if not inspect.isroutine(function):
        raise FunctionMistake(f"{path!r} is {type(function).__name__}, not a function")
    return function


def _typed(function: Callable[..., Any]) -> tuple[dict[str, Any], list[inspect.Parameter]]:
    """Annotations and parameters; every parameter and the result must be annotated."""
    try:
        parameters = list(inspect.signature(function).parameters.values())
        hints = get_type_hints(function, include_extras=True)
    except (NameError, TypeError, ValueError, AttributeError, SyntaxError) as error:
        raise FunctionMistake(f"its annotations cannot be read: {error}") from error
    unfit = [parameter.name for parameter in parameters if parameter.kind not in KEPT_KINDS]
    if unfit:
        raise FunctionMistake(f"{', '.join(unfit)}: arguments must be named (no *args, **kwargs, positional-only)")
    untyped = [parameter.name for parameter in parameters if parameter.name not in hints]
    untyped += ["the result"] if "return" not in hints else []
    if untyped:
        raise FunctionMistake(f"no type annotation for {', '.join(untyped)}. Annotate every parameter and the result.")
    return hints, parameters


def _annotation(parameter: inspect.Parameter, hint: Any) -> Any:
    """`x: int = Field(ge=1)` means the same as `x: Annotated[int, Field(ge=1)]`."""
    return Annotated[hint, parameter.default] if isinstance(parameter.default, FieldInfo) else hint


def _is_required(parameter: inspect.Parameter) -> bool:
    if isinstance(parameter.default, FieldInfo):
        return parameter.default.is_required()
    return parameter.default is inspect.Parameter.empty


def _property(parameter: inspect.Parameter, adapter: TypeAdapter[Any], documented: str | None) -> JsonObject:
    schema = _schema(parameter.name, adapter)
    if documented and "description" not in schema:
        schema["description"] = documented
    if not _is_required(parameter):
        default = parameter.default
        value = default.get_default(call_default_factory=True) if isinstance(default, FieldInfo) else default
        try:
            schema["default"] = plain_json(adapter.dump_python(value, mode="json", warnings="none"), max_depth=10)
        except (PydanticSerializationError, JsonError) as error:
            raise FunctionMistake(f"the default of {parameter.name!r} is no JSON: {error}") from error
    return schema


def _adapter(what: str, annotation: Any) -> TypeAdapter[Any]:
    try:
        return TypeAdapter(annotation)
    except (PydanticUserError, TypeError, NameError) as error:
        reason = shorten(str(error).partition(". ")[0], 200)
        raise FunctionMistake(f"the type of {what!r} cannot be read: {reason}. Use JSON types or models.") from error


def _schema(what: str, adapter: TypeAdapter[Any], *, for_result: bool = False) -> dict[str, JsonValue]:
    try:
        schema = adapter.json_schema(mode="serialization" if for_result else "validation")
        return SchemaResolver(schema).resolve(schema)
    except (PydanticUserError, SchemaError) as error:
        raise FunctionMistake(f"the type of {what!r} has no JSON Schema: {shorten(str(error), 200)}") from error


def _check_choice(selection: ToolSelection, properties: Mapping[str, JsonValue]) -> None:
    unknown = [choice for choice in selection.governance.choice if choice not in properties]
    if unknown:
        known = ", ".join(properties) or "none"
        raise FunctionMistake(f"'choice' names {', '.join(unknown)}, which is no argument. Use one of: {known}.")


def _description(function: Callable[..., Any]) -> str:
    paragraph = (inspect.getdoc(function) or "").split("\n\n")[0]
    text = " ".join(paragraph.split())
    if not text:
        raise FunctionMistake("it has no docstring, which is the tool's description. Write one, or a 'description'.")
    return shorten(text, 4_000)


def _parameter_docs(function: Callable[..., Any]) -> dict[str, str]:
    """What the docstring says of parameters, in an `Args:` section (`name: text`) or as `:param name: text`."""
    doc = inspect.getdoc(function) or ""
    found = dict(re.findall(r"^:param (?:\w+ )?(\w+):[ \t]*(.+)$", doc, re.MULTILINE))
    section = re.search(r"^(?:Args|Arguments|Parameters):[ \t]*\n((?:[ \t]+.*\n?|\n)+)", doc, re.MULTILINE)
    if section:
        name = ""
        for line in section[1].splitlines():
            entry = re.match(r"[ \t]+(\w+)(?: \([^)]*\))?:[ \t]+(.+)", line)
            if entry:
                name = entry[1]
                found[name] = entry[2].strip()
            elif name and line.strip():
                found[name] += " " + line.strip()
    return {name: shorten(text, 1_000) for name, text in found.items()}
