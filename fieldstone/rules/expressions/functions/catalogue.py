"""All functions by name, for each dialect.

Who calls it: `dialect`, the generated reference, completion.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from fieldstone.rules.expressions.functions.conversion import CONVERSION
from fieldstone.rules.expressions.functions.dates import DATES
from fieldstone.rules.expressions.functions.definition import Function
from fieldstone.rules.expressions.functions.lists import LISTS
from fieldstone.rules.expressions.functions.moments import MOMENTS
from fieldstone.rules.expressions.functions.numbers import NUMBERS
from fieldstone.rules.expressions.functions.record import RECORD
from fieldstone.rules.expressions.functions.text import TEXT

FAMILIES: Mapping[str, tuple[Function, ...]] = MappingProxyType(
    {
        "record": RECORD,
        "text": TEXT,
        "numbers": NUMBERS,
        "dates": DATES,
        "lists": LISTS,
        "conversion": CONVERSION,
        "moments": MOMENTS,
    }
)
"""The functions by family, in the order of the reference."""

FUNCTIONS: Mapping[str, Function] = MappingProxyType(
    {function.name: function for family in FAMILIES.values() for function in family}
)
"""Every function by its name."""

_CEL = (
    "size", "contains", "startsWith", "endsWith", "matches", "bool", "int", "uint", "double", "string", "bytes",
    "timestamp", "duration", "dyn", "type", *(function.name for function in MOMENTS),
)  # fmt: skip
CEL_FUNCTIONS: Mapping[str, Function] = MappingProxyType({name: FUNCTIONS[name] for name in _CEL})
"""The functions of the Common Expression Language itself."""
