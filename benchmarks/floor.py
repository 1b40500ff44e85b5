"""The floor: the least a Python service can do for the comparison object.

Flask and SQLAlchemy Core, a token, one table; no metadata, no permissions, no rules, no history, no messages. It runs
under the same server as Fieldstone on the same database. `FLOOR_DATABASE` and `FLOOR_TOKEN` say where and who;
`FLOOR_SYNCHRONOUS` is SQLite's setting. Started by `servers` as `benchmarks.floor:make_app()`.
"""

from __future__ import annotations

import hmac
import os
import re
import uuid
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import sqlalchemy as sa
from flask import Flask, Response, abort, jsonify, request

from benchmarks.comparison import LIST_FIELDS, PAGE

metadata = sa.MetaData()
customers = sa.Table(
    "floor_customer",
    metadata,
    sa.Column("id", sa.Uuid, primary_key=True),
    sa.Column("name", sa.Text),
    sa.Column("email", sa.Text),
)
tickets = sa.Table(
    "floor_ticket",
    metadata,
    sa.Column("id", sa.Uuid, primary_key=True),
    sa.Column("subject", sa.Text, nullable=False),
    sa.Column("description", sa.Text),
    sa.Column("status", sa.Text),
    sa.Column("priority", sa.Text),
    sa.Column("customer", sa.Uuid),
    sa.Column("amount", sa.Numeric(12, 2)),
    sa.Column("quantity", sa.Integer),
    sa.Column("unit_price", sa.Numeric(12, 2)),
    sa.Column("due", sa.DateTime(timezone=True)),
    sa.Column("region", sa.Text),
    sa.Column("serial_no", sa.Text),
    sa.Column("is_warranty", sa.Boolean),
    sa.Column("rating", sa.Integer),
    sa.Column("contact_email", sa.Text),
    sa.Column("contact_phone", sa.Text),
    sa.Column("created_at", sa.DateTime(timezone=True)),
    sa.Column("updated_at", sa.DateTime(timezone=True)),
)
sa.Index("floor_ticket_list", tickets.c.status, tickets.c.priority, tickets.c.updated_at.desc())

_WRITABLE = {column.name for column in tickets.c} - {"id", "created_at", "updated_at"}
_FILTER = re.compile(r'^status == "(\w+)" && priority == "(\w+)"$')
_READ: dict[str, Callable[[Any], Any]] = {
    "due": datetime.fromisoformat,
    "amount": Decimal,
    "unit_price": Decimal,
    "customer": uuid.UUID,
}


def make_engine(url: str, synchronous: str) -> sa.Engine:
    """The engine of the floor: WAL and the same durability on SQLite, defaults on PostgreSQL."""
    engine = sa.create_engine(url, pool_size=4, max_overflow=0)
    if engine.dialect.name == "sqlite":
        sa.event.listen(engine, "connect", lambda raw, _: _set_up(raw, synchronous))
    return engine


def _set_up(raw: Any, synchronous: str) -> None:
    raw.execute("PRAGMA journal_mode=WAL")
    raw.execute(f"PRAGMA synchronous={synchronous}")
    raw.execute("PRAGMA busy_timeout=5000")


def values_of(body: dict[str, Any]) -> dict[str, Any]:
    """The columns of a body."""
    found = {name: body[name] for name in _WRITABLE if name in body}
    for name, read in _READ.items():
        if found.get(name) is not None:
            found[name] = read(found[name])
    return found


def _document(row: sa.Row[Any]) -> dict[str, Any]:
    found = dict(row._mapping)
    for name, value in found.items():
        if isinstance(value, datetime):
            found[name] = value.isoformat()
        elif isinstance(value, Decimal | uuid.UUID):
            found[name] = str(value)
    return found


def make_app() -> Flask:
    """The app, for gunicorn."""
    app = Flask("floor")
    engine = make_engine(os.environ["FLOOR_DATABASE"], os.environ.get("FLOOR_SYNCHRONOUS", "FULL"))
    expected = f"Bearer {os.environ['FLOOR_TOKEN']}".encode()

    @app.before_request
    def check_token() -> None:
        if not hmac.compare_digest(request.headers.get("Authorization", "").encode(), expected):
            abort(401)

    _reading(app, engine)
    _writing(app, engine)
    return app


def _reading(app: Flask, engine: sa.Engine) -> None:
    @app.get("/tickets/<uuid:record>")
    def get(record: uuid.UUID) -> Response:
        with engine.connect() as connection:
            row = connection.execute(sa.select(tickets).where(tickets.c.id == record)).one_or_none()
        if row is None:
            abort(404)
        return jsonify(data=_document(row))

    @app.get("/tickets")
    def list_() -> Response:
        asked = _FILTER.match(request.args["filter"])
        if asked is None:
            abort(400)
        query = (
            sa.select(*(tickets.c[name] for name in LIST_FIELDS))
            .where(tickets.c.status == asked[1], tickets.c.priority == asked[2])
            .order_by(tickets.c.updated_at.desc())
            .limit(PAGE)
        )
        with engine.connect() as connection:
            rows = connection.execute(query).all()
        return jsonify(data=[_document(row) for row in rows])


def _writing(app: Flask, engine: sa.Engine) -> None:
    @app.post("/tickets")
    def create() -> tuple[Response, int]:
        values = values_of(request.get_json())
        if not values.get("subject"):
            abort(422)
        now = datetime.now(UTC)
        values |= {"id": uuid.uuid4(), "created_at": now, "updated_at": now}
        with engine.begin() as connection:
            row = connection.execute(sa.insert(tickets).values(**values).returning(*tickets.c)).one()
        return jsonify(data=_document(row)), 201

    @app.patch("/tickets/<uuid:record>")
    def update(record: uuid.UUID) -> Response:
        values = values_of(request.get_json()) | {"updated_at": datetime.now(UTC)}
        statement = sa.update(tickets).where(tickets.c.id == record).values(**values).returning(*tickets.c)
        with engine.begin() as connection:
            row = connection.execute(statement).one_or_none()
        if row is None:
            abort(404)
        return jsonify(data=_document(row))
