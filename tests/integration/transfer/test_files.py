"""Uploads and downloads: who may see a file before and after a record names it, and how it is sent."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from fieldstone.objects.files.service import FileService
from fieldstone.platform.kernel.errors import Invalid
from tests.integration.transfer.conftest import Desk

PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)


def uploaded(desk: Desk, who: str, content: bytes = b"hello", name: str = "note.txt") -> dict[str, Any]:
    answer = desk.upload(who, "/api/v1/files", content, name)
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.json["data"]
    return found


def test_an_upload_is_its_uploaders_until_a_record_names_it(desk: Desk) -> None:
    file = uploaded(desk, "clerk")
    path = f"/api/v1/files/{file['id']}"
    assert desk.people["clerk"].get(path).data == b"hello"
    for other in ("boss", "reader", "stranger"):
        assert desk.people[other].get(path).status_code == 404
    task = desk.people["clerk"].post("/api/v1/records/task", {"name": "With paper", "paper": file["id"]})
    assert task.status_code == 201, task.text
    assert desk.people["reader"].get(path).data == b"hello"
    assert desk.people["stranger"].get(path).status_code == 404


def test_a_file_in_a_hidden_field_is_not_there(desk: Desk) -> None:
    file = uploaded(desk, "clerk", PNG, "photo.png")
    desk.people["clerk"].post("/api/v1/records/task", {"name": "With photo", "photo": file["id"]})
    assert desk.people["boss"].get(f"/api/v1/files/{file['id']}").status_code == 200
    assert desk.people["reader"].get(f"/api/v1/files/{file['id']}").status_code == 404


def test_a_file_that_a_record_gave_up_is_not_given_out_any_more(desk: Desk) -> None:
    file, other = uploaded(desk, "clerk"), uploaded(desk, "clerk")
    task = desk.people["clerk"].post("/api/v1/records/task", {"name": "A", "paper": file["id"]}).json["data"]
    changed = desk.people["clerk"].patch(f"/api/v1/records/task/{task['id']}", {"paper": other["id"]})
    assert changed.status_code == 200, changed.text
    assert desk.people["boss"].get(f"/api/v1/files/{file['id']}").status_code == 404
    assert desk.people["boss"].get(f"/api/v1/files/{other['id']}").status_code == 200


def test_nobody_takes_a_file_of_somebody_else_or_of_another_record(desk: Desk) -> None:
    file = uploaded(desk, "clerk")
    stolen = desk.people["boss"].post("/api/v1/records/task", {"name": "Mine", "paper": file["id"]})
    assert (stolen.status_code, stolen.json["errors"][0]["path"]) == (422, "/paper")
    assert desk.people["clerk"].post("/api/v1/records/task", {"name": "A", "paper": file["id"]}).status_code == 201
    again = desk.people["clerk"].post("/api/v1/records/task", {"name": "B", "paper": file["id"]})
    assert again.status_code == 422
    assert [each["name"] for each in desk.home.list("task").documents] == ["A"]


def test_kind_and_size_of_a_file_are_those_of_the_field(desk: Desk) -> None:
    too_large = uploaded(desk, "clerk", b"x" * 1001)
    wrong_kind = uploaded(desk, "clerk", b"%PDF-1.7 ...", "text.txt")
    for file, code in ((too_large, "file_size"), (wrong_kind, "file_kind")):
        answer = desk.people["clerk"].post("/api/v1/records/task", {"name": "A", "paper": file["id"]})
        assert (answer.status_code, answer.json["errors"][0]["code"]) == (422, code)


@pytest.mark.parametrize(
    ("content", "name"),
    [
        (b"<html><script>alert(1)</script></html>", "page.html"),
        (b'<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>', "drawing.svg"),
        (PNG + b"<script>alert(1)</script>", "photo.png.HtMl"),
    ],
)
def test_whatever_a_browser_could_run_is_an_attachment(desk: Desk, content: bytes, name: str) -> None:
    file = uploaded(desk, "clerk", content, name)
    assert "html" not in file["media_type"]
    assert "svg" not in file["media_type"]
    answer = desk.people["clerk"].get(f"/api/v1/files/{file['id']}")
    assert answer.headers["Content-Disposition"].startswith("attachment")
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert "sandbox" in answer.headers["Content-Security-Policy"]


def test_only_raster_images_are_shown_inline(desk: Desk) -> None:
    image, text = uploaded(desk, "clerk", PNG, "p.png"), uploaded(desk, "clerk")
    shown = desk.people["clerk"].get(f"/api/v1/files/{image['id']}?inline=1")
    assert (shown.headers["Content-Disposition"].split(";")[0], shown.mimetype) == ("inline", "image/png")
    sent = desk.people["clerk"].get(f"/api/v1/files/{text['id']}?inline=1")
    assert sent.headers["Content-Disposition"].startswith("attachment")


@pytest.mark.parametrize(
    "name", ["../../etc/passwd", "C:\\x\\y.txt", "a\u202etxt.exe", "n" * 300 + ".txt", "CON", "..."]
)
def test_names_become_harmless(desk: Desk, name: str) -> None:
    kept = uploaded(desk, "clerk", name=name)["name"]
    assert 0 < len(kept) <= 200
    assert not set(kept) & set("/\\\u202e:")
    assert kept.upper() != "CON"


def test_an_upload_needs_somebody_who_may_write_and_one_file(desk: Desk) -> None:
    stranger = desk.home.app.test_client().post("/api/v1/files", base_url="http://localhost")
    assert stranger.status_code == 401
    none = desk.people["clerk"].client.post(
        "/api/v1/files", data={"other": "x"}, headers=desk.people["clerk"].headers, content_type="multipart/form-data"
    )
    assert none.status_code == 422
    assert desk.people["clerk"].post("/api/v1/files", {"file": "x"}).status_code == 415


def test_a_signature_comes_as_a_data_url(desk: Desk) -> None:
    files = desk.home.frame.need(FileService)
    url = "data:image/png;base64," + base64.b64encode(PNG).decode()
    kept = desk.home.write(lambda ctx, unit: files.add_drawn(ctx, unit, url, "signature.png"))
    assert (kept.media_type, kept.size) == ("image/png", len(PNG))
    for bad in ("data:text/html;base64,PHA+", "data:image/png;base64,PHA+", "https://example.org/x.png"):
        with pytest.raises(Invalid):
            desk.home.write(lambda ctx, unit, bad=bad: files.add_drawn(ctx, unit, bad, "x.png"))
