"""A platform whose app serves metadata, on each database."""

from __future__ import annotations

from dataclasses import replace

import pytest

from fieldstone.platform.audit import Audit
from fieldstone.platform.audit_api import make_audit_api
from fieldstone.platform.frame import Frame
from fieldstone.platform.http.edge import SessionTouch
from fieldstone.platform.http.policies import Rights
from fieldstone.platform.http.web import make_app
from fieldstone.platform.identity.org import OrgService
from fieldstone.platform.identity.resolve import IdentityService
from fieldstone.platform.identity.services import make_identity
from fieldstone.platform.kernel.metadata import Definition, MetadataKind
from fieldstone.platform.metadata.api import make_metadata_api
from fieldstone.platform.metadata.services import make_metadata
from fieldstone.platform.tenancy.store import TenantStore
from fieldstone.platform.units import Units
from tests.support.installation import Installation
from tests.support.metadata import MetadataHome
from tests.support.note_kind import note_kinds
from tests.support.web import Web, make_form_pages

_ROLE_SCHEMA = {"type": "object", "properties": {"name": {"type": "string"}, "system": {"type": "array"}}}


def _auditor() -> Definition:
    body = {"name": "auditor", "system": ["view_audit"]}
    return Definition(kind="role", name="auditor", body=body, hash="")


ROLE = MetadataKind(
    name="role",
    folder="roles",
    label={"en": "Role", "zh-Hans": "角色", "zh-Hant": "角色"},
    schema=_ROLE_SCHEMA,
    compile=lambda definition, snapshot: definition.body,
    adopted=(_auditor(),),
)


@pytest.fixture
def meta(home: Installation) -> MetadataHome:
    """A metadata service on the installation."""
    return MetadataHome(home)


@pytest.fixture
def web(home: Installation) -> Web:
    """The app with identity, metadata and audit; version 1 is what the software provides."""
    meta = MetadataHome(home, note_kinds(ROLE))
    resolver = IdentityService(OrgService(), home.clock)
    units = home.units_with(resolve_actor=resolver.resolve, snapshot_source=meta.snapshots.source)
    identity = make_identity(units, Audit(), session_hours=home.settings.session_hours)
    metadata = make_metadata(meta.snapshots, Audit(), meta.posted, meta.posted)
    frame = Frame(replace(home.settings))
    frame.provide(units, Units)
    frame.provide(home.tenants, TenantStore)
    frame.provide(identity.rights, Rights)
    frame.provide(identity.use, SessionTouch)
    apis = (make_metadata_api(metadata), make_audit_api(Audit()), make_form_pages())
    frame.blueprints += [api.blueprint for api in apis]
    frame.freeze()
    meta.service.publish_provided(meta.doors())
    return Web(home=home, units=units, identity=identity, app=make_app(frame))
