"""Uploaded files: kept, tied to records, given out to whoever may see them.

What comes in: content that is on disk already, file ids in saved records. What goes out: `StoredFile`. A file may be
read by its uploader until a record names it, then by whoever may read that field of that record. Who calls it: the
API, forms (signatures come as data URLs), and the record service through the port `Uploads`.
"""

from __future__ import annotations

import base64
import binascii
import io
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import IO, Any, Final

import sqlalchemy as sa

from fieldstone.objects.fieldtypes.files import FileType
from fieldstone.objects.files.names import clean_name
from fieldstone.objects.files.tables import UPLOAD
from fieldstone.objects.query.service import QueryService
from fieldstone.platform.database.prepared import Prepared
from fieldstone.platform.database.types import Chars, Id
from fieldstone.platform.files import BlobRef, FileStore
from fieldstone.platform.kernel.context import Context, Unit
from fieldstone.platform.kernel.errors import FieldError, FieldstoneError, Invalid, NotFound
from fieldstone.platform.kernel.ids import is_id, new_id

DRAWN_LIMIT: Final = 2**20
_DATA_URL = re.compile(r"data:(?P<type>image/(?:png|jpeg|webp|gif));base64,(?P<content>[A-Za-z0-9+/=\s]+)")
_INSERT = Prepared(sa.insert(UPLOAD), columns=[column.name for column in UPLOAD.c])
_GET = Prepared(sa.select(UPLOAD).where(UPLOAD.c.id == sa.bindparam("file_id", type_=Id())))
_CLAIM = Prepared(
    sa.update(UPLOAD)
    .where(UPLOAD.c.id == sa.bindparam("file_id", type_=Id()), UPLOAD.c.record.is_(None))
    .values(
        object=sa.bindparam("of_object", type_=Chars()),
        record=sa.bindparam("of_record", type_=Id()),
        field=sa.bindparam("of_field", type_=Chars()),
    )
)


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredFile:
    """One uploaded file. `object`, `record` and `field` are None until a record names it. `size` in bytes."""

    id: str
    key: str
    name: str
    size: int
    sha256: str
    media_type: str
    uploaded_by: str
    uploaded_at: datetime
    object: str | None
    record: str | None
    field: str | None


class FileService:
    """Keeps the rows of files; implements the port `Uploads` of the record service."""

    def __init__(self, files: FileStore, query: QueryService) -> None:
        self._files = files
        self._query = query

    def keep(self, tenant: str, content: IO[bytes], limit: int) -> BlobRef:
        """Put content on disk, outside of any unit. Raises `TooLarge`, and then keeps nothing."""
        return self._files.put(tenant, content, limit=limit)

    def add(self, ctx: Context, unit: Unit, blob: BlobRef, name: str | None) -> StoredFile:
        """Note an upload of the actor."""
        row: dict[str, Any] = {
            "id": new_id(),
            "key": blob.key,
            "name": clean_name(name),
            "size": blob.size,
            "sha256": blob.sha256,
            "media_type": blob.media_type,
            "uploaded_by": ctx.actor.id,
            "uploaded_at": ctx.now,
            "object": None,
            "record": None,
            "field": None,
        }
        unit.run(_INSERT, row)
        return StoredFile(**row)

    def add_drawn(self, ctx: Context, unit: Unit, url: str, name: str) -> StoredFile:
        """Note an image that a form sends as a data URL (a signature). Raises `Invalid`, `TooLarge`."""
        blob = self._files.put(ctx.tenant.name, io.BytesIO(drawn_content(url)), limit=DRAWN_LIMIT)
        if not blob.media_type.startswith("image/"):
            raise Invalid("This is not an image.", code="not_an_image")
        return self.add(ctx, unit, blob, name)

    def get(self, ctx: Context, unit: Unit, file_id: str) -> StoredFile:
        """A file that the actor may read. Raises `NotFound` for any other."""
        found = self._find(unit, file_id)
        if found is None or not self._may_read(ctx, unit, found):
            raise NotFound
        return found

    def open(self, tenant: str, found: StoredFile) -> IO[bytes]:
        """The content, to be closed by the caller."""
        return self._files.open(tenant, found.key)

    def claim(self, ctx: Context, unit: Unit, files: Mapping[str, str], object_name: str, record: str) -> None:
        """Tie files (field name to file id) to a record. Raises `Invalid` naming each that cannot be."""
        errors: list[FieldError] = []
        for field, file_id in files.items():
            try:
                self._claim_one(ctx, unit, (object_name, record, field), file_id)
            except Invalid as error:
                errors.extend(error.errors)
        if errors:
            raise Invalid(errors=errors)

    def _claim_one(self, ctx: Context, unit: Unit, place: tuple[str, str, str], file_id: str) -> None:
        object_name, record, field = place
        found = self._find(unit, file_id)
        if found is not None and (found.object, found.record, found.field) == place:
            return
        own = found is not None and (ctx.actor.is_system or found.uploaded_by == ctx.actor.id)
        if found is None or not own or found.record is not None:
            raise _refused(field, "no_file", "There is no such file, or it is used elsewhere.")
        _check_kind(ctx, object_name, field, found)
        values = {"file_id": file_id, "of_object": object_name, "of_record": record, "of_field": field}
        if not unit.run(_CLAIM, values):
            raise _refused(field, "no_file", "There is no such file, or it is used elsewhere.")

    def _find(self, unit: Unit, file_id: str) -> StoredFile | None:
        row = unit.one(_GET, {"file_id": file_id}) if is_id(file_id) else None
        return None if row is None else StoredFile(**dict(zip(UPLOAD.c.keys(), row, strict=True)))

    def _may_read(self, ctx: Context, unit: Unit, found: StoredFile) -> bool:
        if found.object is None or found.record is None or found.field is None:
            return ctx.actor.is_system or found.uploaded_by == ctx.actor.id
        try:
            record = self._query.get(ctx, unit, found.object, found.record, (found.field,))
        except FieldstoneError:
            return False
        return record.values.get(found.field) == found.id


def drawn_content(url: str) -> bytes:
    """The bytes of a data URL of an image. Raises `Invalid`."""
    match = _DATA_URL.fullmatch(url) if len(url) <= 2 * DRAWN_LIMIT else None
    try:
        return base64.b64decode(match["content"], validate=False) if match else _no_image()
    except binascii.Error:
        return _no_image()


def _no_image() -> bytes:
    raise Invalid("This is not an image.", code="not_an_image")


def _check_kind(ctx: Context, object_name: str, field: str, found: StoredFile) -> None:
    kind = ctx.snapshot.get("object", object_name).field(field).type
    if not isinstance(kind, FileType):
        raise _refused(field, "no_file_field", "This field takes no files.")
    if not kind.accepts(found.media_type):
        facts = {"kind": found.media_type, "allowed": ", ".join(kind.accept)}
        raise _refused(field, "file_kind", "This is {kind}; allowed are {allowed}.", **facts)
    if found.size > kind.max_bytes:
        raise _refused(field, "file_size", "This file is larger than {limit} bytes.", limit=kind.max_bytes)


def _refused(field: str, code: str, message: str, **facts: Any) -> Invalid:
    return Invalid(errors=[FieldError(path=f"/{field}", code=code, message=message, facts=facts)])
