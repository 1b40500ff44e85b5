"""The tables of metadata in a tenant home.

Bodies are stored once, by the hash of their canonical text; a version is a set of intervals: an element or a physical
name belongs to every version from `from_version` up to, not including, `until_version` (NULL: still). Read and written
by `store`, `drafts` and the packages only.
"""

from __future__ import annotations

import sqlalchemy as sa

from fieldstone.platform.database.home import HOME
from fieldstone.platform.database.types import Chars, Id, UtcDateTime

definition = sa.Table(
    "definition",
    HOME,
    sa.Column("hash", Chars(), primary_key=True),
    # Text, not a JSON type: the hash is of this very text.
    sa.Column("body", sa.Text, nullable=False),
)

metadata_version = sa.Table(
    "metadata_version",
    HOME,
    sa.Column("number", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("purpose", sa.Text, nullable=False),
    sa.Column("by", Id(), nullable=False),
    sa.Column("by_name", sa.Text, nullable=False),
    sa.Column("at", UtcDateTime(), nullable=False),
    sa.Column("manifest", sa.Text, nullable=False),
    sa.Column("restored", sa.BigInteger),
    sa.Column("activation", sa.Boolean, nullable=False),
)

version_element = sa.Table(
    "version_element",
    HOME,
    sa.Column("kind", Chars(), primary_key=True),
    sa.Column("name", Chars(), primary_key=True),
    sa.Column("from_version", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("until_version", sa.BigInteger, index=True),
    sa.Column("hash", Chars(), nullable=False),
    sa.Column("package", sa.Text),
)

physical_name = sa.Table(
    "physical_name",
    HOME,
    sa.Column("kind", Chars(), primary_key=True),
    sa.Column("path", Chars(), primary_key=True),
    sa.Column("from_version", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("until_version", sa.BigInteger),
    sa.Column("element_kind", Chars(), nullable=False),
    sa.Column("element_name", Chars(), nullable=False),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("scope", sa.Text, nullable=False),
    sa.Column("signature", sa.Text, nullable=False),
)

building_part = sa.Table(
    "building_part",
    HOME,
    sa.Column("kind", Chars(), primary_key=True),
    sa.Column("name", Chars(), primary_key=True),
    sa.Column("part", Chars(), primary_key=True),
    sa.Column("version", sa.BigInteger, nullable=False),
    sa.Column("job", Id()),
)

changeset = sa.Table(
    "changeset",
    HOME,
    sa.Column("id", Id(), primary_key=True),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("purpose", sa.Text, nullable=False),
    sa.Column("base_version", sa.BigInteger, nullable=False),
    sa.Column("state", sa.Text, nullable=False, index=True),
    sa.Column("revision", sa.BigInteger, nullable=False),
    sa.Column("created_by", Id(), nullable=False),
    sa.Column("created_by_name", sa.Text, nullable=False),
    sa.Column("created_at", UtcDateTime(), nullable=False),
    sa.Column("updated_at", UtcDateTime(), nullable=False),
    sa.Column("published_version", sa.BigInteger),
)

changeset_element = sa.Table(
    "changeset_element",
    HOME,
    sa.Column("changeset", sa.ForeignKey("changeset.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("kind", Chars(), primary_key=True),
    sa.Column("name", Chars(), primary_key=True),
    # NULL: the element is removed.
    sa.Column("body", sa.Text),
    sa.Column("package", sa.Text),
    sa.Column("updated_by", Id(), nullable=False),
    sa.Column("updated_at", UtcDateTime(), nullable=False),
)

package_install = sa.Table(
    "package_install",
    HOME,
    sa.Column("name", Chars(), primary_key=True),
    sa.Column("version", sa.Text, nullable=False),
    sa.Column("manifest", sa.Text, nullable=False),
    # The locales that the package keeps in files of their own, as a JSON list.
    sa.Column("locales", sa.Text, nullable=False),
    sa.Column("metadata_version", sa.BigInteger, nullable=False),
    sa.Column("by_name", sa.Text, nullable=False),
    sa.Column("at", UtcDateTime(), nullable=False),
)

package_element = sa.Table(
    "package_element",
    HOME,
    sa.Column("package", sa.ForeignKey("package_install.name", ondelete="CASCADE"), primary_key=True),
    sa.Column("kind", Chars(), primary_key=True),
    sa.Column("name", Chars(), primary_key=True),
    # As the package brought it; another hash in the present version is a local change.
    sa.Column("hash", Chars(), nullable=False),
)

package_file = sa.Table(
    "package_file",
    HOME,
    sa.Column("package", sa.ForeignKey("package_install.name", ondelete="CASCADE"), primary_key=True),
    sa.Column("path", Chars(), primary_key=True),
    sa.Column("content", sa.Text, nullable=False),
)
