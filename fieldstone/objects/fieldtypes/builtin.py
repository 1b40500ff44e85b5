"""The field types that come with Fieldstone.

What goes out: `built_in_types`, a registry to which plugins add theirs before start. Who calls it: `objects.part`.
"""

from __future__ import annotations

from typing import Final, TypeAlias

from fieldstone.objects.fieldtypes.base import FieldType
from fieldstone.objects.fieldtypes.choice import BooleanType, MultiSelectType, SelectType
from fieldstone.objects.fieldtypes.codes import AutoNumberType, BarcodeType, ColorType
from fieldstone.objects.fieldtypes.computed import FormulaType, RollUpType
from fieldstone.objects.fieldtypes.contact import EmailType, PhoneType, UrlType
from fieldstone.objects.fieldtypes.dates import DateTimeType, DateType, TimeType
from fieldstone.objects.fieldtypes.durations import DurationType
from fieldstone.objects.fieldtypes.files import FileType, ImageType, SignatureType
from fieldstone.objects.fieldtypes.lookups import LookupType, TeamType, UserType
from fieldstone.objects.fieldtypes.money import CurrencyType
from fieldstone.objects.fieldtypes.numbers import DecimalType, IntegerType, PercentType, RatingType
from fieldstone.objects.fieldtypes.places import AddressType, GeolocationType
from fieldstone.objects.fieldtypes.relations import ChildType, ManyToManyType
from fieldstone.objects.fieldtypes.structured import JsonType
from fieldstone.objects.fieldtypes.text import LongTextType, MarkdownType, TextType
from fieldstone.platform.kernel.registry import Registry

FieldTypes: TypeAlias = Registry[type[FieldType]]

BUILT_IN: Final[tuple[type[FieldType], ...]] = (
    TextType,
    LongTextType,
    MarkdownType,
    IntegerType,
    DecimalType,
    CurrencyType,
    PercentType,
    RatingType,
    BooleanType,
    SelectType,
    MultiSelectType,
    DateType,
    DateTimeType,
    TimeType,
    DurationType,
    EmailType,
    PhoneType,
    UrlType,
    AutoNumberType,
    BarcodeType,
    ColorType,
    LookupType,
    ChildType,
    ManyToManyType,
    UserType,
    TeamType,
    FileType,
    ImageType,
    SignatureType,
    GeolocationType,
    AddressType,
    FormulaType,
    RollUpType,
    JsonType,
)


def built_in_types() -> FieldTypes:
    """A fresh registry with all of them."""
    registry: FieldTypes = Registry("field type")
    for field_type in BUILT_IN:
        registry.register(field_type.name, field_type)
    return registry
