"""Query parameters and bodies of the records API as values of the services.

In: a call. Out: `ListQuery`, operations of a batch. What cannot be read is `Unreadable` (400), what is read but wrong
`Invalid` (422). Called by the views of this package.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from fieldstone.objects.query.values import DEFAULT_LIMIT, MAX_LIMIT, Count, ListQuery
from fieldstone.objects.records.values import CreateOperation, DeleteOperation, Operation, UpdateOperation
from fieldstone.platform.http.call import Call
from fieldstone.platform.kernel.errors import FieldError, Invalid, Unreadable

LIST_PARAMETERS = frozenset({"filter", "sort", "fields", "limit", "cursor", "count", "q", "view", "deleted"})
MAX_OPERATIONS = 1_000
_COUNTS: Mapping[str, Count] = {"true": "capped", "false": "no", "exact": "exact"}


def list_query(call: Call, object_name: str, *, more: Collection[str] = ()) -> ListQuery:
    """The list that the query parameters ask for; `more` are parameters of the route's own."""
    args = call.query(LIST_PARAMETERS | set(more))
    fields = args.get("fields")
    return ListQuery(
        object=object_name,
        filter=args.get("filter") or None,
        sort=_names(args.get("sort", "")),
        fields=None if fields is None else _names(fields),
        limit=call.integer("limit", default=DEFAULT_LIMIT, least=1, most=MAX_LIMIT),
        cursor=args.get("cursor") or None,
        count=_choice("count", args.get("count", "false"), _COUNTS),
        q=args.get("q") or None,
        view=args.get("view") or None,
        deleted=_choice("deleted", args.get("deleted", "false"), {"true": True, "false": False}),
    )


def operations(body: Mapping[str, Any]) -> tuple[tuple[Operation, ...], bool]:
    """(operations, atomic) of a bulk body."""
    unknown = sorted(set(body) - {"operations", "atomic"})
    errors = [FieldError(path=f"/{name[:60]}", code="unknown", message="There is no such field.") for name in unknown]
    atomic, items = body.get("atomic", True), body.get("operations")
    if not isinstance(atomic, bool):
        errors.append(FieldError(path="/atomic", code="type", message="This must be true or false."))
    if not isinstance(items, list) or not items:
        errors.append(FieldError(path="/operations", code="type", message="This must be a list of operations."))
    elif len(items) > MAX_OPERATIONS:
        facts = {"most": MAX_OPERATIONS}
        message = "At most {most} operations at once."
        errors.append(FieldError(path="/operations", code="too_many", message=message, facts=facts))
    if errors:
        raise Invalid(errors=errors)
    assert isinstance(items, list)
    return tuple(_operation(item, f"/operations/{n}") for n, item in enumerate(items)), bool(atomic)


def _operation(item: Any, at: str) -> Operation:
    if not isinstance(item, Mapping):
        raise Invalid(errors=[FieldError(path=at, code="type", message="This must be a JSON object.")])
    allowed = {"create": {"data"}, "update": {"id", "revision", "data"}, "delete": {"id", "revision"}}
    name = item.get("op")
    if not isinstance(name, str) or name not in allowed:
        facts = {"options": "create, update, delete"}
        message = "This must be one of {options}."
        raise Invalid(errors=[FieldError(path=f"{at}/op", code="choice", message=message, facts=facts)])
    for key in item:
        if key != "op" and key not in allowed[name]:
            raise Invalid(
                errors=[FieldError(path=f"{at}/{key[:60]}", code="unknown", message="There is no such field.")]
            )
    if name == "create":
        return CreateOperation(data=_data(item, at))
    if name == "update":
        return UpdateOperation(id=_identity(item, at), data=_data(item, at), revision=_revision(item, at))
    return DeleteOperation(id=_identity(item, at), revision=_revision(item, at))


def _data(item: Mapping[str, Any], at: str) -> Mapping[str, Any]:
    data = item.get("data")
    if not isinstance(data, Mapping):
        raise Invalid(errors=[FieldError(path=f"{at}/data", code="type", message="This must be a JSON object.")])
    return data


def _identity(item: Mapping[str, Any], at: str) -> str:
    identity = item.get("id")
    if not isinstance(identity, str):
        raise Invalid(errors=[FieldError(path=f"{at}/id", code="required", message="This is needed.")])
    return identity


def _revision(item: Mapping[str, Any], at: str) -> int | None:
    revision = item.get("revision")
    if revision is not None and (isinstance(revision, bool) or not isinstance(revision, int)):
        raise Invalid(errors=[FieldError(path=f"{at}/revision", code="type", message="This must be a whole number.")])
    return revision


def _names(text: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in text.split(",") if name.strip())


def _choice(name: str, text: str, choices: Mapping[str, Any]) -> Any:
    if text not in choices:
        facts = {"options": ", ".join(choices)}
        message = "This must be one of {options}."
        raise Unreadable(errors=[FieldError(path=f"?{name}", code="choice", message=message, facts=facts)])
    return choices[text]
