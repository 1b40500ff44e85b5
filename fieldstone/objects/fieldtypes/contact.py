"""Ways to reach someone: e-mail address, phone number, web address.

Phone numbers are kept in E.164 form (an extension as `;ext=`), web addresses may be http, https and mailto only, and
nothing here may hold line ends, so no value can add a header to a mail.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache
from types import MappingProxyType
from typing import Any
from urllib.parse import urlsplit

import phonenumbers

from fieldstone.objects.fieldtypes import problems
from fieldstone.objects.fieldtypes.base import Field, Scope
from fieldstone.objects.fieldtypes.declaration import Declaration
from fieldstone.objects.fieldtypes.problems import Problem, rejected
from fieldstone.objects.fieldtypes.text import PlainText
from fieldstone.objects.fieldtypes.texts import PLAIN, TextFormat

_EMAIL = re.compile(r"[^\s@<>()\[\],;:\\\"]{1,64}@(?:[^\s@<>()\[\],;:\\\".]{1,63}\.)+[^\s@<>()\[\],;:\\\".]{2,63}")
_SCHEMES = frozenset({"http", "https", "mailto"})
_NOT_IN_URL = re.compile('[\x00-\x20\x7f-\xa0\\\\<>"`{}|^\u2028\u2029\ud800-\udfff]')


class EmailType(PlainText):
    """An e-mail address. The part after the @ is kept in lower case."""

    name = "email"
    label = MappingProxyType({"en": "E-mail", "zh-Hans": "邮箱", "zh-Hant": "電郵"})
    group = "contact"
    icon = "mail"
    limit = 254

    def normal(self, text: str) -> str:
        local, at, domain = text.strip().rpartition("@")
        return f"{local}{at}{domain.lower()}"

    def read(self, value: Any) -> str | None:
        text = super().read(value)
        if text is not None and not _EMAIL.fullmatch(text):
            raise rejected(problems.NOT_AN_EMAIL)
        return text

    def json_schema(self) -> dict[str, Any]:
        return super().json_schema() | {"format": "email"}

    def output_schema(self) -> dict[str, Any]:
        return {"type": "string", "format": "email"}

    def widget(self, field: Field, locale: str) -> dict[str, Any]:
        return {**super().widget(field, locale), "kind": "email"}


class PhoneType(PlainText):
    """A phone number in international form; with `region`, also as it is dialled there."""

    name = "phone"
    label = MappingProxyType({"en": "Phone", "zh-Hans": "电话", "zh-Hant": "電話"})
    group = "contact"
    icon = "phone"
    limit = 60
    options = MappingProxyType(
        {
            "region": {
                "title": "Country",
                "description": "Where a number without a country code is from (ISO 3166).",
                "type": "string",
                "pattern": "^[A-Z]{2}$",
            }
        }
    )

    def __init__(self, declaration: Declaration, scope: Scope) -> None:
        super().__init__(declaration, scope)
        self.region: str | None = self.option("region")

    def check(self) -> Iterable[Problem]:
        yield from super().check()
        if self.region is not None and self.region not in phonenumbers.SUPPORTED_REGIONS:
            kind = problems.COUNTRY_UNKNOWN
            yield Problem(code=kind.code, message=kind.message, path="/region", facts={"country": self.region})

    def read(self, value: Any) -> str | None:
        text = super().read(value)
        if text is None:
            return None
        number = e164(text.strip(), self.region)
        if number is None:
            raise rejected(problems.NOT_A_PHONE, example="+1 212 555 0123")
        return number

    def json_schema(self) -> dict[str, Any]:
        return super().json_schema() | {"description": "A phone number with its country code, such as +12125550123."}

    def widget(self, field: Field, locale: str) -> dict[str, Any]:
        return {"kind": "tel", "maxlength": self.limit, "region": self.region}

    def display(self, value: Any, locale: str, time_zone: str) -> str:
        return shown_phone(value, self.region)

    def search_text(self, value: Any) -> str:
        return f"{value} {shown_phone(value, self.region)}"


@lru_cache(maxsize=8192)
def e164(text: str, region: str | None) -> str | None:
    """The number in E.164 form, with `;ext=` if it has an extension; None when it is no possible number."""
    try:
        number = phonenumbers.parse(text, region)
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_possible_number(number):
        return None
    plain = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
    return f"{plain};ext={number.extension}" if number.extension else plain


@lru_cache(maxsize=8192)
def shown_phone(value: str, region: str | None) -> str:
    """For people: national form for a number of `region`, else international."""
    try:
        number = phonenumbers.parse(value, None)
    except phonenumbers.NumberParseException:
        return value
    form = phonenumbers.PhoneNumberFormat
    home = region is not None and phonenumbers.country_code_for_region(region) == number.country_code
    return str(phonenumbers.format_number(number, form.NATIONAL if home else form.INTERNATIONAL))


class UrlType(PlainText):
    """A web address: http, https or mailto."""

    name = "url"
    label = MappingProxyType({"en": "Web address", "zh-Hans": "网址", "zh-Hant": "網址"})
    group = "contact"
    icon = "link"
    limit = 2_000

    def normal(self, text: str) -> str:
        return text.strip()

    def read(self, value: Any) -> str | None:
        text = super().read(value)
        if text is not None and not is_web_address(text):
            raise rejected(problems.NOT_A_URL)
        return text

    def json_schema(self) -> dict[str, Any]:
        return super().json_schema() | {"format": "uri"}

    def output_schema(self) -> dict[str, Any]:
        return {"type": "string", "format": "uri"}

    def widget(self, field: Field, locale: str) -> dict[str, Any]:
        return {**super().widget(field, locale), "kind": "url"}

    def from_text(self, text: str, fmt: TextFormat = PLAIN) -> Any:
        return None if text.strip() in fmt.empty else self.read(text)


def is_web_address(text: str) -> bool:
    """Whether `text` is an http, https or mailto address that may stand in a link."""
    if _NOT_IN_URL.search(text):
        return False
    try:
        parts = urlsplit(text)
        host, _ = parts.hostname, parts.port
    except ValueError:
        return False
    if parts.scheme.lower() not in _SCHEMES:
        return False
    if parts.scheme.lower() == "mailto":
        return _EMAIL.fullmatch(parts.path) is not None
    return bool(host)
