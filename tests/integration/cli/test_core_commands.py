"""The command line on both databases: what it makes, and how it refuses."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from fieldstone.app import make_frame
from fieldstone.platform.commands import Commands
from fieldstone.platform.database.engines import Databases
from fieldstone.platform.frame import Frame
from fieldstone.platform.http.web import make_app
from fieldstone.platform.tenancy.store import TenantStore
from tests.support.installation import settings_for


class Line:
    """A command line on one installation."""

    def __init__(self, frame: Frame) -> None:
        self.frame = frame
        self._commands = Commands("fieldstone", lambda: frame.commands, "Test.")

    def __call__(self, *arguments: str, stdin: str | None = None) -> Result:
        return CliRunner().invoke(self._commands, list(arguments), input=stdin)

    def done(self, *arguments: str) -> str:
        """The output of a command that must succeed."""
        result = self(*arguments)
        assert result.exit_code == 0, (result.output, result.stderr, result.exception)
        return result.stdout.strip()


@pytest.fixture
def line(tmp_path: Path, database_url: str | None) -> Iterator[Line]:
    frame = make_frame(settings_for(tmp_path, database_url, default_tenant="acme"))
    drop_tenants(frame.need(TenantStore))
    yield Line(frame)
    drop_tenants(frame.need(TenantStore))
    frame.need(Databases).close()


def drop_tenants(tenants: TenantStore) -> None:
    """Nothing is left, also of what tests before had made in this database."""
    tenants.prepare()
    for record in tenants.list():
        tenants.drop(record.tenant.name)


def test_from_nothing_to_a_signed_in_administrator_without_a_default_password(line: Line) -> None:
    said = line.done(
        "tenant", "create", "acme", "--label", "Acme", "--admin", "ann@example.com", "--time-zone", "Asia/Tokyo"
    )
    token = said.rpartition("token=")[2]
    client = make_app(line.frame).test_client()
    body = {"token": token, "password": "a long enough pass phrase"}
    assert client.post("/api/v1/password-tokens/redeem", json=body).status_code == 204
    assert client.post("/api/v1/password-tokens/redeem", json=body).status_code == 422
    credentials = {"email": "ann@example.com", "password": body["password"]}
    assert client.post("/api/v1/sessions", json=credentials).status_code == 201
    me = client.get("/api/v1/me").json["data"]
    assert (me["roles"], me["tenant"]["label"], me["tenant"]["time_zone"]) == (["admin"], "Acme", "Asia/Tokyo")
    assert "manage_metadata" in me["rights"]


def test_a_token_is_printed_once_and_works(line: Line) -> None:
    line.done("tenant", "create", "acme", "--label", "Acme")
    line.done("user", "create", "--tenant", "acme", "bob@example.com", "--role", "admin", "--name", "Bob")
    token = line.done("token", "create", "--tenant", "acme", "--user", "BOB@example.com", "--scope", "read")
    client = make_app(line.frame).test_client()
    headers = {"Authorization": f"Bearer {token}"}
    assert client.get("/api/v1/me", headers=headers).json["data"]["name"] == "Bob"
    assert client.patch("/api/v1/me", json={"name": "B"}, headers=headers).status_code == 403


def test_a_password_comes_from_standard_input_and_is_checked(line: Line) -> None:
    line.done("tenant", "create", "acme", "--label", "Acme")
    short = line("user", "create", "--tenant", "acme", "bob@example.com", "--password-stdin", stdin="short\n")
    assert (short.exit_code, "at least" in short.stderr) == (1, True)
    good = line(
        "user", "reset", "--tenant", "acme", "bob@example.com", "--password-stdin", stdin="quite a long phrase\n"
    )
    assert good.exit_code == 0, good.stderr
    client = make_app(line.frame).test_client()
    credentials = {"email": "bob@example.com", "password": "quite a long phrase"}
    assert client.post("/api/v1/sessions", json=credentials).status_code == 201


def test_tenants_are_listed_suspended_and_resumed(line: Line) -> None:
    line.done("tenant", "create", "acme", "--label", "Acme")
    line.done("tenant", "create", "globex", "--label", "Globex")
    line.done("tenant", "suspend", "globex")
    rows = {row["name"]: row["state"] for row in json.loads(line.done("tenant", "list", "--json"))}
    assert rows == {"acme": "active", "globex": "suspended"}
    line.done("tenant", "resume", "globex")
    assert "suspended" not in line.done("tenant", "list")


def test_a_refusal_is_status_1_with_its_reason_also_for_programs(line: Line) -> None:
    for arguments, code in (
        (("tenant", "suspend", "nobody"), "tenant_unknown"),
        (("tenant", "create", "Bad_Name", "--label", "x"), "invalid"),
        (("user", "create", "--tenant", "nobody", "a@example.com"), "tenant_unknown"),
        (("token", "create", "--tenant", "nobody", "--user", "a@example.com"), "tenant_unknown"),
    ):
        said = line(*arguments)
        assert (said.exit_code, said.stdout) == (1, ""), arguments
        assert said.stderr.strip()
        for machine in (line("--json", *arguments), line(*arguments, "--json")):
            assert machine.exit_code == 1
            assert json.loads(machine.stderr)["code"] == code


def test_misuse_is_status_2(line: Line) -> None:
    for arguments in (("tenant", "create"), ("nothing",), ("tenant", "list", "--nope"), ("tenant", "x")):
        assert line(*arguments).exit_code == 2, arguments


def test_help_names_every_command_of_the_contract(line: Line) -> None:
    said = line.done("--help")
    for name in ("serve", "worker", "tenant", "user", "token", "package", "plugin", "db", "doctor", "demo"):
        assert f"  {name} " in said


def test_the_doctor_and_db_check_find_a_fresh_installation_well(line: Line) -> None:
    line.done("tenant", "create", "acme", "--label", "Acme")
    assert line.done("db", "upgrade").startswith("directory: ")
    line.done("db", "check")
    found = {row["check"]: row["ok"] for row in json.loads(line.done("doctor", "--json"))}
    assert found["tenants"]
    assert found["directory"]


def test_the_doctor_says_what_is_wrong(tmp_path: Path) -> None:
    frame = make_frame(settings_for(tmp_path, "postgresql://x:y@127.0.0.1:1/nowhere"))
    result = Line(frame)("doctor", "--json")
    assert result.exit_code == 1
    found = {row["check"]: row["ok"] for row in json.loads(result.stdout)}
    assert found["settings"]
    assert not found["directory"]
