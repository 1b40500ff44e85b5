"""The services of metadata, put together.

What comes in: the snapshots that units already use, the audit, outbox and jobs, and the importer of seed records when
there is one. What goes out: one of each service. Called by the platform's part (which puts them on the frame) and by
tests.
"""

from __future__ import annotations

from dataclasses import dataclass

from fieldstone.platform.audit import Audit
from fieldstone.platform.metadata.changesets import ChangesetService
from fieldstone.platform.metadata.packages.service import PackageService, SeedImporter
from fieldstone.platform.metadata.publishing import JobStarter, Messages
from fieldstone.platform.metadata.service import MetadataService
from fieldstone.platform.metadata.snapshots import Snapshots
from fieldstone.platform.metadata.versions import VersionService


@dataclass(frozen=True, slots=True, kw_only=True)
class Metadata:
    """All services of metadata."""

    service: MetadataService
    changesets: ChangesetService
    versions: VersionService
    packages: PackageService


def make_metadata(
    snapshots: Snapshots, audit: Audit, messages: Messages, jobs: JobStarter, importer: SeedImporter | None = None
) -> Metadata:
    """The services, on these snapshots."""
    service = MetadataService(snapshots, audit, messages, jobs)
    return Metadata(
        service=service,
        changesets=ChangesetService(service, audit),
        versions=VersionService(service),
        packages=PackageService(service, importer),
    )
