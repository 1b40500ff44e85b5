"""The operators of filters, as data for filter builders.

What goes out: `Operator` constants with words in three languages and an expression template. A filter chip is an
operator, a field and a value; `Operator.expression` writes it in the rule language, which is what lists, views and
the API understand. Who calls it: field types name theirs, the pages offer them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from fieldstone.platform.kernel.text import Text


@dataclass(frozen=True, slots=True, kw_only=True)
class Operator:
    """One way to filter. `template` has `{field}` and, if `values` is 1 or more, `{value}` (`{other}` for the second).

    `values`: how many values it takes; -1 is a list of any length.
    """

    name: str
    label: Text
    template: str
    values: int = 1

    def expression(self, field: str, *literals: str) -> str:
        """The filter in the rule language. `literals` are written by `FieldType.literal`."""
        text = self.template.replace("{field}", field)
        if self.values < 0:
            return text.replace("{value}", f"[{', '.join(literals)}]")
        for placeholder, literal in zip(("{value}", "{other}"), literals, strict=False):
            text = text.replace(placeholder, literal)
        return text


def _operator(name: str, en: str, hans: str, hant: str, template: str, values: int = 1) -> Operator:
    label = {"en": en, "zh-Hans": hans, "zh-Hant": hant}
    return Operator(name=name, label=label, template=template, values=values)


EQUALS: Final = _operator("equals", "is", "等于", "等於", "{field} == {value}")
NOT_EQUALS: Final = _operator("not_equals", "is not", "不等于", "不等於", "{field} != {value}")
LESS: Final = _operator("less", "less than", "小于", "小於", "{field} < {value}")
AT_MOST: Final = _operator("at_most", "at most", "不大于", "不大於", "{field} <= {value}")
MORE: Final = _operator("more", "more than", "大于", "大於", "{field} > {value}")
AT_LEAST: Final = _operator("at_least", "at least", "不小于", "不小於", "{field} >= {value}")
BETWEEN: Final = _operator("between", "between", "介于", "介於", "{field} >= {value} && {field} <= {other}", 2)
BEFORE: Final = _operator("before", "before", "早于", "早於", "{field} < {value}")
AFTER: Final = _operator("after", "after", "晚于", "晚於", "{field} > {value}")
ONE_OF: Final = _operator("one_of", "is one of", "属于", "屬於", "{field} in {value}", -1)
NOT_ONE_OF: Final = _operator("not_one_of", "is none of", "不属于", "不屬於", "!({field} in {value})", -1)
CONTAINS: Final = _operator("contains", "contains", "包含", "包含", "{field}.contains({value})")
STARTS_WITH: Final = _operator("starts_with", "begins with", "开头是", "開頭是", "{field}.startsWith({value})")
INCLUDES: Final = _operator("includes", "includes", "包含选项", "包含選項", "{value} in {field}")
EXCLUDES: Final = _operator("excludes", "does not include", "不包含选项", "不包含選項", "!({value} in {field})")
IS_EMPTY: Final = _operator("is_empty", "is empty", "为空", "為空", "{field} == null", 0)
IS_FILLED: Final = _operator("is_filled", "is filled in", "不为空", "不為空", "{field} != null", 0)
IS_TRUE: Final = _operator("is_true", "is yes", "是", "是", "{field} == true", 0)
IS_FALSE: Final = _operator("is_false", "is no", "否", "否", "{field} == false", 0)

PRESENCE: Final = (IS_EMPTY, IS_FILLED)
EQUALITY: Final = (EQUALS, NOT_EQUALS, ONE_OF, NOT_ONE_OF)
TEXTUAL: Final = (*EQUALITY, CONTAINS, STARTS_WITH, *PRESENCE)
NUMERIC: Final = (EQUALS, NOT_EQUALS, LESS, AT_MOST, MORE, AT_LEAST, BETWEEN, *PRESENCE)
TEMPORAL: Final = (EQUALS, BEFORE, AFTER, AT_MOST, AT_LEAST, BETWEEN, *PRESENCE)
