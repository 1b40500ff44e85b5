"""Sharing rules: rows that fulfil a condition are opened to people, roles or teams beyond what their roles reach.

What comes in: the published definition. What goes out: `SharingRule` values and the kind `sharing_rule`. Who calls it:
the kinds registry; `policy` adds the rules of an object to what an actor reaches.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from fieldstone.objects.access.conditions import condition_of, references_of
from fieldstone.objects.access.schema import SHARING_RULE_SCHEMA
from fieldstone.platform.kernel.metadata import Definition, Diagnostic, MetadataError, MetadataKind, Reference, Snapshot
from fieldstone.rules.expressions.compile import Expression


@dataclass(frozen=True, slots=True, kw_only=True)
class SharingRule:
    """Opens rows of `object` that fulfil `condition`: to read, or to read and update.

    `roles` are role names, `teams` names of teams, `users` e-mail addresses in lower case.
    """

    name: str
    object: str
    condition: Expression
    source: str
    roles: frozenset[str]
    teams: frozenset[str]
    users: frozenset[str]
    access: Literal["read", "update"]

    def opens(self, operation: str) -> bool:
        """Whether the rule is about an operation."""
        return operation == "read" or (operation == "update" and self.access == "update")


def sharing_rules(snapshot: Snapshot, object_name: str) -> tuple[SharingRule, ...]:
    """The active rules of an object."""
    rules: Mapping[str, tuple[SharingRule, ...]] = snapshot.derived("access.sharing", _by_object)
    return rules.get(object_name, ())


def _by_object(snapshot: Snapshot) -> Mapping[str, tuple[SharingRule, ...]]:
    found: dict[str, tuple[SharingRule, ...]] = {}
    for rule in snapshot.all("sharing_rule"):
        if rule is not None:
            found[rule.object] = (*found.get(rule.object, ()), rule)
    return found


def _compile(definition: Definition, snapshot: Snapshot) -> SharingRule | None:
    """None for a rule that is switched off."""
    body = definition.body
    if snapshot.find("object", body["object"]) is None:
        name = body["object"]
        raise MetadataError("There is no object called {name}.", path="/object", code="unknown_object", name=name)
    condition = condition_of(snapshot, body["object"], body["condition"], "/condition")
    if not body.get("active", True):
        return None
    to = body["to"]
    return SharingRule(
        name=definition.name,
        object=body["object"],
        condition=condition,
        source=body["condition"],
        roles=frozenset(to.get("roles", ())),
        teams=frozenset(to.get("teams", ())),
        users=frozenset(user.strip().lower() for user in to.get("users", ())),
        access=body["access"],
    )


def _check(definition: Definition, snapshot: Snapshot) -> Iterator[Diagnostic]:
    for index, role in enumerate(definition.body["to"].get("roles", ())):
        if snapshot.definition("role", role) is None:
            yield Diagnostic(
                path=f"/to/roles/{index}",
                severity="error",
                code="unknown_role",
                message="There is no role called {name}.",
                facts={"name": role},
            )


def _references(definition: Definition, snapshot: Snapshot) -> Iterator[Reference]:
    body = definition.body
    yield Reference(path="/object", kind="object", name=body["object"])
    yield from references_of(snapshot, body["object"], body["condition"], "/condition")
    for index, role in enumerate(body["to"].get("roles", ())):
        yield Reference(path=f"/to/roles/{index}", kind="role", name=role)


SHARING_RULE = MetadataKind(
    name="sharing_rule",
    folder="sharing",
    label={"en": "Sharing rule", "zh-Hans": "共享规则", "zh-Hant": "共享規則"},
    schema=SHARING_RULE_SCHEMA,
    compile=_compile,
    check=_check,
    references=_references,
    order=310,
)
