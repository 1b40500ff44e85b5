"""Files that a form brings: put on disk before the unit of work, noted inside it, named in the form by their ids.

In: the posted form with its files and drawn signatures. Out: the form with `<field>.uploaded` set. Called by the form
pages when they save; whether a file fits its field is the record service's word.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from werkzeug.datastructures import MultiDict

from fieldstone.objects.files.service import FileService
from fieldstone.platform.files import BlobRef
from fieldstone.platform.http.call import Call
from fieldstone.platform.kernel.context import Context, Unit

Form = MultiDict[str, str]
DRAWN = "data:image/"


@dataclass(frozen=True, slots=True, kw_only=True)
class Upload:
    """A file of the form that is on disk already."""

    field: str
    blob: BlobRef
    name: str


def kept(files: FileService, call: Call) -> tuple[Upload, ...]:
    """Put the files of the form on disk. Raises `TooLarge`."""
    limit = call.request.max_content_length or 0
    return tuple(
        Upload(field=field, blob=files.keep(call.tenant, each.stream, limit), name=each.filename)
        for field, each in call.request.files.items()
        if each.filename
    )


def with_uploads(files: FileService, ctx: Context, unit: Unit, form: Form, uploads: Sequence[Upload]) -> Form:
    """The form with the ids of its files. Raises `Invalid` for a signature that is no image."""
    drawn = [(name, text) for name, text in form.items() if text.startswith(DRAWN)]
    if not uploads and not drawn:
        return form
    made: Form = MultiDict(form)
    for upload in uploads:
        made[f"{upload.field}.uploaded"] = files.add(ctx, unit, upload.blob, upload.name).id
    for name, text in drawn:
        made[f"{name}.uploaded"] = files.add_drawn(ctx, unit, text, f"{name}.png").id
    return made
