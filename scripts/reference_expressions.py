"""Writes docs/reference/expressions.md from the code, and prints the conformance rate of each file of vectors.

python scripts/reference_expressions.py          write the page
python scripts/reference_expressions.py --check  exit 1 when the page is not up to date
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from fieldstone.rules.expressions.arithmetic import MAX_TEXT  # noqa: E402
from fieldstone.rules.expressions.context import DEFAULT_BUDGET  # noqa: E402
from fieldstone.rules.expressions.dialect import FIELDSTONE  # noqa: E402
from fieldstone.rules.expressions.functions.catalogue import FAMILIES  # noqa: E402
from fieldstone.rules.expressions.functions.definition import Function  # noqa: E402
from fieldstone.rules.expressions.lexer import MAX_LENGTH  # noqa: E402
from fieldstone.rules.expressions.limits import MAX_DEPTH, MAX_LOOPS, MAX_NODES  # noqa: E402
from fieldstone.rules.expressions.macros import DOCUMENTATION  # noqa: E402
from fieldstone.rules.expressions.operators import ARITHMETIC, ORDERED  # noqa: E402
from tests.support.cel_vectors import DEVIATIONS, rates  # noqa: E402

PAGE = ROOT / "docs" / "reference" / "expressions.md"
_FAMILY_TITLES = {
    "record": "The record and empty values",
    "text": "Text",
    "numbers": "Numbers and money",
    "dates": "Dates, times and working time",
    "lists": "Lists",
    "conversion": "Conversion",
    "moments": "Parts of timestamps and durations, as CEL names them",
}

_INTRODUCTION = """# Expressions

<!-- Written by scripts/reference_expressions.py; do not edit. -->

Rules, formulas, filters, defaults and conditions are written in one language. Its syntax and meaning are those of the
[Common Expression Language](https://cel.dev) (CEL), with exact decimals, money, dates and null added for business
records. An expression is checked against the fields of its object when it is published: a mistake is told with its
place and, where one is near, a suggestion. It is evaluated by generated Python, and by the database where it filters
records.

```
amount > 10000 && priority == "high" && tier in ["gold", "platinum"]
changed(status) && previous.status == "open" && status == "closed"
lines.exists(line, line.price > 500) || customer.tier == "gold"
due < addDays(today(), 3)
if(size(lines) == 0, 0, sum(lines.map(line, line.quantity)))
```

## Names

| name | meaning |
|---|---|
| `amount` | a field of the record |
| `customer.tier` | a field of a related record, through as many lookups as needed; null when one of them is empty |
| `lines` | the child records, a list |
| `previous.status` | the field before this save; `previous` is null when the record is being created |
| `user` | the person who acts: `user.name`, `user.roles` and the other fields of users |
| ``settings.`content-type` `` | a key that is no name is written in backquotes |

A record is compared by its id: `owner == user`, `customer == "0198c5f0-..."`, `customer == null`.

## Types

Every type is nullable: a field may be empty.

| type | literal | values |
|---|---|---|
| `bool` | `true`, `false` | |
| `int` | `42`, `0x2A` | whole numbers of 64 bits; a result that does not fit is an error |
| `uint` | `42u` | whole numbers of 64 bits without a sign |
| `decimal` | `0.10`, `1e3` | exact, 38 significant digits, halves rounded away from zero |
| `double` | `double(0.1)` | binary floating point, for positions and measurements |
| `money` | `money(12.5, "EUR")` | `.amount` (decimal), `.currency`; two currencies cannot be taken together |
| `string` | `"text"`, `'text'`, `r"raw"`, `\"\"\"long\"\"\"` | ordered by code point |
| `bytes` | `b"..."` | |
| `timestamp` | `timestamp("2026-01-31T09:30:00Z")` | a moment, to the microsecond |
| `date` | `date("2026-01-31")`, `date(2026, 1, 31)` | a day of the calendar |
| `time` | `time("09:30")` | a time of day |
| `duration` | `duration("1h30m")`, `duration("2d")` | |
| `list(T)` | `[1, 2]` | |
| `map(K, V)` | `{"a": 1}` | keys are strings, numbers or bools |
| `record(object)` | | a related record |
| `null` | `null` | |
| `dyn` | `dyn(x)`, fields of type JSON | any value; what may be done with it is found out when it is evaluated |
| `type` | `type(x)` | what `type()` gives |

Values are converted where the other side asks for it, always exactly: int to decimal or double; a date to the
timestamp of its midnight in the time zone of the evaluation; a text literal to the date, time or timestamp it is
compared with (`due > "2026-01-31"`); a number literal to double. Money compared with a number compares the amount.
Other types do not mix: `decimal(x)`, `string(x)` and the other conversions say what is meant.

## Null

A condition whose value is null counts as not fulfilled.

- `== != in` always give true or false: `x == null` is true for an empty field, and an empty field differs from every
  value.
- `< <= > >= + - * / %`, unary `-` and functions give null when an operand or argument is null (functions that say
  otherwise excepted).
- `&&`, `||`, `!` follow Kleene: `null && false` is false, `null || true` is true, otherwise null stays null.
  `c ? a : b` takes `b` when `c` is null. `all` and `exists` behave like `&&` and `||` over the elements; `filter`,
  `exists_one` and `map` with a condition leave out elements for which it is null.
- What is not there is null: a key that a map does not have, an element beyond the end of a list, a field of an empty
  lookup, a division by zero (except of doubles, which give infinity).

An error, such as an overflow, makes the whole expression fail, unless another term of `&&` or `||` decides the result
or another branch of `?:` is taken. Whether an operation on a null and a failing operand gives null or fails is not
laid down.
"""

_DIFFERENCES = """## Differences from CEL

| | CEL | here | why |
|---|---|---|---|
| `0.1` | a double | an exact decimal (a double beside doubles) | money must add up |
| `price * 2`, `amount > 10000` | both sides of one type | int becomes decimal or double | `10000.0` would be pedantry |
| null operands | an error | null, as above | fields may be empty, and SQL does the same |
| missing key or element, zero divisor | an error | null | the same in the database |
| `due > "2026-01-31"` | an error | the literal is read as a date | |
| `if`, `package`, `import`, ... | reserved | ordinary names | fields may be called so |
| text literals | any character | no NUL | databases cannot store it |
| `duration("2d")` | not allowed | 48 hours | |
| moments and durations | nanoseconds | microseconds | as the databases |
| difference of two moments | at most 292 years | as long as the calendar | |
| methods | as declared | every function can be called as `f(x, y)` and `x.f(y)` | |
| `has(field)` | only `has(a.b)` | also of a bare field | |
| protocol buffer messages | yes | no | there are none |
"""


def page() -> str:
    """The whole page."""
    return "\n".join(
        [_INTRODUCTION, *_operators(), *_macros(), *_functions(), _DIFFERENCES, *_limits(), *_conformance()]
    )


def _operators() -> Iterator[str]:
    yield "## Operators\n\nFrom those that bind most to those that bind least.\n\n| operator | works on |\n|---|---|"
    yield "| `x.field`, `x[index]`, `f(x)` | records, money, maps; lists and maps; functions |"
    yield "| `!x`, `-x` | bool; int, double, decimal, money, duration |"
    for symbols in (("*", "/", "%"), ("+", "-")):
        for symbol in symbols:
            pairs = (
                f"{left} {symbol} {right} → {each.result.name}" for (left, right), each in ARITHMETIC[symbol].items()
            )
            yield f"| `{symbol}` | {'; '.join(pairs)} |"
    ordered = ", ".join([*(each.name for each in ORDERED), "money"])
    yield f"| `<` `<=` `>` `>=` | {ordered}, each among themselves, and numbers among each other |"
    yield "| `==` `!=` | any two values of one type, null, and what is converted |"
    yield "| `x in list`, `key in map` | |"
    yield "| `&&` | bool |\n| `\\|\\|` | bool |\n| `c ? a : b` | both results of one type |\n"
    yield "`/` on whole numbers cuts the fraction off: `5 / 2` is 2, `5 / 2.0` is 2.5.\n"


def _macros() -> Iterator[str]:
    yield "## Walking over lists\n\n| form | meaning | example | gives |\n|---|---|---|---|"
    for name, (summary, example, gives) in DOCUMENTATION.items():
        yield f"| `{name}` | {summary} | `{example}` | `{gives}` |"
    yield ""


def _functions() -> Iterator[str]:
    yield "## Functions\n"
    yield "“In the database” tells whether the function can be evaluated there, in a filter for example.\n"
    for family, functions in FAMILIES.items():
        yield f"### {_FAMILY_TITLES[family]}\n"
        for function in functions:
            yield from _function(function)


def _function(function: Function) -> Iterator[str]:
    yield f"#### `{function.name}`\n\n{function.summary}\n"
    yield f"`{function.example}` gives `{function.gives}`\n"
    yield "| signature | in the database |\n|---|---|"
    for each in function.overloads:
        yield f"| `{function.name}{each.signature}` | {'yes' if each.sql else 'no'} |"
    yield ""


def _limits() -> Iterator[str]:
    yield "## Limits\n\n| limit | |\n|---|---|"
    yield f"| characters of an expression | {MAX_LENGTH:,} |"
    yield f"| levels of nesting (a chain of `&&` or `\\|\\|` is one level) | {MAX_DEPTH} |"
    yield f"| parts of an expression | {MAX_NODES:,} |"
    yield f"| lists walked over inside each other | {MAX_LOOPS} |"
    yield f"| length of a text or list made by one operation | {MAX_TEXT:,} |"
    steps = "an element walked over, with 4 parts of what is done with it, or 32 characters made, is one"
    yield f"| steps of one evaluation ({steps}) | {DEFAULT_BUDGET:,} |"
    yield "\nPatterns are RE2: they take time in proportion to the text.\n"


def _conformance() -> Iterator[str]:
    standard, own = rates(), rates(FIELDSTONE)
    total = sum(count for _, count in standard.values())
    passed = [sum(good for good, _ in each.values()) for each in (standard, own)]
    yield "## Conformance\n"
    yield "The vectors of the CEL specification that need no protocol buffers, run by"
    yield "`tests/contract/test_cel_conformance.py`. “Standard” is the engine with the dialect of the specification,"
    yield "“rules” with the one in which rules are written: its differences are those in the table above, and that"
    yield "unknown names and mixed types are refused before anything is evaluated.\n"
    yield "| file | vectors | pass, standard | rate | pass, rules | rate |\n|---|---|---|---|---|---|"
    for name, (good, count) in standard.items():
        here = own[name][0]
        yield f"| {name} | {count} | {good} | {good / count:.1%} | {here} | {here / count:.1%} |"
    rows = " | ".join(f"**{good}** | **{good / total:.1%}**" for good in passed)
    yield f"| **all** | **{total}** | {rows} |\n"
    yield "Vectors that the standard dialect does not follow:\n"
    for key, reason in DEVIATIONS.items():
        yield f"- `{key}`: {reason}"
    yield ""


def main() -> int:
    """Write the page, or check it."""
    text = page()
    for name, (good, count) in rates().items():
        print(f"{name:14} {good:4} of {count:4}  {good / count:7.1%}")
    if "--check" in sys.argv[1:]:
        return int(PAGE.read_text(encoding="utf-8") != text)
    PAGE.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
