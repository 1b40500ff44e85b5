"""What roles allow, and when one set of roles covers another."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fieldstone.platform.identity.rights import ADMIN, SYSTEM_RIGHTS, RoleRights
from fieldstone.platform.kernel.metadata import Definition
from tests.support.installation import EmptySnapshot
from tests.support.web import ROLES, RoleSnapshot

RIGHTS = RoleRights()
NAMES = st.frozensets(st.sampled_from(sorted(ROLES)))


class Roles(EmptySnapshot):
    """A snapshot of roles given as bodies."""

    def __init__(self, **bodies: object) -> None:
        super().__init__(1)
        self.bodies = bodies

    def definition(self, kind: str, name: str) -> Definition | None:
        body = self.bodies.get(name) if kind == "role" else None
        return None if body is None else Definition(kind=kind, name=name, body=body, hash=name)  # type: ignore[arg-type]


def lacking(held: dict[str, object], wanted: dict[str, object]) -> list[str]:
    return RIGHTS.lacking(Roles(held=held, wanted=wanted), ["held"], ["wanted"])


def test_the_built_in_admin_has_every_right_until_one_is_published() -> None:
    assert RIGHTS.of_roles(EmptySnapshot(0), [ADMIN]) == set(SYSTEM_RIGHTS)
    assert RIGHTS.of_roles(Roles(admin={"system": ["view_audit"]}), [ADMIN]) == {"view_audit"}
    assert RIGHTS.exists(EmptySnapshot(0), ADMIN)
    assert not RIGHTS.exists(EmptySnapshot(0), "boss")


def test_rights_are_inherited_also_in_circles() -> None:
    roles = Roles(a={"inherits": ["b"]}, b={"inherits": ["c", "a"], "system": ["view_audit"]}, c={"system": ["x"]})
    assert RIGHTS.of_roles(roles, ["a"]) == {"view_audit", "x"}


@pytest.mark.parametrize(
    ("held", "wanted", "covered"),
    [
        ("all", "all", True),
        ("all", "own", True),
        ("all", True, True),
        ("all", {"where": "record.open"}, True),
        ("team", "own", True),
        ("own", "team", False),
        ("none", "own", False),
        ("own", "none", True),
        (False, False, True),
        (True, True, True),
        (True, "own", False),
        ("own", True, False),
        ({"where": "a"}, {"where": "a"}, True),
        ({"where": "a"}, {"where": "b"}, False),
        ({"where": "a"}, "own", False),
        ("team", {"where": "a"}, False),
    ],
)
def test_a_right_is_covered_by_the_same_or_a_wider_one(held: object, wanted: object, covered: bool) -> None:
    found = lacking({"objects": {"ticket": {"read": held}}}, {"objects": {"ticket": {"read": wanted}}})
    assert found == ([] if covered else ["ticket.read"])


def test_a_right_on_all_objects_covers_each_one_but_not_the_other_way() -> None:
    assert lacking({"objects": {"*": {"read": "all"}}}, {"objects": {"ticket": {"read": "all"}}}) == []
    assert lacking({"objects": {"ticket": {"read": "all"}}}, {"objects": {"*": {"read": "all"}}}) == ["*.read"]


def test_a_field_that_one_may_not_see_is_not_to_be_given_away() -> None:
    assert lacking({"fields": {"a.cost": "hidden"}}, {"fields": {"a.cost": "read"}}) == ["a.cost"]
    assert lacking({"fields": {"a.cost": "edit"}}, {"fields": {"a.cost": "read"}}) == []


@settings(max_examples=100, deadline=None)
@given(NAMES, NAMES)
def test_whoever_has_a_role_covers_it(held: frozenset[str], more: frozenset[str]) -> None:
    snapshot = RoleSnapshot(1)
    assert RIGHTS.lacking(snapshot, held | more, held) == []


@settings(max_examples=100, deadline=None)
@given(NAMES, NAMES, NAMES)
def test_covering_goes_on_through_a_third(first: frozenset[str], second: frozenset[str], third: frozenset[str]) -> None:
    snapshot = RoleSnapshot(1)
    if not RIGHTS.lacking(snapshot, first, second) and not RIGHTS.lacking(snapshot, second, third):
        assert RIGHTS.lacking(snapshot, first, third) == []
