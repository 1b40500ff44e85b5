"""What can be wrong with a value.

What goes out: `ProblemKind` constants (a stable code and an English template, which is the key of its translation),
`Problem` (one of them with its place and facts) and the exception `Rejected`. Who raises it: the `read` and
`from_text` methods of field types; who catches it: the codec, which makes `FieldError` values of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any

from fieldstone.platform.i18n import mark
from fieldstone.platform.kernel.errors import FieldError
from fieldstone.platform.kernel.text import Text

_NO_FACTS: Mapping[str, Any] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class ProblemKind:
    """A code that programs may rely on, and the words for people."""

    code: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One thing wrong with a value. `path` is a JSON pointer inside the value; "" is the value itself."""

    code: str
    message: Text
    path: str = ""
    facts: Mapping[str, Any] = field(default_factory=lambda: _NO_FACTS)

    def at(self, prefix: str) -> FieldError:
        """The same as an error of a body in which the value stands at `prefix`."""
        return FieldError(path=prefix + self.path, code=self.code, message=self.message, facts=self.facts)


class Rejected(Exception):
    """A value is not acceptable; `problem` says why."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.code)
        self.problem = problem

    def under(self, prefix: str) -> Rejected:
        """The same for a value that is part of another."""
        return Rejected(replace(self.problem, path=prefix + self.problem.path))


def rejected(kind: ProblemKind, *, path: str = "", **facts: Any) -> Rejected:
    """The exception for a problem of that kind with those facts."""
    return Rejected(Problem(code=kind.code, message=kind.message, path=path, facts=facts))


REQUIRED = ProblemKind("required", mark("Please fill in this field."))
UNKNOWN_FIELD = ProblemKind("unknown_field", mark("There is no field of this name."))
NOT_WRITABLE = ProblemKind("not_writable", mark("This field cannot be written."))
NOT_JSON = ProblemKind("wrong_type", mark("This must be JSON."))
NOT_A_MOMENT = ProblemKind("wrong_type", mark("This must be a date and time."))
NO_DATE = ProblemKind("wrong_type", mark("This must be a date."))
NO_DURATION = ProblemKind("wrong_type", mark("This must be a duration."))
NOT_IDS = ProblemKind("wrong_type", mark("This must be a list of ids."))
NOT_OPTIONS = ProblemKind("wrong_type", mark("This must be a list of options."))
NOT_ROWS = ProblemKind("wrong_type", mark("This must be a list of rows."))
NO_NUMBER = ProblemKind("wrong_type", mark("This must be a number, or a text with a number."))
NOT_A_TEXT = ProblemKind("wrong_type", mark("This must be a text."))
NO_TIME = ProblemKind("wrong_type", mark("This must be a time of day."))
NOT_WHOLE = ProblemKind("wrong_type", mark("This must be a whole number."))
NOT_AN_ADDRESS = ProblemKind("wrong_type", mark("This must be an address."))
ADDRESS_PARTS = ProblemKind("wrong_type", mark("Write an address as {parts}."))
NOT_A_BOOLEAN = ProblemKind("wrong_type", mark("This must be true or false."))
NOT_A_POINT = ProblemKind("wrong_type", mark("This must have {parts}."))
NOT_A_POINTER = ProblemKind("wrong_type", mark("This must have {parts}."))
NOT_A_ROW = ProblemKind("wrong_type", mark("This must be a row."))
NO_OPTION = ProblemKind("wrong_type", mark("This must be one of the options."))
NO_ID = ProblemKind("wrong_type", mark("This must be the id of a record."))
NOT_A_BODY = ProblemKind("wrong_type", mark("This must be an object."))
TOO_LONG = ProblemKind("too_long", mark("This may have at most {max} characters."))
TOO_SHORT = ProblemKind("too_short", mark("This must have at least {min} characters."))
CHARACTERS = ProblemKind("characters", mark("This contains characters that are not allowed here."))
PATTERN = ProblemKind("pattern", mark("This does not have the expected form."))
TOO_SMALL = ProblemKind("too_small", mark("This must be at least {min}."))
TOO_LARGE = ProblemKind("too_large", mark("This must be at most {max}."))
TOO_PRECISE = ProblemKind("too_precise", mark("At most {scale} decimal places are allowed."))
NOT_A_NUMBER = ProblemKind("not_a_number", mark("This is not a number."))
NOT_A_DATE = ProblemKind("not_a_date", mark("This is not a date. Write it like {example}."))
NOT_A_DATETIME = ProblemKind("not_a_datetime", mark("This is not a date and time. Write it like {example}."))
TIME_ZONE = ProblemKind("time_zone", mark("The time zone is missing. Write it like {example}."))
NOT_A_TIME = ProblemKind("not_a_time", mark("This is not a time of day. Write it like {example}."))
NOT_A_DURATION = ProblemKind("not_a_duration", mark("This is not a duration. Write it like {example}."))
NOT_AN_OPTION = ProblemKind("not_an_option", mark("{value} is not one of the options."))
RETIRED_OPTION = ProblemKind("retired_option", mark("{value} can no longer be chosen."))
DUPLICATE = ProblemKind("duplicate", mark("{value} is listed twice."))
TOO_MANY = ProblemKind("too_many", mark("At most {max} values are allowed."))
NOT_AN_EMAIL = ProblemKind("not_an_email", mark("This is not an e-mail address."))
NOT_A_PHONE = ProblemKind(
    "not_a_phone", mark("This is not a phone number. Write it with the country code, like {example}.")
)
NOT_A_URL = ProblemKind("not_a_url", mark("This is not a web address. It must begin with http:, https: or mailto:."))
NOT_A_COLOR = ProblemKind("not_a_color", mark("This is not a color. Write it like {example}."))
NOT_A_BARCODE = ProblemKind("not_a_barcode", mark("This is not a {symbology} code."))
CHECK_DIGIT = ProblemKind("check_digit", mark("The check digit does not fit."))
NOT_AN_ID = ProblemKind("not_an_id", mark("This is not the id of a record."))
NOT_AN_OBJECT = ProblemKind("not_an_object", mark("This field cannot point to {object}."))
CURRENCY_UNKNOWN = ProblemKind("currency_unknown", mark("{currency} is not a currency code."))
CURRENCY_NOT_ALLOWED = ProblemKind("currency_not_allowed", mark("The currency of this field is {currency}."))
COORDINATES = ProblemKind(
    "coordinates", mark("These are not coordinates. Latitude is -90 to 90, longitude -180 to 180.")
)
DATUM = ProblemKind("datum", mark("{datum} is not a known datum. Use WGS-84, GCJ-02 or BD-09."))
COUNTRY_UNKNOWN = ProblemKind("country_unknown", mark("{country} is not a country code."))
UNKNOWN_PART = ProblemKind("unknown_part", mark("This value has no part of this name."))
TOO_DEEP = ProblemKind("too_deep", mark("This is nested more than {max} levels deep."))
TOO_BIG = ProblemKind("too_big", mark("This is larger than {max} bytes."))
NOT_EXACT = ProblemKind("not_exact", mark("This number cannot be kept exactly. Send it as a string."))
NOT_AVAILABLE = ProblemKind("not_available", mark("The type of this field is not available."))
