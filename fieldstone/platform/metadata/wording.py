"""Differences as sentences that an administrator reads, in every language at once.

What comes in: differences and the labels of kinds. What goes out: `Sentence`s: a text by locale with facts, which the
edge fills in the reader's language. What a property is called comes from the tables below; one without an entry is
shown by its key, which is what the designer and the files call it. Pure. Called by the API and the command line.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from fieldstone.platform.i18n import translate
from fieldstone.platform.kernel.text import LOCALES, Text, filled, localized
from fieldstone.platform.metadata.canonical import canonical
from fieldstone.platform.metadata.diff import Difference, ElementDifference, Step, is_text

LONGEST_VALUE = 120

_ADDED = {"en": "{what} added", "zh-Hans": "新增{what}", "zh-Hant": "新增{what}"}
_REMOVED = {"en": "{what} removed", "zh-Hans": "删除{what}", "zh-Hant": "刪除{what}"}
_SET = {"en": "{what} set to {after}", "zh-Hans": "{what}设为{after}", "zh-Hant": "{what}設為{after}"}
_CHANGED = {
    "en": "{what} changed from {before} to {after}",
    "zh-Hans": "{what}由{before}改为{after}",
    "zh-Hant": "{what}由{before}改為{after}",
}
_REWRITTEN = {"en": "{what} changed", "zh-Hans": "{what}已更改", "zh-Hant": "{what}已變更"}
_MOVED = {"en": "Order of {what} changed", "zh-Hans": "{what}的顺序已更改", "zh-Hant": "{what}的順序已變更"}
_QUOTED = {"en": "“{text}”", "zh-Hans": "“{text}”", "zh-Hant": "「{text}」"}
_JOINED = {"en": ", ", "zh-Hans": "的", "zh-Hant": "的"}
_YES = {"en": "yes", "zh-Hans": "是", "zh-Hant": "是"}
_NO = {"en": "no", "zh-Hans": "否", "zh-Hant": "否"}
_NOTHING = {"en": "nothing", "zh-Hans": "空", "zh-Hant": "空"}
_LANGUAGES: Mapping[str, Mapping[str, str]] = {
    "en": {"en": "English", "zh-Hans": "英文", "zh-Hant": "英文"},
    "zh-Hans": {"en": "Simplified Chinese", "zh-Hans": "简体中文", "zh-Hant": "簡體中文"},
    "zh-Hant": {"en": "Traditional Chinese", "zh-Hans": "繁体中文", "zh-Hant": "繁體中文"},
}


def _words(*rows: str) -> dict[str, dict[str, str]]:
    table = {}
    for row in rows:
        key, english, simplified, traditional = (cell.strip() for cell in row.split("|"))
        table[key] = {"en": english, "zh-Hans": simplified, "zh-Hant": traditional}
    return table


# One item of a list: the list's key, and what one of its items is called.
_ITEMS = _words(
    "fields|field|字段|欄位",
    "options|option|选项|選項",
    "record_types|record type|业务类型|業務類型",
    "columns|column|列|欄",
    "sections|section|分区|區段",
    "steps|step|步骤|步驟",
    "tiers|tier|档位|級距",
    "actions|action|动作|動作",
    "rows|row|行|列",
    "inputs|input|输入|輸入",
    "input|input|输入|輸入",
    "outputs|output|输出|輸出",
    "nav|group|分组|群組",
    "items|item|项目|項目",
    "related|related list|相关列表|相關清單",
    "highlights|highlight|要点|重點",
    "quick_create|quick field|快速字段|快速欄位",
    "roles|role|角色|角色",
    "inherits|inherited role|继承角色|繼承角色",
    "system|right|权限|權限",
    "sort|sort key|排序项|排序項",
    "unique|unique group|唯一组|唯一組",
    "indexes|index|索引|索引",
    "work_rules|work rule|工作规则|工作規則",
    "objectives|objective|目标|目標",
    "open_fields|open field|开放字段|開放欄位",
    "users|user|用户|使用者",
    "teams|team|团队|團隊",
    "on|event|事件|事件",
)
_PROPERTIES = _words(
    "label|label|标签|標籤",
    "plural|plural|复数名称|複數名稱",
    "name|name|名称|名稱",
    "type|type|类型|類型",
    "help|help text|帮助文字|說明文字",
    "placeholder|placeholder|占位文字|預留文字",
    "required|required|必填|必填",
    "unique|unique|唯一|唯一",
    "default|default|默认值|預設值",
    "read_only|read-only|只读|唯讀",
    "sensitive|sensitive|敏感|敏感",
    "searchable|searchable|可搜索|可搜尋",
    "tracked|tracked|跟踪|追蹤",
    "retired|retired|停用|停用",
    "color|colour|颜色|顏色",
    "icon|icon|图标|圖示",
    "title|title|标题|標題",
    "description|description|说明|說明",
    "sharing|sharing|共享|共用",
    "condition|condition|条件|條件",
    "filter|filter|筛选|篩選",
    "expression|expression|表达式|運算式",
    "message|message|消息|訊息",
    "subject|subject|主题|主旨",
    "body|text|正文|內文",
    "active|active|启用|啟用",
    "order|order|顺序|順序",
    "timing|timing|时机|時機",
    "trigger|trigger|触发|觸發",
    "when|condition|条件|條件",
    "then|result|结果|結果",
    "values|values|取值|取值",
    "from|from|起|起",
    "below|below|止|止",
    "amount|amount|金额|金額",
    "currency|currency|币种|幣別",
    "approvers|approvers|审批人|核准人",
    "quorum|quorum|会签比例|會簽比例",
    "min|minimum|最小值|最小值",
    "max|maximum|最大值|最大值",
    "max_length|longest length|最大长度|最大長度",
    "pattern|pattern|格式|格式",
    "precision|precision|精度|精度",
    "scale|decimal places|小数位|小數位",
    "visible|visible|可见|可見",
    "width|width|宽度|寬度",
    "group|grouping|分组依据|分組依據",
    "weight|weight|权重|權重",
    "plugin|plugin|插件|外掛",
    "object|object|对象|物件",
    "objects|objects|对象|物件",
    "field|field|字段|欄位",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sentence:
    """A text by locale and its facts."""

    message: Text
    facts: Mapping[str, Any] = field(default_factory=dict)

    def in_locale(self, locale: str) -> str:
        """The finished sentence, begun with a capital letter."""
        text = translate(self.message, self.facts, locale)
        return text[:1].upper() + text[1:]


def element_sentence(difference: ElementDifference, kind_label: Text) -> Sentence:
    """ "Object “Ticket” added"."""
    template = {"added": _ADDED, "removed": _REMOVED}.get(difference.change, _REWRITTEN)
    name = difference.label or difference.name
    what = {locale: _noun(localized(kind_label, locale).lower(), localized(name, locale), locale) for locale in LOCALES}
    return Sentence(message=template, facts={"what": what})


def part_sentence(difference: Difference) -> Sentence:
    """ "Field “Priority”, label changed from “Prio” to “Priority”"."""
    facts: dict[str, Any] = {"what": {locale: _what(difference, locale) for locale in LOCALES}}
    before, after = _shown(difference.before), _shown(difference.after)
    if difference.change == "moved":
        return Sentence(message=_MOVED, facts=facts)
    if difference.change == "removed":
        return Sentence(message=_REMOVED, facts=facts)
    if difference.change == "added":
        is_item = difference.steps[-1].item
        return Sentence(message=_ADDED if is_item or after is None else _SET, facts={**facts, "after": after or ""})
    if before is None or after is None:
        return Sentence(message=_REWRITTEN, facts=facts)
    return Sentence(message=_CHANGED, facts={**facts, "before": before, "after": after})


def label_words(difference: Difference, locale: str) -> list[str]:
    """The path in words: ["field “Priority”", "label"]."""
    words: list[str] = []
    for index, step in enumerate(difference.steps):
        following = difference.steps[index + 1] if index + 1 < len(difference.steps) else None
        if following is not None and following.item:
            continue
        words.append(_word(difference.steps[index - 1] if index else None, step, locale))
    return words


def _what(difference: Difference, locale: str) -> str:
    if difference.change == "moved" and difference.steps:
        key = difference.steps[-1].key
        inner = Difference(steps=difference.steps[:-1], change="moved")
        return _JOINED[locale].join([*label_words(inner, locale), _plural(key, locale)])
    return _JOINED[locale].join(label_words(difference, locale))


def _word(before: Step | None, step: Step, locale: str) -> str:
    if step.item:
        noun = _ITEMS.get(before.key if before else "", {}).get(locale) or (before.key if before else "")
        shown = step.label if isinstance(step.label, str) or is_text(step.label) else step.key
        return _noun(noun.replace("_", " "), localized(shown, locale), locale)
    if step.key in LOCALES:
        return _LANGUAGES[step.key][locale]
    return _PROPERTIES.get(step.key, {}).get(locale) or step.key.replace("_", " ")


def _plural(key: str, locale: str) -> str:
    if locale == "en" or key not in _ITEMS:
        return key.replace("_", " ")
    return _ITEMS[key][locale]


def _noun(noun: str, name: str, locale: str) -> str:
    space = " " if locale == "en" else ""
    return f"{noun}{space}{filled(_QUOTED[locale], {'text': name})}"


def _shown(value: Any) -> Text | None:
    """A value as it may stand in a sentence; None when it is too long for one."""
    if value is None:
        return _NOTHING
    if isinstance(value, bool):
        return _YES if value else _NO
    if is_text(value):
        return {locale: filled(_QUOTED[locale], {"text": localized(value, locale)}) for locale in LOCALES}
    text = value if isinstance(value, str) else canonical(value)
    if len(text) > LONGEST_VALUE or isinstance(value, Mapping | list):
        return None
    return {locale: filled(_QUOTED[locale], {"text": text}) for locale in LOCALES} if isinstance(value, str) else text
