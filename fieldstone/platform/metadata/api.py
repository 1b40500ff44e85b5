"""The API of metadata: published definitions, changesets, versions, packages.

Views decode, call one service and render. Everything here asks for the right `manage_metadata`: what is published is
seen by others through the pages and records made of it, and drafts by nobody else. Made by `make_metadata_api`,
registered by the platform's part.
"""

from __future__ import annotations

from typing import Any

from flask import Response

from fieldstone.platform.http.body import Body
from fieldstone.platform.http.call import Call
from fieldstone.platform.http.policies import RIGHT
from fieldstone.platform.http.respond import data, document, page
from fieldstone.platform.http.routes import Api
from fieldstone.platform.kernel.errors import FieldError, NotFound, Unreadable
from fieldstone.platform.kernel.ids import is_id
from fieldstone.platform.metadata import render
from fieldstone.platform.metadata.changesets import Draft
from fieldstone.platform.metadata.drafts import State
from fieldstone.platform.metadata.manifest import Key
from fieldstone.platform.metadata.packages.files import write_archive
from fieldstone.platform.metadata.service import PublishOrder
from fieldstone.platform.metadata.services import Metadata
from fieldstone.platform.metadata.values import Change

MANAGE = RIGHT("manage_metadata")
MAX_PAGE = 200
STATES: tuple[State, ...] = ("open", "published", "discarded")
_ELEMENT = "/changesets/<id>/<kind>/<name>"


def make_metadata_api(metadata: Metadata) -> Api:
    """Routes of published metadata, changesets, versions and packages."""
    api = Api("metadata", prefix="/api/v1")
    _published_routes(api, metadata)
    _changeset_routes(api, metadata)
    _element_routes(api, metadata)
    _publish_routes(api, metadata)
    _version_routes(api, metadata)
    _package_routes(api, metadata)
    return api


def _published_routes(api: Api, metadata: Metadata) -> None:
    service = metadata.service

    @api.get("/metadata/kinds", policy=MANAGE)
    def list_kinds(call: Call) -> Response:
        call.read(lambda ctx, unit: None)
        return data([render.kind(kind, call.locale) for kind in service.kinds])

    @api.get("/metadata/<kind>", policy=MANAGE)
    def list_definitions(call: Call, kind: str) -> Response:
        _known_kind(metadata, kind)
        snapshot = call.read(lambda ctx, unit: ctx.snapshot)
        found = [snapshot.definition(kind, name) for name in snapshot.names(kind)]
        bodies = [definition.body for definition in found if definition is not None]
        packages = {definition.name: definition.package for definition in found if definition is not None}
        return document({"data": bodies, "version": snapshot.version, "packages": packages})

    @api.get("/metadata/<kind>/<name>", policy=MANAGE)
    def get_definition(call: Call, kind: str, name: str) -> Response:
        snapshot = call.read(lambda ctx, unit: ctx.snapshot)
        found = snapshot.definition(kind, name)
        if found is None:
            raise NotFound
        about = {"version": snapshot.version, "hash": found.hash, "package": found.package}
        return document({"data": found.body, **about, "building": sorted(snapshot.building(kind, name))})

    @api.get("/metadata/<kind>/<name>/references", policy=MANAGE)
    def list_references(call: Call, kind: str, name: str) -> Response:
        part = call.query({"part"}).get("part")
        found = call.read(lambda ctx, unit: service.where_used(unit, kind, name, part))
        return data([render.use(use) for use in found])


def _changeset_routes(api: Api, metadata: Metadata) -> None:
    changesets = metadata.changesets

    @api.get("/changesets", policy=MANAGE)
    def list_changesets(call: Call) -> Response:
        query = call.query({"state", "limit", "cursor"})
        state, after = _state(query.get("state")), _id_cursor(query.get("cursor"))
        limit = call.integer("limit", default=50, least=1, most=MAX_PAGE)
        found = call.read(lambda ctx, unit: changesets.list(unit, state, after, limit))
        return page(
            [render.changeset(each) for each in found], next_cursor=found[-1].id if len(found) == limit else None
        )

    @api.post("/changesets", policy=MANAGE)
    def create_changeset(call: Call) -> Response:
        body = Body(call.json(), ("name", "purpose"))
        name, purpose = body.text("name"), body.optional_text("purpose") or ""
        body.done()
        return call.idempotent(
            lambda ctx, unit: changesets.create(ctx, unit, name, purpose),
            lambda made: data(
                render.changeset(made), 201, etag=made.revision, location=f"/api/v1/changesets/{made.id}"
            ),
        )

    @api.get("/changesets/<id>", policy=MANAGE)
    def get_changeset(call: Call, id: str) -> Response:
        return _draft(call.read(lambda ctx, unit: changesets.get(unit, id)))

    @api.delete("/changesets/<id>", policy=MANAGE)
    def discard_changeset(call: Call, id: str) -> Response:
        return data(render.changeset(call.write(lambda ctx, unit: changesets.discard(ctx, unit, id))))


def _element_routes(api: Api, metadata: Metadata) -> None:
    changesets = metadata.changesets

    @api.put(_ELEMENT, policy=MANAGE)
    def put_element(call: Call, id: str, kind: str, name: str) -> Response:
        change = Change(kind=kind, name=name, body=call.json())
        revision = call.if_match()
        return _draft(call.write(lambda ctx, unit: changesets.put(ctx, unit, id, change, revision)))

    @api.delete(_ELEMENT, policy=MANAGE)
    def remove_element(call: Call, id: str, kind: str, name: str) -> Response:
        revision = call.if_match()
        return _draft(call.write(lambda ctx, unit: changesets.remove(ctx, unit, id, kind, name, revision)))

    @api.post(_ELEMENT + "/revert", policy=MANAGE)
    def revert_element(call: Call, id: str, kind: str, name: str) -> Response:
        revision = call.if_match()
        return _draft(call.write(lambda ctx, unit: changesets.revert(ctx, unit, id, kind, name, revision)))


def _publish_routes(api: Api, metadata: Metadata) -> None:
    changesets = metadata.changesets

    @api.get("/changesets/<id>/preview", policy=MANAGE)
    def preview_changeset(call: Call, id: str) -> Response:
        found = changesets.preview(call, id)
        return data(render.preview(found, call.locale))

    @api.get("/changesets/<id>/diff", policy=MANAGE)
    def diff_changeset(call: Call, id: str) -> Response:
        found = call.read(lambda ctx, unit: changesets.differences(unit, id))
        return data(render.differences(found, metadata.service.kinds, call.locale))

    @api.post("/changesets/<id>/rebase", policy=MANAGE)
    def rebase_changeset(call: Call, id: str) -> Response:
        body = Body(_body(call), ("keep",))
        keep = [_key(text) for text in body.texts("keep")]
        body.done()
        return _draft(call.write(lambda ctx, unit: changesets.rebase(ctx, unit, id, keep)))

    @api.post("/changesets/<id>/publish", policy=MANAGE)
    def publish_changeset(call: Call, id: str) -> Response:
        body = Body(_body(call), ("confirm",))
        confirm = frozenset(body.texts("confirm"))
        body.done()
        return data(render.published(changesets.publish(call, id, confirm)))


def _version_routes(api: Api, metadata: Metadata) -> None:
    versions = metadata.versions

    @api.get("/versions", policy=MANAGE)
    def list_versions(call: Call) -> Response:
        call.query({"limit", "cursor"})
        limit = call.integer("limit", default=50, least=1, most=MAX_PAGE)
        after = call.integer("cursor", default=2**62, most=2**62)
        found = call.read(lambda ctx, unit: versions.list(unit, after, limit))
        following = str(found[-1].number) if len(found) == limit else None
        return page([render.version(each) for each in found], next_cursor=following)

    @api.get("/versions/<int:number>", policy=MANAGE)
    def get_version(call: Call, number: int) -> Response:
        return data(render.version(call.read(lambda ctx, unit: versions.get(unit, _number(number)))))

    @api.get("/versions/<int:before>/diff/<int:after>", policy=MANAGE)
    def diff_versions(call: Call, before: int, after: int) -> Response:
        found = call.read(lambda ctx, unit: versions.differences(unit, _number(before), _number(after)))
        return data(render.differences(found, metadata.service.kinds, call.locale))

    @api.post("/versions/<int:number>/restore", policy=MANAGE)
    def restore_version(call: Call, number: int) -> Response:
        body = Body(_body(call), ("name", "purpose", "confirm"))
        order = PublishOrder(
            name=body.optional_text("name", most=200) or "",
            purpose=body.optional_text("purpose", most=5_000) or "",
            confirm=frozenset(body.texts("confirm")),
        )
        body.done()
        return data(render.published(versions.restore(call, _number(number), order)))


def _package_routes(api: Api, metadata: Metadata) -> None:
    packages = metadata.packages

    @api.get("/packages", policy=MANAGE)
    def list_packages(call: Call) -> Response:
        found = call.read(lambda ctx, unit: packages.installed(unit))
        return data([render.install(each, call.locale) for each in found])

    @api.get("/packages/<name>/archive", policy=MANAGE)
    def export_package(call: Call, name: str) -> Response:
        files = call.read(lambda ctx, unit: packages.export(unit, name))
        disposition = f'attachment; filename="{name}.zip"'
        return Response(
            write_archive(files), content_type="application/zip", headers={"Content-Disposition": disposition}
        )

    @api.get("/packages/<name>/local-changes", policy=MANAGE)
    def list_local_changes(call: Call, name: str) -> Response:
        found = call.read(lambda ctx, unit: packages.local_changes(unit, name))
        return data(render.differences(found, metadata.service.kinds, call.locale))


def _draft(each: Draft) -> Response:
    return data(render.draft(each), etag=each.changeset.revision)


def _body(call: Call) -> dict[str, Any]:
    """The body, which may be left out altogether."""
    return dict(call.json()) if call.body() else {}


def _known_kind(metadata: Metadata, kind: str) -> None:
    if kind not in metadata.service.kinds:
        raise NotFound


def _number(number: int) -> int:
    if number >= 2**62:
        raise NotFound
    return number


def _state(text: str | None) -> State | None:
    if text is not None and text not in STATES:
        raise Unreadable(errors=[FieldError(path="?state", code="enum", message="There is no such state.")])
    return text


def _id_cursor(text: str | None) -> str | None:
    if text is not None and not is_id(text):
        raise Unreadable(errors=[FieldError(path="?cursor", code="cursor", message="This cursor is not one of ours.")])
    return text


def _key(text: str) -> Key:
    kind, _, name = text.partition("/")
    return kind, name
