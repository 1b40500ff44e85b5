"""Records as the API answers them.

In: a `Record`, as the record or query service gives it. Out: the JSON object of the contract, without what is hidden
from the reader, child rows inside. Called by the views of this package.
"""

from __future__ import annotations

from typing import Any

from fieldstone.objects.records.values import Record
from fieldstone.platform.kernel.context import Context


def document(ctx: Context, record: Record) -> dict[str, Any]:
    """The record's JSON object."""
    kind = ctx.snapshot.get("object", record.object)
    nested = {field.name for field in kind.children}
    plain = {name: value for name, value in record.values.items() if name not in nested}
    answer = {name: value for name, value in kind.dump(plain, record.labels).items() if name in plain}
    for name in nested & record.values.keys():
        answer[name] = [document(ctx, row) for row in record.values[name] or ()]
    answer["id"] = record.id
    answer["revision"] = record.revision
    answer.pop("deleted_at", None)
    return answer
