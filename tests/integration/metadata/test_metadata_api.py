"""The HTTP API of metadata and audit as the contract says, through the real app on both databases."""

from __future__ import annotations

import io
from typing import Any

import pytest

from fieldstone.platform.metadata.packages.files import read_archive
from tests.support.note_kind import note, remark
from tests.support.web import Program, Web

API = "/api/v1"


@pytest.fixture
def admin(web: Web) -> Program:
    return web.program(web.token(web.add_user("ann@acme.test", "admin")))


def new_changeset(admin: Program, name: str = "Sites", **bodies: Any) -> str:
    answer = admin.post(f"{API}/changesets", {"name": name, "purpose": "why"})
    assert answer.status_code == 201
    assert answer.headers["Location"] == f"{API}/changesets/{answer.json['data']['id']}"
    id = str(answer.json["data"]["id"])
    for element, body in bodies.items():
        kind, _, element_name = element.partition("_")
        assert admin.send("PUT", f"{API}/changesets/{id}/{kind}/{element_name}", body).status_code == 200
    return id


def publish(admin: Program, **bodies: Any) -> int:
    id = new_changeset(admin, **bodies)
    answer = admin.post(f"{API}/changesets/{id}/publish", {"confirm": ["lossy"]})
    assert answer.status_code == 200, answer.text
    return int(answer.json["data"]["version"])


def test_a_draft_is_put_previewed_and_published(admin: Program) -> None:
    id = new_changeset(admin)
    shown = admin.get(f"{API}/changesets/{id}").json["data"]
    assert (shown["state"], shown["base_version"], shown["purpose"], shown["changes"]) == ("open", 1, "why", [])
    put = admin.send("PUT", f"{API}/changesets/{id}/note/site", note("site", "a"))
    assert (put.status_code, put.headers["ETag"]) == (200, '"2"')
    preview = admin.get(f"{API}/changesets/{id}/preview").json["data"]
    assert preview["diagnostics"] == []
    assert [(step["step"], step["class"]) for step in preview["plan"]] == [
        ("Create n_site", "safe"),
        ("Add f_a", "safe"),
    ]
    assert preview["impact"]["added"] == ["note/site"]
    assert admin.get(f"{API}/metadata/note/site").status_code == 404
    answer = admin.post(f"{API}/changesets/{id}/publish")
    assert (answer.status_code, answer.json) == (200, {"data": {"version": 2, "jobs": []}})
    found = admin.get(f"{API}/metadata/note/site").json
    assert (found["data"], found["version"], found["package"]) == (note("site", "a"), 2, None)
    assert admin.get(f"{API}/metadata/note").json["data"] == [note("site", "a")]
    again = admin.post(f"{API}/changesets/{id}/publish")
    assert (again.status_code, again.json["code"]) == (409, "changeset_closed")


def test_the_kinds_come_with_their_schemas(admin: Program) -> None:
    kinds = {kind["name"]: kind for kind in admin.get(f"{API}/metadata/kinds").json["data"]}
    assert kinds["note"]["schema"]["required"] == ["name", "fields"]
    assert (kinds["note"]["folder"], kinds["role"]["label"]) == ("notes", "Role")
    chinese = admin.get(f"{API}/metadata/kinds", Accept_Language="zh-CN").json["data"]
    assert {"角色"} == {kind["label"] for kind in chinese if kind["name"] == "role"}
    assert admin.get(f"{API}/metadata/gadget").status_code == 404


@pytest.mark.parametrize(
    ("body", "path", "code"),
    [
        ({"name": "site"}, "/fields", "required"),
        ({"name": "site", "fields": [{"name": "a", "type": "txt"}]}, "/fields/0/type", "enum"),
        ({"name": "other", "fields": []}, "/name", "name"),
        ({"$schema": "https://fieldstone.dev/schemas/remark.json", "fields": []}, "/$schema", "metadata_invalid"),
        (note("site", *(f"f{n}" for n in range(6000))), "/fields", "limit"),
    ],
)
def test_a_body_that_does_not_fit_is_422_with_pointers_into_it(
    admin: Program, body: dict[str, Any], path: str, code: str
) -> None:
    id = new_changeset(admin)
    answer = admin.send("PUT", f"{API}/changesets/{id}/note/site", body)
    assert (answer.status_code, answer.content_type) == (422, "application/problem+json")
    assert [(error["path"], error["code"]) for error in answer.json["errors"]] == [(path, code)]
    assert admin.get(f"{API}/changesets/{id}").json["data"]["changes"] == []


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("note/Site", note("site", "a"), 422),
        ("gadget/site", {}, 422),
        ("note/site", b"[1]", 422),
        ("note/site", b"{", 400),
        ("note/site", b'{"a":NaN}', 400),
        ("note/site", b'{"a":1,"a":2}', 400),
        ("note/site", b'{"a":' + b"[" * 5000 + b"]" * 5000 + b"}", 400),
        ("note/site", b'{"name":"site","fields":[],"label":"\\u0000"}', 400),
        ("role/auditor", {"name": "auditor"}, 422),
    ],
)
def test_hostile_input_is_a_client_error(admin: Program, path: str, body: Any, status: int) -> None:
    id = new_changeset(admin)
    more: dict[str, Any] = {"data": body} if isinstance(body, bytes) else {"body": body}
    assert admin.send("PUT", f"{API}/changesets/{id}/{path}", **more).status_code == status
    assert admin.get(f"{API}/changesets/{id}").json["data"]["changes"] == []


def test_ids_that_are_none_are_not_found(admin: Program) -> None:
    for path in ("changesets/x", "changesets/x/preview", "changesets/00000000-0000-7000-8000-000000000000"):
        assert admin.get(f"{API}/{path}").status_code == 404
    for path in ("versions/99", "versions/1/diff/99", f"versions/{10**30}", "metadata/note/x", "packages/x/archive"):
        assert admin.get(f"{API}/{path}").status_code == 404
    assert admin.post(f"{API}/versions/99/restore").status_code == 404
    for path in ("changesets?cursor=x", "changesets?state=x", "audit?cursor=x", "versions?cursor=-1", "versions?x=1"):
        assert admin.get(f"{API}/{path}").status_code == 400


def test_removing_and_reverting_drafts(admin: Program) -> None:
    publish(admin, note_site=note("site", "a"))
    id = new_changeset(admin, note_new=note("new", "x"))
    path = f"{API}/changesets/{id}/note"
    removed = admin.delete(f"{path}/site").json["data"]["changes"]
    assert removed == [
        {"kind": "note", "name": "new", "removed": False, "body": note("new", "x")},
        {"kind": "note", "name": "site", "removed": True},
    ]
    assert admin.delete(f"{path}/new").json["data"]["changes"] == removed[1:]
    assert admin.delete(f"{path}/new").status_code == 404
    assert admin.post(f"{path}/site/revert").json["data"]["changes"] == []
    assert admin.post(f"{path}/site/revert").status_code == 404


def test_two_editors_of_one_changeset_do_not_overwrite_each_other(admin: Program) -> None:
    id = new_changeset(admin)
    path = f"{API}/changesets/{id}/note/site"
    assert admin.send("PUT", path, note("site", "a"), If_Match='"1"').status_code == 200
    assert admin.send("PUT", path, note("site", "b"), If_Match='"1"').status_code == 412
    assert admin.get(f"{API}/changesets/{id}").json["data"]["changes"][0]["body"] == note("site", "a")


def test_a_publish_that_is_refused_lists_its_diagnostics_and_changes_nothing(admin: Program) -> None:
    id = new_changeset(admin, note_visit=note("visit", "x", needs=["site"]), remark_r=remark("r", "visit", "y"))
    answer = admin.post(f"{API}/changesets/{id}/publish")
    assert (answer.status_code, answer.json["code"]) == (422, "metadata_invalid")
    assert [(error["path"], error["code"]) for error in answer.json["errors"]] == [
        ("/note/visit/needs/0", "dangling_reference"),
        ("/remark/r/field", "no_field"),
    ]
    preview = admin.get(f"{API}/changesets/{id}/preview").json["data"]
    assert [d["severity"] for d in preview["diagnostics"]] == ["error", "error"]
    assert preview["diagnostics"][0]["message"] == "There is no note called site."
    assert admin.get(f"{API}/versions").json["data"][0]["version"] == 1


def test_lossy_steps_are_confirmed_by_name(admin: Program) -> None:
    publish(admin, note_site=note("site", "a", "b"))
    id = new_changeset(admin, note_site=note("site", "a"))
    answer = admin.post(f"{API}/changesets/{id}/publish")
    assert (answer.status_code, answer.json["code"]) == (422, "confirm_lossy")
    assert admin.post(f"{API}/changesets/{id}/publish", {"confirm": "lossy"}).status_code == 422
    assert admin.post(f"{API}/changesets/{id}/publish", {"confirm": ["lossy"]}).status_code == 200


def test_a_moved_base_is_409_and_a_rebase_helps_where_nothing_overlaps(admin: Program) -> None:
    first, second = new_changeset(admin, note_a=note("a", "x")), new_changeset(admin, note_b=note("b", "x"))
    third = new_changeset(admin, note_a=note("a", "mine"))
    assert admin.post(f"{API}/changesets/{first}/publish").status_code == 200
    moved = admin.post(f"{API}/changesets/{second}/publish")
    assert (moved.status_code, moved.json["code"], moved.json["moved"]["rebase"]) == (409, "base_moved", True)
    warned = admin.get(f"{API}/changesets/{second}/preview").json["data"]["diagnostics"]
    assert [(d["severity"], d["code"]) for d in warned] == [("warning", "base_moved")]
    assert admin.post(f"{API}/changesets/{second}/rebase").json["data"]["base_version"] == 2
    assert admin.post(f"{API}/changesets/{second}/publish").json["data"]["version"] == 3
    both = admin.post(f"{API}/changesets/{third}/rebase")
    assert (both.status_code, both.json["elements"], both.json["moved"]["rebase"]) == (409, ["note/a"], False)
    assert admin.post(f"{API}/changesets/{third}/rebase", {"keep": ["note/a"]}).status_code == 200
    assert admin.post(f"{API}/changesets/{third}/publish", {"confirm": ["lossy"]}).json["data"]["version"] == 4


def test_versions_are_listed_compared_and_restored(admin: Program) -> None:
    publish(admin, note_site=note("site", "a"))
    publish(admin, note_site=note("site", "a", "b"), note_visit=note("visit", "x"))
    listed = admin.get(f"{API}/versions?limit=2").json
    assert [(v["version"], v["name"]) for v in listed["data"]] == [(3, "Sites"), (2, "Sites")]
    assert listed["data"][0]["by"]["label"] == "Ann"
    rest = admin.get(f"{API}/versions?cursor={listed['next_cursor']}").json
    assert [v["version"] for v in rest["data"]] == [1]
    found = admin.get(f"{API}/versions/2/diff/3").json["data"]
    assert [(d["kind"], d["name"], d["change"], d["message"]) for d in found] == [
        ("note", "site", "changed", "Note “site” changed"),
        ("note", "visit", "added", "Note “visit” added"),
    ]
    assert found[0]["parts"] == [
        {
            "path": "/fields/b",
            "change": "added",
            "words": ["field “b”"],
            "before": None,
            "after": {"name": "b", "type": "text"},
            "message": "Field “b” added",
        }
    ]
    assert admin.get(f"{API}/versions/3/diff/2", Accept_Language="zh-Hant").json["data"][0]["parts"][0]["message"] == (
        "刪除欄位「b」"
    )
    answer = admin.post(f"{API}/versions/2/restore", {"confirm": ["lossy"], "name": "Back"})
    assert answer.json["data"]["version"] == 4
    assert admin.get(f"{API}/versions/4").json["data"]["restored"] == 2
    assert admin.get(f"{API}/versions/2/diff/4").json["data"] == []


def test_the_difference_of_a_draft_and_who_uses_an_element(admin: Program) -> None:
    publish(admin, note_site=note("site", "a"), remark_r=remark("r", "site", "a"))
    id = new_changeset(admin, note_site=note("site", "a", "c"))
    found = admin.get(f"{API}/changesets/{id}/diff").json["data"]
    assert [part["path"] for part in found[0]["parts"]] == ["/fields/c"]
    uses = admin.get(f"{API}/metadata/note/site/references?part=a").json["data"]
    assert uses == [{"kind": "remark", "name": "r", "path": "/field", "part": "a"}]


def test_a_discarded_changeset_can_be_read_and_no_longer_changed(admin: Program) -> None:
    id = new_changeset(admin, note_site=note("site", "a"))
    assert admin.delete(f"{API}/changesets/{id}").json["data"]["state"] == "discarded"
    refused = admin.send("PUT", f"{API}/changesets/{id}/note/site", note("site", "b"))
    assert (refused.status_code, refused.json["code"]) == (409, "changeset_closed")
    assert admin.get(f"{API}/changesets/{id}").json["data"]["changes"][0]["body"] == note("site", "a")
    assert admin.get(f"{API}/changesets?state=open").json["data"] == []


def test_nobody_without_the_right_reads_or_writes_metadata(web: Web, admin: Program) -> None:
    id = new_changeset(admin, note_site=note("site", "a"))
    auditor = web.program(web.token(web.add_user("aud@acme.test", "auditor")))
    for path in ("metadata/kinds", "metadata/note", "changesets", f"changesets/{id}", "versions", "packages"):
        assert auditor.get(f"{API}/{path}").status_code == 403
        assert web.stranger().get(f"{API}/{path}").status_code == 401
    for method, path in (("POST", "publish"), ("POST", "rebase"), ("PUT", "note/x"), ("DELETE", "note/site")):
        body = note("x") if method == "PUT" else None
        assert auditor.send(method, f"{API}/changesets/{id}/{path}", body).status_code == 403
    assert auditor.delete(f"{API}/changesets/{id}").status_code == 403
    assert auditor.post(f"{API}/versions/1/restore").status_code == 403
    reader = web.program(web.token(web.add_user("red@acme.test", "admin"), scope="read"))
    assert reader.get(f"{API}/changesets/{id}").status_code == 200
    assert reader.post(f"{API}/changesets/{id}/publish").status_code == 403
    assert admin.get(f"{API}/versions").json["data"][0]["version"] == 1


def test_another_tenant_finds_nothing(web: Web, admin: Program) -> None:
    id = new_changeset(admin, note_site=note("site", "a"))
    other = web.program(web.token(web.add_user("eve@globex.test", "admin", tenant="globex"), tenant="globex"))
    assert other.get(f"{API}/changesets/{id}").status_code == 404
    assert other.post(f"{API}/changesets/{id}/publish").status_code == 404
    assert other.send("PUT", f"{API}/changesets/{id}/note/site", note("site", "b")).status_code == 404
    assert other.get(f"{API}/changesets").json["data"] == []
    assert other.get(f"{API}/versions").json["data"] == []


def test_creating_a_changeset_twice_with_one_key_makes_one(admin: Program) -> None:
    answers = [admin.post(f"{API}/changesets", {"name": "x"}, Idempotency_Key="k1") for _ in range(2)]
    assert answers[0].json == answers[1].json
    assert len(admin.get(f"{API}/changesets").json["data"]) == 1


@pytest.mark.parametrize("body", [{}, {"name": " "}, {"name": 5}, {"name": "x" * 201}, {"name": "x", "state": "open"}])
def test_a_changeset_needs_a_name_and_nothing_unknown(admin: Program, body: dict[str, Any]) -> None:
    assert admin.post(f"{API}/changesets", body).status_code == 422


def test_the_audit_is_read_by_those_who_may_in_pages_and_filtered(web: Web, admin: Program) -> None:
    publish(admin, note_site=note("site", "a"))
    auditor = web.program(web.token(web.add_user("aud@acme.test", "auditor")))
    assert web.stranger().get(f"{API}/audit").status_code == 401
    published = auditor.get(f"{API}/audit?action=metadata.published").json["data"]
    assert [entry["subject"] for entry in published] == ["version/2", "version/1"]
    assert published[0]["actor"]["label"] == "Ann"
    assert published[0]["after"]["elements"][0]["name"] == "site"
    first = auditor.get(f"{API}/audit?limit=2").json
    second = auditor.get(f"{API}/audit?limit=2&cursor={first['next_cursor']}").json
    ids = [entry["id"] for entry in first["data"] + second["data"]]
    assert ids == sorted(set(ids), reverse=True)
    assert len(ids) == 4
    everything = auditor.get(f"{API}/audit?limit=200").text
    assert "fs_acme_" not in everything


def test_packages_are_listed_and_exported_as_archives(web: Web, admin: Program) -> None:
    assert admin.get(f"{API}/packages").json["data"] == []
    assert admin.get(f"{API}/packages/none/archive").status_code == 404


def test_an_archive_of_a_package_holds_its_files(web: Web, admin: Program) -> None:
    assert read_archive(io.BytesIO(b"PK\x05\x06" + b"\x00" * 18)) == {}
