"""Changesets: drafts of metadata that are put together, previewed and published as one.

What comes in: bodies, one element at a time, each checked by its kind's schema before it is kept. What goes out: the
draft, its preview, its difference to the published version, and the new version. A changeset whose base has moved is
published only after `rebase`, which takes over what others published elsewhere; elements changed on both sides must be
named in `keep` (the draft stands) or reverted. Called by the API and the command line.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from fieldstone.platform.audit import Audit
from fieldstone.platform.database.unit import SqlUnit
from fieldstone.platform.i18n import mark
from fieldstone.platform.kernel.context import Context, Unit
from fieldstone.platform.kernel.errors import Conflict, FieldError, Invalid, NotFound
from fieldstone.platform.kernel.ids import new_id
from fieldstone.platform.kernel.metadata import Definition
from fieldstone.platform.metadata.canonical import content_hash
from fieldstone.platform.metadata.diff import ElementDifference, compare_definitions
from fieldstone.platform.metadata.doors import Doors
from fieldstone.platform.metadata.drafts import Changeset, DraftStore, State, not_open
from fieldstone.platform.metadata.limits import LIMITS
from fieldstone.platform.metadata.manifest import Key
from fieldstone.platform.metadata.publishing import moved_base
from fieldstone.platform.metadata.service import MetadataService, Proposal, PublishOrder
from fieldstone.platform.metadata.values import Change, Preview, Published

MOST_OPEN = 200
NAME_LENGTH = 200
PURPOSE_LENGTH = 5_000
PAGE = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A changeset with its changes."""

    changeset: Changeset
    changes: Sequence[Change]


class ChangesetService:
    """Drafts of one tenant at a time."""

    def __init__(self, metadata: MetadataService, audit: Audit) -> None:
        self._metadata = metadata
        self._audit = audit
        self._drafts = DraftStore()

    def create(self, ctx: Context, unit: Unit, name: str, purpose: str = "") -> Changeset:
        """A new, empty changeset on the present version. Raises `Invalid`, `Conflict` when too many are open."""
        _check_words(name, purpose)
        if self._drafts.open_count(unit) >= MOST_OPEN:
            message = mark("There are {count} open changesets. Publish or discard some first.")
            raise Conflict(message, code="limit", limit="open_changesets", count=MOST_OPEN)
        draft = Changeset(
            id=new_id(),
            name=name.strip(),
            purpose=purpose,
            base_version=self._metadata.store.latest(unit)[0],
            state="open",
            revision=1,
            created_by=ctx.actor.id,
            created_by_name=ctx.actor.name,
            created_at=ctx.now,
            updated_at=ctx.now,
            published_version=None,
        )
        self._drafts.add(unit, draft)
        self._audit.record(ctx, unit, "changeset.created", f"changeset/{draft.id}", None, {"name": draft.name})
        return draft

    def get(self, unit: Unit, id: str) -> Draft:
        """A changeset with its changes. Raises `NotFound`."""
        return Draft(changeset=self._drafts.get(unit, id), changes=self._drafts.changes(unit, id))

    def list(
        self, unit: Unit, state: State | None = None, older_than: str | None = None, most: int = 50
    ) -> Sequence[Changeset]:
        """Changesets, newest first; `older_than` is the id of the last one already seen."""
        return self._drafts.list(unit, state, older_than, min(max(most, 1), PAGE))

    def put(self, ctx: Context, unit: Unit, id: str, change: Change, revision: int | None = None) -> Draft:
        """Draft the body of one element. Raises `Invalid` with pointers into the body, `Conflict`, `StaleRevision`."""
        body = self._metadata.check_change(unit, change)
        self._drafts.touch(ctx, unit, id, revision)
        self._drafts.put(ctx, unit, id, replace(change, body=body))
        count, length = self._drafts.size(unit, id)
        LIMITS.check("changes", count)
        LIMITS.check("changes_bytes", length)
        return self.get(unit, id)

    def remove(self, ctx: Context, unit: Unit, id: str, kind: str, name: str, revision: int | None = None) -> Draft:
        """Draft the removal of a published element; of one that is only drafted, forget the draft."""
        self._drafts.touch(ctx, unit, id, revision)
        _, manifest = self._metadata.store.latest(unit)
        if (kind, name) in manifest.elements:
            change = Change(kind=kind, name=name, body=None)
            self._metadata.check_change(unit, change)
            self._drafts.put(ctx, unit, id, change)
        elif not self._drafts.drop(unit, id, kind, name):
            raise NotFound("There is no {kind} called {name}.", kind=kind, name=name)
        return self.get(unit, id)

    def revert(self, ctx: Context, unit: Unit, id: str, kind: str, name: str, revision: int | None = None) -> Draft:
        """Forget what was drafted for an element. Raises `NotFound` when nothing was."""
        self._drafts.touch(ctx, unit, id, revision)
        if not self._drafts.drop(unit, id, kind, name):
            raise NotFound("Nothing is drafted for {kind} {name}.", kind=kind, name=name)
        return self.get(unit, id)

    def discard(self, ctx: Context, unit: Unit, id: str) -> Changeset:
        """End a changeset without publishing it; it can still be read."""
        draft = self._open(unit, id)
        self._drafts.close(ctx, unit, draft, "discarded", None)
        self._audit.record(ctx, unit, "changeset.discarded", f"changeset/{id}", {"name": draft.name}, None)
        return self._drafts.get(unit, id)

    def rebase(self, ctx: Context, unit: Unit, id: str, keep: Sequence[Key] = ()) -> Draft:
        """Put the changeset on the present version.

        Raises `Conflict` naming the elements that were published since the base and are drafted too, unless `keep`
        names them.
        """
        self._drafts.touch(ctx, unit, id, None)
        draft = self.get(unit, id)
        version, _ = self._metadata.store.latest(unit)
        keys = [change.key for change in draft.changes]
        _, both = self._metadata.changed_elements(unit, draft.changeset.base_version, keys)
        left = [key for key in both if key not in keep]
        if left:
            raise moved_base(version, left)
        self._drafts.set_base(unit, id, version)
        return self.get(unit, id)

    def preview(self, doors: Doors, id: str) -> Preview:
        """What publishing the changeset would do."""
        draft = doors.read(lambda ctx, unit: self.get(unit, id))
        return self._metadata.preview(doors, draft.changes, draft.changeset.base_version)

    def differences(self, unit: Unit, id: str) -> Sequence[ElementDifference]:
        """The changeset against the published version."""
        _, manifest = self._metadata.store.latest(unit)
        after = dict(manifest.elements)
        for change in self._drafts.changes(unit, id):
            after.pop(change.key, None)
            if change.body is not None:
                after[change.key] = Definition(
                    kind=change.kind, name=change.name, body=change.body, hash=content_hash(change.body)
                )
        return compare_definitions(manifest.elements, after)

    def publish(self, doors: Doors, id: str, confirm: frozenset[str] = frozenset()) -> Published:
        """Publish the changeset. Raises as `MetadataService.publish` does, and `Conflict` when it is not open."""
        seen: list[Changeset] = []

        def propose(ctx: Context, unit: SqlUnit) -> Proposal:
            draft = self._open(unit, id)
            seen[:] = [draft]
            order = PublishOrder(
                name=draft.name, purpose=draft.purpose, base_version=draft.base_version, confirm=confirm
            )
            return self._metadata.propose(unit, self._drafts.changes(unit, id), order)

        def finish(ctx: Context, unit: SqlUnit, published: Published) -> None:
            self._drafts.close(ctx, unit, seen[0], "published", published.version)

        return self._metadata.publish_with(doors, propose, finish)

    def _open(self, unit: Unit, id: str) -> Changeset:
        draft = self._drafts.get(unit, id)
        if draft.state != "open":
            raise not_open(draft)
        return draft


def _check_words(name: str, purpose: str) -> None:
    errors = []
    if not name.strip():
        errors.append(FieldError(path="/name", code="required", message="This is required."))
    for path, text, most in (("/name", name, NAME_LENGTH), ("/purpose", purpose, PURPOSE_LENGTH)):
        if len(text) > most:
            message = mark("At most {bound} characters are allowed.")
            errors.append(FieldError(path=path, code="too_long", message=message, facts={"bound": most}))
    if errors:
        raise Invalid(errors=errors)
