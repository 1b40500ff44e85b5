"""Text: one line, several lines, Markdown.

An empty text is no value. One line holds no control characters; several lines may have tabs and line ends (kept as
`\\n`). Patterns are google-re2 and must fit the whole text.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from types import MappingProxyType
from typing import Any, ClassVar

import re2
import sqlalchemy as sa

from fieldstone.objects.fieldtypes import problems
from fieldstone.objects.fieldtypes.base import Field, FieldType, Scope
from fieldstone.objects.fieldtypes.declaration import USUAL, Declaration, MigrationClass, SortKind
from fieldstone.objects.fieldtypes.operators import CONTAINS, PRESENCE, STARTS_WITH, TEXTUAL, Operator
from fieldstone.objects.fieldtypes.problems import Problem, Rejected, rejected
from fieldstone.objects.fieldtypes.source import Constants
from fieldstone.objects.fieldtypes.texts import PLAIN, TextFormat
from fieldstone.platform.database.types import Chars
from fieldstone.platform.i18n import mark
from fieldstone.platform.kernel.text import Text, localized
from fieldstone.rules.expressions.types import STRING, Type

MAX_LINE = 4_000
MAX_LONG = 1_000_000

_NOT_IN_LINE = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
_NOT_IN_LINES = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")


@lru_cache(maxsize=4096)
def pattern_of(source: str) -> Any:
    """The compiled pattern. Raises `re2.error` when it is none."""
    options = re2.Options()
    options.log_errors = False
    options.max_mem = 1 << 20
    return re2.compile(source, options)


def pattern_problem(source: str) -> Problem | None:
    """What is wrong with a pattern in a definition."""
    try:
        pattern_of(source)
    except re2.error as error:
        message = mark("This pattern cannot be used: {reason}")
        reason = error.args[0].decode("utf-8", "replace") if isinstance(error.args[0], bytes) else str(error.args[0])
        return Problem(code="bad_pattern", message=message, path="/pattern", facts={"reason": reason})
    return None


class PlainText(FieldType):
    """What all types share whose values are one text in one column."""

    sort: ClassVar[SortKind] = "value"
    common: ClassVar[frozenset[str]] = USUAL | {"unique", "pattern", "pattern_message", "searchable"}
    operators: ClassVar[tuple[Operator, ...]] = TEXTUAL
    aggregates: ClassVar[tuple[str, ...]] = ("count", "count_distinct", "min", "max")
    groupable = True
    limit: ClassVar[int] = MAX_LINE
    forbidden: ClassVar[re.Pattern[str]] = _NOT_IN_LINE

    def __init__(self, declaration: Declaration, scope: Scope) -> None:
        super().__init__(declaration, scope)
        self.max_length: int = self.option("max_length", self.limit)
        self.min_length: int = self.option("min_length", 0)
        source = self.option("pattern")
        self.pattern = pattern_of(source) if source and pattern_problem(source) is None else None
        self.pattern_message: Text = self.option("pattern_message", problems.PATTERN.message)

    def check(self) -> Iterable[Problem]:
        source = self.option("pattern")
        problem = pattern_problem(source) if source else None
        return [problem] if problem else []

    def expression_type(self) -> Type:
        return STRING

    def storage(self) -> tuple[tuple[str, sa.types.TypeEngine[Any]], ...]:
        return (("", Chars()),)

    def normal(self, text: str) -> str:
        """The form in which a text is kept."""
        return text

    def read(self, value: Any) -> str | None:
        if not isinstance(value, str):
            raise rejected(problems.NOT_A_TEXT)
        text = self.normal(value)
        if not text or text.isspace():
            return None
        if len(text) > self.max_length:
            raise rejected(problems.TOO_LONG, max=self.max_length)
        if len(text) < self.min_length:
            raise rejected(problems.TOO_SHORT, min=self.min_length)
        if self.forbidden.search(text):
            raise rejected(problems.CHARACTERS)
        if self.pattern is not None and not self.pattern.fullmatch(text):
            raise Rejected(Problem(code=problems.PATTERN.code, message=self.pattern_message))
        return text

    def coerce(self, value: Any) -> str | None:
        return None if value is None else self.read(value if isinstance(value, str) else str(value))

    def json_schema(self) -> dict[str, Any]:
        schema: dict[str, Any] = {"type": "string", "maxLength": self.max_length}
        if self.min_length:
            schema["minLength"] = self.min_length
        if self.option("pattern"):
            schema["pattern"] = f"^(?:{self.option('pattern')})$"
        return schema

    def output_schema(self) -> dict[str, Any]:
        return {"type": "string"}

    def widget(self, field: Field, locale: str) -> dict[str, Any]:
        widget: dict[str, Any] = {"kind": "text", "maxlength": self.max_length}
        if self.min_length:
            widget["minlength"] = self.min_length
        if self.option("pattern"):
            widget["pattern"] = self.option("pattern")
            widget["pattern_message"] = localized(self.pattern_message, locale)
        return widget

    def migrate_from(self, other: FieldType) -> MigrationClass | None:
        if not isinstance(other, PlainText):
            return "slow" if other.storage() and not other.volatile and not other.labelled else None
        narrower = self.max_length < other.max_length or self.pattern is not None or type(self).read != PlainText.read
        if type(self) is type(other) or not narrower:
            return "safe"
        return "lossy"

    def audit_text(self, value: Any) -> str:
        text = " ".join(value.split())
        return text if len(text) <= 200 else text[:199] + "…"


class TextType(PlainText):
    """One line of text."""

    name = "text"
    label = MappingProxyType({"en": "Text", "zh-Hans": "文本", "zh-Hant": "文字"})
    group = "text"
    icon = "letter-case"
    options: ClassVar[Mapping[str, Any]] = MappingProxyType(
        {
            "max_length": {
                "title": "Longest",
                "description": "Characters at most.",
                "type": "integer",
                "minimum": 1,
                "maximum": MAX_LINE,
                "default": 255,
            },
            "min_length": {"title": "Shortest", "type": "integer", "minimum": 1, "maximum": MAX_LINE},
        }
    )

    def __init__(self, declaration: Declaration, scope: Scope) -> None:
        super().__init__(declaration, scope)
        self.max_length = self.option("max_length", 255)

    def load_source(self, value: str, constants: Constants) -> Sequence[str]:
        lines = [
            f"if type({value}) is not str or not {max(1, self.min_length)} <= len({value}) <= {self.max_length} "
            f"or not {value}.isprintable() or {value}.isspace():",
            "    raise Doubt",
        ]
        if self.pattern is not None:
            lines += [f"if not {constants(self.pattern.fullmatch)}({value}):", "    raise Doubt"]
        return lines


class LongTextType(PlainText):
    """Several lines of text."""

    name = "long_text"
    label = MappingProxyType({"en": "Long text", "zh-Hans": "多行文本", "zh-Hant": "多行文字"})
    group = "text"
    icon = "align-left"
    common = USUAL | {"searchable"}
    operators = (CONTAINS, STARTS_WITH, *PRESENCE)
    aggregates = ("count",)
    sort = "none"
    groupable = False
    limit = MAX_LONG
    forbidden = _NOT_IN_LINES
    options = MappingProxyType(
        {
            "max_length": {
                "title": "Longest",
                "description": "Characters at most.",
                "type": "integer",
                "minimum": 1,
                "maximum": MAX_LONG,
                "default": 100_000,
            },
            "rows": {"title": "Lines shown", "type": "integer", "minimum": 1, "maximum": 40, "default": 4},
        }
    )

    def __init__(self, declaration: Declaration, scope: Scope) -> None:
        super().__init__(declaration, scope)
        self.max_length = self.option("max_length", 100_000)

    def normal(self, text: str) -> str:
        return text.replace("\r\n", "\n").replace("\r", "\n")

    def load_source(self, value: str, constants: Constants) -> Sequence[str]:
        return [
            f"if type({value}) is not str or not 0 < len({value}) <= {self.max_length} or {value}.isspace():",
            "    raise Doubt",
            f"if not {value}.isprintable() and {constants(_NOT_IN_LINES.search)}({value}):",
            "    raise Doubt",
        ]

    def widget(self, field: Field, locale: str) -> dict[str, Any]:
        return {"kind": "textarea", "maxlength": self.max_length, "rows": self.option("rows", 4)}

    def from_text(self, text: str, fmt: TextFormat = PLAIN) -> Any:
        return None if text.strip() in fmt.empty else self.read(text)


class MarkdownType(LongTextType):
    """Formatted text, written as Markdown and shown as cleaned HTML."""

    name = "markdown"
    label = MappingProxyType({"en": "Formatted text", "zh-Hans": "富文本", "zh-Hant": "格式化文字"})
    icon = "markdown"

    def widget(self, field: Field, locale: str) -> dict[str, Any]:
        return {**super().widget(field, locale), "kind": "markdown"}
