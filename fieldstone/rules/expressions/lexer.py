"""Source text to tokens.

What comes in: the text of one expression. What goes out: a list of `Token`, the last of kind "end". Raises
`ExpressionError` at the first character that belongs to no token. Who calls it: the parser, and `completion` for the
text before the cursor.
"""

from __future__ import annotations

import re
from typing import Any, NamedTuple

from fieldstone.rules.expressions.errors import ExpressionError, Position, Problem
from fieldstone.rules.expressions.values import INT_MAX, UINT_MAX, UInt

MAX_LENGTH = 20_000
"""Characters in one expression."""


class Token(NamedTuple):
    """One token. `kind`: name, quoted, int, uint, float, string, bytes, op (also `in`) or end; `value` is what a
    literal means."""

    kind: str
    text: str
    start: int
    end: int
    value: Any = None


# A name is no name when a quote follows it: then it is the prefix of a text.
_TOKEN = re.compile(
    r"""
      (?P<space>(?:[\t\n\f\r ]+|//[^\n]*)+)
    | (?P<name>[A-Za-z_][A-Za-z0-9_]*+(?!["']))
    | (?P<op>&&|\|\||==|!=|<=|>=|[-+*/%<>!?:,()\[\]{}]|\.(?![0-9]))
    | (?P<float>[0-9]*\.[0-9]+(?:[eE][+-]?[0-9]+)?|[0-9]+[eE][+-]?[0-9]+)
    | (?P<int>0[xX][0-9a-fA-F]+[uU]?|[0-9]+[uU]?)
    | (?P<text>[bB]?(?:\"{3}(?:[^\\]|\\[\s\S])*?\"{3}|'{3}(?:[^\\]|\\[\s\S])*?'{3}
          |"[^"\\\r\n]*(?:\\.[^"\\\r\n]*)*"|'[^'\\\r\n]*(?:\\.[^'\\\r\n]*)*'))
    | (?P<raw>(?:[rR][bB]?|[bB][rR])(?:\"{3}[\s\S]*?\"{3}|'{3}[\s\S]*?'{3}|"[^"\r\n]*"|'[^'\r\n]*'))
    | (?P<quoted>`[A-Za-z0-9_.\-/ ]+`)
    """,
    re.VERBOSE | re.ASCII,
)
_ESCAPE = re.compile(r"\\(?:[xX]([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|([0-3][0-7]{2})|([\s\S]))")
_HALF_CHARACTER = re.compile("[\ud800-\udfff]")
_SIMPLE_ESCAPES = {
    "a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v",
    "\\": "\\", "?": "?", '"': '"', "'": "'", "`": "`",
}  # fmt: skip
_SUGGESTIONS = {
    "=": "==", "&": "&&", "|": "||", "（": "(", "）": ")", "［": "[", "］": "]", "【": "[", "】": "]", "，": ",",
    "、": ",", "“": '"', "”": '"', "‘": "'", "’": "'", "＞": ">", "＜": "<", "＝": "==", "≥": ">=", "≤": "<=",
    "≠": "!=", "！": "!", "？": "?", "：": ":", "＋": "+", "－": "-", "×": "*", "÷": "/", "。": ".",
    "<>": "!=",
}  # fmt: skip


def tokenize(source: str) -> list[Token]:
    """All tokens of `source` without spaces and comments, closed by one of kind "end"."""
    if len(source) > MAX_LENGTH:
        raise _problem(source, MAX_LENGTH, "too_long", "This expression is longer than {limit} characters.", MAX_LENGTH)
    tokens: list[Token] = []
    offset, length, match = 0, len(source), _TOKEN.match
    while offset < length:
        found = match(source, offset)
        if found is None:
            raise _unknown_character(source, offset)
        kind, end = found.lastgroup, found.end()
        if kind == "name" or kind == "op":
            text = found.group()
            tokens.append(Token("op" if text == "in" else kind, text, offset, end))
        elif kind != "space":
            tokens.append(_literal(source, str(kind), found.group(), offset, end))
        offset = end
    tokens.append(Token("end", "", length, length))
    return tokens


def _literal(source: str, kind: str, text: str, start: int, end: int) -> Token:
    if kind == "int":
        return _integer(source, text, start, end)
    if kind == "float":
        return Token("float", text, start, end, float(text))
    if kind == "quoted":
        return Token("quoted", text[1:-1], start, end)
    return _string(source, text, start, end)


def _integer(source: str, text: str, start: int, end: int) -> Token:
    digits = text.rstrip("uU")
    # 2**64 has 20 digits: longer ones are refused before Python turns them into a number.
    significant = digits[2:].lstrip("0") if digits[:2] in ("0x", "0X") else digits.lstrip("0")
    value = int(digits, 16 if digits[:2] in ("0x", "0X") else 10) if len(significant) <= 20 else UINT_MAX + 1
    unsigned = digits != text
    # One more than the largest int is needed for the smallest: the parser joins it with its minus.
    if value > (UINT_MAX if unsigned else INT_MAX + 1):
        raise _problem(source, start, "number_too_large", "The number {text} is too large.", text[:40])
    if unsigned:
        return Token("uint", text, start, end, UInt(value))
    return Token("int", text, start, end, value)


def _string(source: str, text: str, start: int, end: int) -> Token:
    quote = min(index for index in (text.find('"'), text.find("'")) if index >= 0)
    prefix, width = text[:quote].lower(), 3 if text[quote : quote + 3] in ('"""', "'''") else 1
    body = text[quote + width : -width]
    if "r" not in prefix and "\\" in body:
        return _escaped(source, body, start, end, "bytes" if "b" in prefix else "string")
    if _HALF_CHARACTER.search(body):
        raise _problem(source, start, "bad_text", "This text holds half a character.")
    return Token("bytes", text, start, end, body.encode()) if "b" in prefix else Token("string", text, start, end, body)


def _escaped(source: str, body: str, start: int, end: int, kind: str) -> Token:
    def replaced(found: re.Match[str]) -> str:
        short, four, eight, octal, simple = found.groups()
        if simple is not None:
            if simple not in _SIMPLE_ESCAPES:
                raise _problem(source, start, "bad_escape", "\\{text} is not an escape sequence.", simple)
            return _SIMPLE_ESCAPES[simple]
        code = int(octal, 8) if octal else int(short or four or eight, 16)
        if code > 0x10FFFF or 0xD800 <= code <= 0xDFFF or (kind == "bytes" and (four or eight)):
            raise _problem(source, start, "bad_escape", "{text} is not a character.", found.group())
        # In bytes an escape is one byte: it travels as a private mark until the other characters are encoded.
        return chr(code) if kind == "string" or code < 0x80 else _byte_mark(code)

    text = _ESCAPE.sub(replaced, body)
    if _HALF_CHARACTER.search(body):
        raise _problem(source, start, "bad_text", "This text holds half a character.")
    if kind == "bytes":
        return Token("bytes", body, start, end, text.encode("utf-8", "surrogateescape"))
    return Token("string", body, start, end, text)


def _byte_mark(code: int) -> str:
    return chr(0xDC00 + code)


def _unknown_character(source: str, offset: int) -> ExpressionError:
    character = source[offset]
    if character in "\"'":
        return _problem(source, offset, "syntax", "This text is not closed: a {text} is missing at its end.", character)
    suggestion = _SUGGESTIONS.get(character, "")
    return _problem(source, offset, "syntax", "{text} cannot stand here.", character, suggestion=suggestion)


def _problem(
    source: str, offset: int, code: str, message: str, text: object = "", *, suggestion: str = ""
) -> ExpressionError:
    return ExpressionError(
        Problem(
            position=Position.of(source, offset, offset + 1),
            code=code,
            message=message,
            facts={"text": text, "limit": text},
            suggestion=suggestion,
        )
    )
