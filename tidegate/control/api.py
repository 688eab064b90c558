"""The layer the admin API stands on: operations declared by types, checked by pydantic, described by OpenAPI 3.1.

An operation is a method marked with `operation`. Its parameters say what it takes: `query` and `body` are pydantic models,
`request` is the raw request, any other name is one of the path. What it returns goes out as JSON. Every error of a request
is reported at once; unknown fields are errors too.
"""

from __future__ import annotations

import inspect
import json
from collections.abc import Awaitable, Callable
from typing import Any, NamedTuple, TypeVar, get_type_hints

from aiohttp import web
from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError
from pydantic.json_schema import JsonSchemaMode

from tidegate.control.document import document
from tidegate.control.refusal import CONTENT_TYPE, Refused, refuse, status_of
from tidegate.errors import Problem, TidegateError
from tidegate.telemetry import logger

MAX_BODY = 1 << 20
MAX_DEPTH = 32
_MARK = "_tidegate_operation"

F = TypeVar("F", bound=Callable[..., Awaitable[Any]])


class Fields(BaseModel):
    """Base of query and body models: no unknown fields, no guessing."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True, frozen=True)


class Operation(NamedTuple):
    """One method and path, and the callable behind it."""

    method: str
    path: str
    summary: str
    call: Callable[..., Awaitable[Any]]


def operation(method: str, path: str) -> Callable[[F], F]:
    """Mark a method as an operation; the first line of its docstring is the summary."""

    def mark(function: F) -> F:
        setattr(function, _MARK, (method, path))
        return function

    return mark


def operations(holder: object) -> tuple[Operation, ...]:
    """The marked methods of `holder`, in order of definition."""
    found = []
    for name in vars(type(holder)):
        method = getattr(holder, name)
        if hasattr(method, _MARK):
            summary = (inspect.getdoc(method) or "").partition("\n")[0]
            verb, path = getattr(method, _MARK)
            found.append(Operation(verb, path, summary, method))
    return tuple(found)


def routes(found: tuple[Operation, ...]) -> list[web.RouteDef]:
    """The operations as routes of aiohttp."""
    return [web.route(each.method, each.path, _handler(each)) for each in found]


@web.middleware
async def refusals(
    request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
) -> web.StreamResponse:
    """Turns what is raised into problem documents; our own bugs are logged and answered without their text."""
    try:
        return await handler(request)
    except TidegateError as error:
        return refuse(status_of(error), *error.problems)
    except web.HTTPNotFound:
        return refuse(404, Problem(code="T1603", text=f"there is nothing at {request.path}", mend="see /openapi.json"))
    except web.HTTPMethodNotAllowed as error:
        allowed = ", ".join(sorted(error.allowed_methods))
        response = refuse(405, Problem(code="T1604", text=f"{request.method} is not for {request.path}", mend=allowed))
        response.headers["Allow"] = allowed
        return response
    except web.HTTPRequestEntityTooLarge:
        return refuse(413, _too_large())
    except web.HTTPException:
        raise
    except Exception:  # noqa: BLE001  the API must outlive one operation's bug; it is logged with its trace
        logger("admin").exception("an operation failed", extra={"path": request.path})
        return refuse(500, Problem(code="T1614", text="the operation failed; the log of the control process says why"))


def _handler(each: Operation) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    hints = _hints(each.call)
    models = {name: TypeAdapter(kind) for name, kind in hints.items() if name in {"query", "body"}}
    names = [name for name in inspect.signature(each.call).parameters if name not in {"query", "body", "request"}]

    async def handle(request: web.Request) -> web.StreamResponse:
        given: dict[str, Any] = {name: request.match_info[name] for name in names}
        if "request" in hints:
            given["request"] = request
        faults: list[tuple[str, Problem]] = []
        if "query" in models:
            given["query"] = _validated(models["query"], dict(request.query), "query", faults)
        if "body" in models:
            given["body"] = _validated(models["body"], await read_json(request), "body", faults)
        if faults:
            return refuse(400, *(problem for _, problem in faults), pointers=tuple(pointer for pointer, _ in faults))
        answer = await each.call(**given)
        if isinstance(answer, web.StreamResponse):
            return answer
        return web.Response(
            body=json.dumps(document(answer)).encode(),
            content_type="application/json",
            headers={"Cache-Control": "no-store"},
        )

    return handle


async def read_json(request: web.Request) -> Any:
    """The body. Raises Refused for another type (415), size (413), or anything that is not JSON (400)."""
    if request.content_type != "application/json":
        raise Refused(415, Problem(code="T1608", text="the body must be application/json", mend="set Content-Type"))
    if request.content_length is not None and request.content_length > MAX_BODY:
        raise Refused(413, _too_large())
    data = await request.read()
    try:
        value = json.loads(data, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        text = (
            "the body is nested too deeply" if isinstance(error, RecursionError) else f"the body is not JSON: {error}"
        )
        raise Refused(400, Problem(code="T1602", text=text, place="body")) from None
    if _depth(value) > MAX_DEPTH:
        raise Refused(
            400, Problem(code="T1602", text=f"the body is nested deeper than {MAX_DEPTH} levels", place="body")
        )
    return value


def _no_constant(word: str) -> None:
    raise ValueError(f"{word} is not a JSON number")


def _too_large() -> Problem:
    text, mend = f"the body is larger than {MAX_BODY} bytes", "say less at once; of a Compose file, its text counts too"
    return Problem(code="T1609", text=text, mend=mend)


def _depth(value: Any) -> int:
    depth, level = 0, [value]
    while level:
        depth += 1
        level = [
            inner
            for each in level
            if isinstance(each, dict | list)
            for inner in (each.values() if isinstance(each, dict) else each)
        ]
    return depth


def _validated(model: TypeAdapter[Any], value: Any, place: str, faults: list[tuple[str, Problem]]) -> Any:
    try:
        return model.validate_python(value) if place == "query" else model.validate_json(json.dumps(value), strict=True)
    except ValidationError as error:
        for each in error.errors(include_url=False, include_input=False, include_context=False):
            pointer = "/".join(("", place, *map(str, each["loc"])))
            name = ".".join(map(str, each["loc"])) or place
            faults.append((pointer, Problem(code="T1602", text=f"{name}: {each['msg']}", place=pointer)))
        return None


def _hints(call: Callable[..., Any]) -> dict[str, Any]:
    hints = get_type_hints(call)
    hints.pop("return", None)
    return hints


# ------------------------------------------------------------------------------------------------------------ OpenAPI


def openapi(found: tuple[Operation, ...], version: str) -> dict[str, Any]:
    """The OpenAPI 3.1 document of the operations."""
    schemas: dict[str, Any] = {"Problem": _PROBLEM}
    paths: dict[str, dict[str, Any]] = {}
    for each in found:
        path = each.path.replace(":.*}", "}")
        paths.setdefault(path, {})[each.method.lower()] = _described(each, schemas)
    return {
        "openapi": "3.1.0",
        "info": {"title": "Tidegate admin API", "version": version},
        "paths": paths,
        "components": {
            "schemas": schemas,
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
        "security": [{}, {"token": []}],
    }


_PROBLEM = {
    "type": "object",
    "description": "RFC 9457, with the stable code and every problem found",
    "required": ["type", "title", "status", "code", "detail", "errors"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "code": {"type": "string"},
        "detail": {"type": "string"},
        "hint": {"type": "string"},
        "errors": {"type": "array", "items": {"type": "object"}},
    },
}


def _described(each: Operation, schemas: dict[str, Any]) -> dict[str, Any]:
    hints = get_type_hints(each.call)
    answer = hints.get("return", Any)
    kinds = {web.StreamResponse: "text/event-stream", web.Response: "text/plain"}
    content = kinds.get(answer, "application/json")
    schema = {"type": "string"} if answer in kinds else _schema(answer, "serialization", schemas)
    described: dict[str, Any] = {
        "operationId": each.call.__name__,
        "summary": each.summary,
        "parameters": [*_path_parameters(each), *_query_parameters(hints.get("query"), schemas)],
        "responses": {
            "200": {"description": "done", "content": {content: {"schema": schema}}},
            "default": {
                "description": "refused",
                "content": {CONTENT_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
            },
        },
    }
    if "body" in hints:
        described["requestBody"] = {
            "required": True,
            "content": {"application/json": {"schema": _schema(hints["body"], "validation", schemas)}},
        }
    return described


def _path_parameters(each: Operation) -> list[dict[str, Any]]:
    names = [part.split("}")[0].split(":")[0] for part in each.path.split("{")[1:]]
    return [{"name": name, "in": "path", "required": True, "schema": {"type": "string"}} for name in names]


def _query_parameters(model: type[BaseModel] | None, schemas: dict[str, Any]) -> list[dict[str, Any]]:
    if model is None:
        return []
    schema = model.model_json_schema(ref_template="#/components/schemas/{model}")
    schemas.update(schema.get("$defs", {}))
    required = set(schema.get("required", ()))
    return [
        {"name": name, "in": "query", "required": name in required, "schema": field}
        for name, field in schema.get("properties", {}).items()
    ]


def _schema(kind: Any, mode: JsonSchemaMode, schemas: dict[str, Any]) -> dict[str, Any]:
    schema = TypeAdapter(kind).json_schema(mode=mode, ref_template="#/components/schemas/{model}")
    schemas.update(schema.pop("$defs", {}))
    title = schema.get("title")
    if title is None or schema.get("type") != "object":
        return schema
    schemas[title] = schema
    return {"$ref": f"#/components/schemas/{title}"}
