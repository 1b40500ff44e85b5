"""Where a path of an expression leads: from field to field through lookups.

What comes in: a path such as `("customer", "tier")`, the object it begins at and a scope. What goes out: the object and
field of every step. Who calls it: references and the search for circles.
"""

from __future__ import annotations

from collections.abc import Iterator

from fieldstone.objects.definition.environment import PREVIOUS, RECORD, USER
from fieldstone.objects.definition.scope import DefinitionScope
from fieldstone.rules.expressions.syntax import Path

Step = tuple[str, str]
"""Object and field."""


def steps_of(path: Path, start: str, scope: DefinitionScope, referring: str | None = None) -> Iterator[Step]:
    """Every field on the way. `start` is the object at the root, `referring` that of `record` in a lookup's filter."""
    names = list(path)
    here: str | None = start
    if scope.declaration(start, names[0]) is None:
        roots = {PREVIOUS: start, USER: USER, RECORD: referring}
        here = roots.get(names.pop(0))
    while names and here is not None:
        name = names.pop(0)
        kind = scope.sibling(here, name)
        if kind is None:
            return
        yield here, name
        here = kind.row_object or (kind.targets[0] if len(kind.targets) == 1 else None)
