"""Names that a field cannot have.

What comes in: a name. What goes out: why it is reserved, as an English template, or None. Who calls it: the checks.
"""

from __future__ import annotations

from typing import Final

from fieldstone.objects.definition.system_fields import REDECLARABLE, SEARCH_COLUMN, SYSTEM_FIELDS
from fieldstone.platform.i18n import mark

_LANGUAGE: Final = frozenset(
    {"true", "false", "null", "in", "as", "break", "const", "continue", "else", "for", "function", "if", "import"}
    | {"let", "loop", "package", "namespace", "return", "var", "void", "while"}
)
_ROOTS: Final = frozenset({"previous", "record"})
_ANSWERS: Final = frozenset({SEARCH_COLUMN, "label", "labels"})


def reserved_because(name: str) -> str | None:
    """Why no field can be called so; None when it can."""
    if name in SYSTEM_FIELDS and name not in REDECLARABLE:
        return mark("{name} is a field that every record has.")
    if name in _LANGUAGE:
        return mark("{name} is a word of the rule language.")
    if name in _ROOTS:
        return mark("{name} has a meaning of its own in expressions.")
    return mark("{name} has a meaning of its own in answers.") if name in _ANSWERS else None
