"""Makes a Python function of generated lines.

What comes in: lines that the codec wrote (identifiers it made up, field names that fit `NAME`, numbers) and a table of
constants. What goes out: the function. Nothing that a tenant writes is ever part of the lines: field names are checked
once more here, everything else is a constant. The builtins are those that the lines need.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from types import CodeType, FunctionType
from typing import Any

from fieldstone.objects.fieldtypes.source import Constants

NAME = re.compile(r"[a-z][a-z0-9_]{0,63}")
_BUILTINS = {each.__name__: each for each in (type, len, str, int, dict, list, format)}


def literal(name: str) -> str:
    """A field name as a string literal. Raises ValueError for anything that is no field name."""
    if not NAME.fullmatch(name):
        raise ValueError(f"{name!r} is not a field name")
    return f'"{name}"'


def make_function(name: str, signature: str, body: Sequence[str], constants: Constants) -> Callable[..., Any]:
    """The function `def {name}({signature}): {body}`, which sees the constants and a few builtins."""
    source = "\n".join([f"def {name}({signature}):", *(f"    {line}" for line in body)])
    module = compile(source, f"<{name}>", "exec", dont_inherit=True, optimize=0)
    code = next(item for item in module.co_consts if isinstance(item, CodeType))
    return FunctionType(code, {**constants.values, "__builtins__": _BUILTINS}, name)
