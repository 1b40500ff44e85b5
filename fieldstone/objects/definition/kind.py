"""The metadata kind `object`.

What comes in: the registry of field types. What goes out: a `MetadataKind`, with which the metadata room stores,
checks, publishes and compares objects without knowing what they are. Who calls it: `objects.part`.
"""

from __future__ import annotations

from collections.abc import Sequence

from fieldstone.objects.definition.check import make_check
from fieldstone.objects.definition.compile import make_compile
from fieldstone.objects.definition.physical import make_physical
from fieldstone.objects.definition.plan import ExtraSteps, make_plan
from fieldstone.objects.definition.references import make_references
from fieldstone.objects.definition.rewrite import make_rewrite
from fieldstone.objects.definition.schema import object_schema
from fieldstone.objects.definition.shipped import shipped_definitions
from fieldstone.objects.fieldtypes.builtin import FieldTypes
from fieldstone.platform.kernel.metadata import MetadataKind


def object_kind(types: FieldTypes, extra_steps: Sequence[ExtraSteps] = ()) -> MetadataKind:
    """The kind. `extra_steps` are asked for further steps of each plan (search indexes)."""
    return MetadataKind(
        name="object",
        folder="objects",
        label={"en": "Object", "zh-Hans": "对象", "zh-Hant": "物件"},
        schema=object_schema(types),
        compile=make_compile(types),
        check=make_check(types),
        references=make_references(types),
        plan=make_plan(extra_steps),
        physical=make_physical(types),
        rewrite=make_rewrite(types),
        adopted=shipped_definitions(),
        order=10,
    )
