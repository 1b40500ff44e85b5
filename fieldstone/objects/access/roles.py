"""Roles, compiled: what each allows on objects, fields and the system.

What comes in: the published definition. What goes out: `Role` values, without what they inherit (policies follow
`inherits`), and the kind `role`. Who calls it: the kinds registry; `policy` combines roles into what an actor may do.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Literal, TypeAlias, cast

from fieldstone.objects.access.conditions import condition_of, references_of
from fieldstone.objects.access.schema import ROLE_SCHEMA, SYSTEM_RIGHTS
from fieldstone.platform.kernel.metadata import (
    Definition,
    Diagnostic,
    MetadataError,
    MetadataKind,
    Reference,
    Rename,
    Snapshot,
)
from fieldstone.platform.kernel.text import Text
from fieldstone.rules.expressions.compile import Expression

Operation: TypeAlias = Literal["read", "create", "update", "delete"]
OPERATIONS: tuple[Operation, ...] = ("read", "create", "update", "delete")
Level: TypeAlias = Literal["none", "own", "team", "all", "sharing"]
"""`sharing`: as far as the object's own sharing reaches."""
FieldRight: TypeAlias = Literal["hidden", "read", "edit"]
ADMIN = "admin"
EVERY_OBJECT = "*"


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """One right on the rows of an object: up to a level, or those that fulfil `where` (its source in `source`)."""

    level: Level
    where: Expression | None = None
    source: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectGrant:
    """What a role says about one object; operations that it does not name are left to `*`."""

    grants: Mapping[Operation, Grant]
    export: bool | None = None
    import_: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Role:
    """A published role. `fields` maps ("ticket", "cost") to a right."""

    name: str
    label: Text
    objects: Mapping[str, ObjectGrant]
    fields: Mapping[tuple[str, str], FieldRight]
    system: frozenset[str]
    inherits: tuple[str, ...]

    def grant(self, object_name: str, operation: Operation) -> Grant | None:
        """What the role says about an operation on an object, None when it says nothing."""
        for name in (object_name, EVERY_OBJECT):
            given = self.objects.get(name)
            if given is not None and operation in given.grants:
                return given.grants[operation]
        return None

    def flag(self, object_name: str, name: Literal["export", "import_"]) -> bool:
        """Whether the role allows to export or import an object."""
        for key in (object_name, EVERY_OBJECT):
            given = self.objects.get(key)
            value = getattr(given, name) if given is not None else None
            if value is not None:
                return bool(value)
        return False


def _everything() -> Role:
    grants = MappingProxyType({operation: Grant(level="all") for operation in OPERATIONS})
    return Role(
        name=ADMIN,
        label={"en": "Administrator", "zh-Hans": "管理员", "zh-Hant": "管理員"},
        objects=MappingProxyType({EVERY_OBJECT: ObjectGrant(grants=grants, export=True, import_=True)}),
        fields=MappingProxyType({}),
        system=frozenset(SYSTEM_RIGHTS),
        inherits=(),
    )


BUILT_IN_ADMIN = _everything()
"""What the role `admin` is until a tenant publishes its own: somebody must be able to publish the first package."""


def roles_of(snapshot: Snapshot, names: frozenset[str]) -> tuple[Role, ...]:
    """The roles of those names and all they inherit, each once, by name; names without a role count for nothing."""
    waiting, found = sorted(names), dict[str, Role]()
    while waiting:
        name = waiting.pop()
        if name in found:
            continue
        role = snapshot.find("role", name) or (BUILT_IN_ADMIN if name == ADMIN else None)
        if role is not None:
            found[name] = role
            waiting.extend(role.inherits)
    return tuple(found[name] for name in sorted(found))


def _compile(definition: Definition, snapshot: Snapshot) -> Role:
    body = definition.body
    return Role(
        name=definition.name,
        label=body["label"],
        objects=MappingProxyType(
            {name: _object_grant(name, rights, snapshot) for name, rights in body.get("objects", {}).items()}
        ),
        fields=MappingProxyType({_field_key(path): right for path, right in body.get("fields", {}).items()}),
        system=frozenset(body.get("system", ())),
        inherits=tuple(body.get("inherits", ())),
    )


def _object_grant(name: str, rights: Mapping[str, Any], snapshot: Snapshot) -> ObjectGrant:
    if name != EVERY_OBJECT and snapshot.find("object", name) is None:
        path = f"/objects/{name}"
        raise MetadataError("There is no object called {name}.", path=path, code="unknown_object", name=name)
    grants = {
        operation: _grant(name, operation, rights[operation], snapshot)
        for operation in OPERATIONS
        if operation in rights
    }
    return ObjectGrant(grants=MappingProxyType(grants), export=rights.get("export"), import_=rights.get("import"))


def _grant(name: str, operation: Operation, right: Any, snapshot: Snapshot) -> Grant:
    if isinstance(right, bool):
        return Grant(level="sharing" if right else "none")
    if isinstance(right, str):
        return Grant(level=cast(Level, right))
    path = f"/objects/{name}/{operation}/where"
    if name == EVERY_OBJECT:
        raise MetadataError("A condition needs an object; {name} stands for all.", path=path, code="where", name=name)
    source = right["where"]
    return Grant(level="none", where=condition_of(snapshot, name, source, path), source=source)


def _field_key(path: str) -> tuple[str, str]:
    name, _, field = path.partition(".")
    return name, field


def _check(definition: Definition, snapshot: Snapshot) -> Iterator[Diagnostic]:
    for path in definition.body.get("fields", {}):
        name, field = _field_key(path)
        target = snapshot.find("object", name)
        if target is None or field not in target.fields:
            yield Diagnostic(
                path=f"/fields/{path}",
                severity="error",
                code="unknown_field",
                message="{object} has no field called {name}.",
                facts={"object": name, "name": field},
            )
    for index, parent in enumerate(definition.body.get("inherits", ())):
        if snapshot.definition("role", parent) is None and parent != ADMIN:
            yield Diagnostic(
                path=f"/inherits/{index}",
                severity="error",
                code="unknown_role",
                message="There is no role called {name}.",
                facts={"name": parent},
            )
        elif definition.name in _ancestors(parent, snapshot):
            yield Diagnostic(
                path=f"/inherits/{index}",
                severity="error",
                code="circular",
                message="The role {name} inherits from itself.",
                facts={"name": definition.name},
            )


def _ancestors(name: str, snapshot: Snapshot) -> frozenset[str]:
    waiting, seen = [name], set[str]()
    while waiting:
        current = waiting.pop()
        found = snapshot.definition("role", current)
        if current not in seen and found is not None:
            seen.add(current)
            waiting.extend(found.body.get("inherits", ()))
    return frozenset(seen)


def _references(definition: Definition, snapshot: Snapshot) -> Iterator[Reference]:
    body = definition.body
    for name, rights in body.get("objects", {}).items():
        if name == EVERY_OBJECT:
            continue
        yield Reference(path=f"/objects/{name}", kind="object", name=name)
        for operation in OPERATIONS:
            right = rights.get(operation)
            if isinstance(right, Mapping):
                path = f"/objects/{name}/{operation}/where"
                yield from references_of(snapshot, name, right["where"], path)
    for path in body.get("fields", {}):
        name, field = _field_key(path)
        yield Reference(path=f"/fields/{path}", kind="object", name=name, part=field)
    for index, parent in enumerate(body.get("inherits", ())):
        if parent != ADMIN:
            yield Reference(path=f"/inherits/{index}", kind="role", name=parent)


def _rewrite(definition: Definition, rename: Rename) -> Mapping[str, Any] | None:
    """Names as keys and in lists are replaced; a condition that may read what is renamed is left to its author."""
    body = dict(definition.body)
    if any("where" in str(rights) for rights in body.get("objects", {}).values()):
        return None
    if rename.kind == "role" and rename.part is None:
        body["inherits"] = [rename.to if name == rename.name else name for name in body.get("inherits", ())]
        return body
    if rename.kind != "object":
        return body
    if rename.part is None:
        body["objects"] = _renamed_keys(body.get("objects", {}), rename.name, rename.to)
        old, new = f"{rename.name}.", f"{rename.to}."
        fields = {path.replace(old, new, 1) if path.startswith(old) else path: right for path, right in _fields(body)}
    else:
        old, new = f"{rename.name}.{rename.part}", f"{rename.name}.{rename.to}"
        fields = {new if path == old else path: right for path, right in _fields(body)}
    if "fields" in body:
        body["fields"] = fields
    return body


def _fields(body: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    yield from body.get("fields", {}).items()


def _renamed_keys(values: Mapping[str, Any], old: str, new: str) -> dict[str, Any]:
    return {new if name == old else name: value for name, value in values.items()}


ROLE = MetadataKind(
    name="role",
    folder="roles",
    label={"en": "Role", "zh-Hans": "角色", "zh-Hant": "角色"},
    schema=ROLE_SCHEMA,
    compile=_compile,
    check=_check,
    references=_references,
    rewrite=_rewrite,
    order=300,
)
