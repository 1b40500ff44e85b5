"""The API of files: upload, and download by whoever may.

`POST /api/v1/files` takes one part called `file`; `GET /api/v1/files/{id}` gives it as an attachment, or inline with
`?inline=1` when it is a plain raster image. Made by `make_files_api`, registered by the part of this room.
"""

from __future__ import annotations

from typing import Final

from flask import Response, send_file

from fieldstone.objects.files.service import FileService, StoredFile
from fieldstone.platform.http.call import Call
from fieldstone.platform.http.policies import SIGNED_IN
from fieldstone.platform.http.respond import data
from fieldstone.platform.http.routes import Api
from fieldstone.platform.kernel.errors import FieldError, Invalid, TooLarge, Unreadable, UnsupportedMedia

SHOWN_INLINE: Final = frozenset({"image/png", "image/jpeg", "image/gif", "image/webp"})


def make_files_api(files: FileService) -> Api:
    """The routes."""
    api = Api("files", prefix="/api/v1")

    @api.post("/files", policy=SIGNED_IN, body="file")
    def upload(call: Call) -> Response:
        call.write(lambda ctx, unit: None)  # whoever may not upload leaves nothing on the disk
        content = uploaded(call, "file")
        limit = call.request.max_content_length or 0
        blob = files.keep(call.tenant, content.stream, limit)
        stored = call.write(lambda ctx, unit: files.add(ctx, unit, blob, content.filename))
        return data(_shown(stored), 201, location=f"/api/v1/files/{stored.id}")

    @api.get("/files/<file_id>", policy=SIGNED_IN)
    def download(call: Call, file_id: str) -> Response:
        inline = call.query({"inline"}).get("inline") == "1"
        found = call.read(lambda ctx, unit: files.get(ctx, unit, file_id))
        return _sent(files, call.tenant, found, inline=inline and found.media_type in SHOWN_INLINE)

    return api


class Part:
    """One uploaded part: its stream and the name its sender gave it."""

    def __init__(self, call: Call, name: str) -> None:
        part = call.request.files.get(name)
        if part is None or len(call.request.files.getlist(name)) != 1:
            raise Invalid(errors=[FieldError(path=f"/{name}", code="required", message="Send exactly one file.")])
        self.stream = part.stream
        self.filename = part.filename


def uploaded(call: Call, name: str) -> Part:
    """The one part of that name in a multipart body. Raises `UnsupportedMedia`, `TooLarge`, `Unreadable`, `Invalid`."""
    request = call.request
    if request.mimetype != "multipart/form-data" or request.headers.get("Content-Encoding"):
        raise UnsupportedMedia("Send the file as multipart/form-data, not compressed.")
    limit = request.max_content_length or 0
    if (request.content_length or 0) > limit:
        raise TooLarge(limit=limit)
    if request.content_length is None:
        raise Unreadable("Say how long the body is (Content-Length).")
    return Part(call, name)


def _sent(files: FileService, tenant: str, found: StoredFile, *, inline: bool) -> Response:
    response = send_file(
        files.open(tenant, found),
        mimetype=found.media_type,
        as_attachment=not inline,
        download_name=found.name,
        conditional=False,
        etag=found.sha256,
    )
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Content-Security-Policy"] = "default-src 'none'; sandbox"
    response.headers["Cache-Control"] = "private, no-cache"
    response.content_length = found.size
    return response


def _shown(stored: StoredFile) -> dict[str, object]:
    return {
        "id": stored.id,
        "name": stored.name,
        "size": stored.size,
        "media_type": stored.media_type,
        "sha256": stored.sha256,
        "uploaded_at": stored.uploaded_at,
    }
