"""The OpenAPI 3.1 document of a tenant, for one version of its metadata and one caller.

In: what the caller may do. Out: the document: a path for each thing that may be done with each object that may be seen,
schemas of records without hidden fields. Made once for each snapshot and set of rights. Called by the search-and-
description routes.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from apispec import APISpec

from fieldstone.objects.access.policy import ObjectRights
from fieldstone.objects.access.service import ActorAccess
from fieldstone.objects.query.plans import plans_of
from fieldstone.objects.types import ObjectType
from fieldstone.platform.kernel.text import localized

_PROBLEM = {
    "description": "Refused",
    "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}},
}
_ID = {"name": "id", "in": "path", "required": True, "schema": {"type": "string", "format": "uuid"}}
_IF_MATCH = {"name": "If-Match", "in": "header", "schema": {"type": "string"}, "description": "The revision you read"}
_KEY = {"name": "Idempotency-Key", "in": "header", "schema": {"type": "string", "maxLength": 255}}
_LIST: tuple[tuple[str, dict[str, Any], str], ...] = (
    ("filter", {"type": "string"}, "A condition in the rule language"),
    ("sort", {"type": "string"}, "Fields, separated by commas; - for downwards"),
    ("fields", {"type": "string"}, "Fields to answer, also of related records: customer.name"),
    ("limit", {"type": "integer", "minimum": 1, "maximum": 200, "default": 50}, "How many at most"),
    ("cursor", {"type": "string"}, "The next_cursor of the page before"),
    ("count", {"type": "string", "enum": ["true", "false", "exact"]}, "Whether to count"),
    ("q", {"type": "string"}, "Words to search for"),
    ("view", {"type": "string"}, "A published view"),
)


def describe(access: ActorAccess) -> Mapping[str, Any]:
    """The document."""
    snapshot = access.ctx.snapshot
    key = ("openapi", access.key, access.ctx.actor.scope)
    made: Mapping[str, Any] = plans_of(snapshot).get(key, lambda: _document(access))
    return made


def _document(access: ActorAccess) -> Mapping[str, Any]:
    snapshot = access.ctx.snapshot
    spec = APISpec(
        title=f"Fieldstone: {access.ctx.tenant.label}",
        version=str(snapshot.version),
        openapi_version="3.1.0",
        info={"description": "The records of this tenant, as this version of its metadata describes them."},
        servers=[{"url": "/api/v1"}],
        security=[{"token": []}],
    )
    spec.components.security_scheme("token", {"type": "http", "scheme": "bearer"})
    spec.components.schema("Problem", _problem_schema())
    for name in snapshot.names("object"):
        rights = access.policy.rights(name)
        if rights is not None and access.may(name, "read"):
            _describe_object(spec, access, rights)
    document: Mapping[str, Any] = spec.to_dict()
    return document


def _describe_object(spec: APISpec, access: ActorAccess, rights: ObjectRights) -> None:
    kind, name = rights.kind, rights.kind.name
    record, body = f"{name}_record", f"{name}_body"
    spec.components.schema(record, _trimmed(kind.json_schema, rights.readable))
    spec.components.schema(body, _trimmed(kind.json_schema_update, rights.editable))
    title = localized(kind.label, "en")
    collection: dict[str, Any] = {"get": _list_operation(kind, record, title)}
    one: dict[str, Any] = {"get": _operation(kind, "get", f"Read a {title}", record, parameters=[_ID])}
    if access.may(name, "create"):
        collection["post"] = _operation(kind, "create", f"Create a {title}", record, body=body, parameters=[_KEY])
        collection["post"]["responses"]["201"] = collection["post"]["responses"].pop("200")
    if access.may(name, "update"):
        one["patch"] = _operation(
            kind, "update", f"Change a {title}", record, body=body, parameters=[_ID, _IF_MATCH, _KEY]
        )
    if access.may(name, "delete"):
        one["delete"] = _operation(kind, "delete", f"Move a {title} to the bin", None, parameters=[_ID, _IF_MATCH])
    spec.path(path=f"/records/{name}", operations=collection)
    spec.path(path=f"/records/{name}/{{id}}", operations=one)


def _list_operation(kind: ObjectType, record: str, title: str) -> dict[str, Any]:
    parameters = [
        {"name": name, "in": "query", "schema": schema, "description": words} for name, schema, words in _LIST
    ]
    page = {
        "type": "object",
        "required": ["data", "next_cursor"],
        "properties": {
            "data": {"type": "array", "items": {"type": "object"}},
            "next_cursor": {"type": ["string", "null"]},
            "count": {"type": "integer"},
            "count_capped": {"type": "boolean"},
        },
    }
    made = _operation(kind, "list", f"List: {title}", None, parameters=parameters)
    made["responses"] = {"200": _json("The page", page), "4XX": _PROBLEM}
    return made


def _operation(
    kind: ObjectType,
    verb: str,
    summary: str,
    record: str | None,
    *,
    parameters: list[dict[str, Any]],
    body: str | None = None,
) -> dict[str, Any]:
    made: dict[str, Any] = {
        "operationId": f"{verb}_{kind.name}",
        "summary": summary,
        "tags": [kind.name],
        "parameters": parameters,
        "responses": {"204": {"description": "Done"}, "4XX": _PROBLEM},
    }
    if record is not None:
        data = {"type": "object", "required": ["data"], "properties": {"data": {"$ref": _reference(record)}}}
        made["responses"] = {"200": _json("The record", data), "4XX": _PROBLEM}
    if body is not None:
        made["requestBody"] = {"required": True, **_content({"$ref": _reference(body)})}
    return made


def _reference(name: str) -> str:
    return f"#/components/schemas/{name}"


def _json(words: str, schema: Mapping[str, Any]) -> dict[str, Any]:
    return {"description": words, **_content(schema)}


def _content(schema: Mapping[str, Any]) -> dict[str, Any]:
    return {"content": {"application/json": {"schema": dict(schema)}}}


def _trimmed(schema: Mapping[str, Any], allowed: Any) -> dict[str, Any]:
    properties = {name: each for name, each in schema["properties"].items() if allowed(name)}
    required = [name for name in schema.get("required", ()) if name in properties]
    return {**schema, "properties": properties, **({"required": required} if required else {})}


def _problem_schema() -> dict[str, Any]:
    item = {
        "type": "object",
        "properties": {"path": {"type": "string"}, "code": {"type": "string"}, "message": {"type": "string"}},
    }
    return {
        "type": "object",
        "required": ["type", "title", "status", "code", "trace_id"],
        "properties": {
            "type": {"type": "string"},
            "title": {"type": "string"},
            "status": {"type": "integer"},
            "code": {"type": "string"},
            "detail": {"type": "string"},
            "trace_id": {"type": "string"},
            "errors": {"type": "array", "items": item},
        },
    }
