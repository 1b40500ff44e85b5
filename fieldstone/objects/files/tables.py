"""The rows of uploaded files, in each tenant's home. The bytes are in the `FileStore`, under `key`.

A file belongs to whoever uploaded it until a record that names it is saved; from then on to that record and field.
"""

from __future__ import annotations

import sqlalchemy as sa

from fieldstone.platform.database.home import HOME
from fieldstone.platform.database.types import Chars, Id, UtcDateTime

UPLOAD = sa.Table(
    "uploaded_file",
    HOME,
    sa.Column("id", Id(), primary_key=True),
    sa.Column("key", Chars(), nullable=False, unique=True),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("size", sa.BigInteger, nullable=False),
    sa.Column("sha256", Chars(), nullable=False),
    sa.Column("media_type", sa.Text, nullable=False),
    sa.Column("uploaded_by", Id(), nullable=False),
    sa.Column("uploaded_at", UtcDateTime(), nullable=False),
    sa.Column("object", Chars()),
    sa.Column("record", Id()),
    sa.Column("field", Chars()),
    sa.Index("ix_uploaded_file__record", "object", "record"),
)
