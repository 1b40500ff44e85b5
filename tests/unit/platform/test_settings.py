"""Settings: where they come from, and what is not safe to start with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

from fieldstone.platform.kernel.errors import Misconfigured
from fieldstone.platform.settings import (
    ENVIRONMENTS,
    NETWORK_FILESYSTEMS,
    Finding,
    Settings,
    Surroundings,
    check_safe,
    filesystem_of,
    findings,
    private_directory,
    write_settings_file,
)

SECRET = "x9" * 20
SAFE = Surroundings(data_dir_mode=0o700, filesystem="ext4")


@pytest.fixture(autouse=True)
def _no_surroundings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("DATA_DIR", "SECRET_KEY", "DATABASE_URL", "ENVIRONMENT", "PORT"):
        monkeypatch.delenv(f"FIELDSTONE_{name}", raising=False)


def production(**values: Any) -> Settings:
    return Settings(**{"environment": "production", "secret_key": SECRET, **values})


# Every unsafe start of the matrix, with the code it is refused by.
UNSAFE: Mapping[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "secret_missing": ({"secret_key": ""}, {}),
    "secret_default": ({"secret_key": "changeme"}, {}),
    "secret_short": ({"secret_key": "x" * 31}, {}),
    "debug": ({"debug": True}, {}),
    "superuser": ({"database_url": "postgresql://a/b"}, {"superuser_login": True}),
    "network_disk": ({}, {"filesystem": "nfs4"}),
    "open_data_dir": ({}, {"data_dir_mode": 0o705}),
    "not_durable": ({"sqlite_synchronous": "OFF"}, {}),
}


def around(**values: Any) -> Surroundings:
    return Surroundings(**{"data_dir_mode": 0o700, "filesystem": "ext4", **values})


def test_a_safe_production_start_has_no_findings() -> None:
    assert check_safe(production(), SAFE) == ()


@pytest.mark.parametrize("code", UNSAFE)
def test_production_refuses_each_unsafe_start(code: str) -> None:
    settings, surroundings = UNSAFE[code]
    with pytest.raises(Misconfigured) as caught:
        check_safe(production(**settings), around(**surroundings))
    assert code in {item.code for item in findings(production(**settings), around(**surroundings))}
    assert caught.value.instance_code in UNSAFE


@pytest.mark.parametrize("code", sorted(set(UNSAFE) - {"secret_missing"}))
@pytest.mark.parametrize("environment", ["development", "demo", "test", "bench"])
def test_elsewhere_the_same_is_a_loud_warning(code: str, environment: str) -> None:
    settings, surroundings = UNSAFE[code]
    found = check_safe(production(**{**settings, "environment": environment}), around(**surroundings))
    assert code in {item.code for item in found}


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_a_missing_secret_is_accepted_in_tests_only(environment: str) -> None:
    settings = Settings(environment=environment, secret_key="")  # type: ignore[arg-type]
    if environment == "test":
        assert [item.code for item in check_safe(settings, SAFE)] == ["secret_missing"]
    else:
        with pytest.raises(Misconfigured):
            check_safe(settings, SAFE)


@pytest.mark.parametrize("filesystem", sorted(NETWORK_FILESYSTEMS))
def test_every_network_disk_is_refused_for_sqlite_and_none_for_postgresql(filesystem: str) -> None:
    with pytest.raises(Misconfigured):
        check_safe(production(), around(filesystem=filesystem))
    assert check_safe(production(database_url="postgresql://a/b"), around(filesystem=filesystem)) == ()


def test_what_is_only_unwise_is_a_warning_in_production_too() -> None:
    found = check_safe(production(rate_limits=False), around(data_dir_mode=0o750))
    assert {item.code for item in found} == {"group_data_dir", "no_rate_limits"}
    assert all(isinstance(item, Finding) and not item.fatal for item in found)


def test_the_surroundings_are_looked_at_when_not_given(tmp_path: Path) -> None:
    folder = tmp_path / "open"
    folder.mkdir()
    folder.chmod(0o755)
    with pytest.raises(Misconfigured) as caught:
        check_safe(production(data_dir=folder))
    assert caught.value.instance_code == "open_data_dir"
    assert Surroundings.of(production(data_dir=tmp_path / "none")).data_dir_mode is None


def test_the_file_system_is_the_one_of_the_longest_mount_point(tmp_path: Path) -> None:
    mounts = tmp_path / "mounts"
    mounts.write_text(f"a / ext4 rw 0 0\nb {tmp_path}/my\\040disk nfs4 rw 0 0\nc {tmp_path}/my xfs rw 0 0\n")
    assert filesystem_of(tmp_path / "my disk" / "data", mounts) == "nfs4"
    assert filesystem_of(tmp_path / "mystery", mounts) == "ext4"
    assert filesystem_of(tmp_path / "my", mounts) == "xfs"
    assert filesystem_of(tmp_path, tmp_path / "no such file") == ""


def test_settings_come_from_the_environment_before_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = tmp_path / "data"
    write_settings_file(data, {"environment": "demo", "secret_key": "from data dir", "port": "1"})
    (tmp_path / ".env").write_text(f"FIELDSTONE_DATA_DIR={data}\nFIELDSTONE_PORT=2\nOTHER=x\n")
    assert (Settings.load().port, Settings.load().environment) == (2, "demo")
    monkeypatch.setenv("FIELDSTONE_PORT", "3")
    assert Settings.load().port == 3
    assert Settings.load(port=4).port == 4
    assert Settings.load().secret_key == "from data dir"


def test_the_data_directorys_file_is_private(tmp_path: Path) -> None:
    path = write_settings_file(tmp_path / "data", {"secret_key": "s"})
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700
    assert private_directory(path.parent) == path.parent


def test_an_empty_variable_means_the_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FIELDSTONE_PORT", "")
    assert Settings.load().port == 8000


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("DEBUG", "yes", True),
        ("RATE_LIMITS", "off", False),
        ("DATABASES", "east=postgresql://a?x=1;west=b", {"east": "postgresql://a?x=1", "west": "b"}),
        ("PLUGINS", "a, b,", ("a", "b")),
        ("UNIT_SECONDS", "2.5", 2.5),
        ("DATA_DIR", "/tmp/x", Path("/tmp/x")),
        ("ENVIRONMENT", "bench", "bench"),
    ],
)
def test_each_kind_of_value_is_read(name: str, text: str, value: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(f"FIELDSTONE_{name}", text)
    assert getattr(Settings.load(), name.lower()) == value


@pytest.mark.parametrize(
    ("name", "text"),
    [("PORT", "many"), ("DEBUG", "perhaps"), ("DATABASES", "east"), ("ENVIRONMENT", "prod"), ("LOG_LEVEL", "loud")],
)
def test_a_value_that_cannot_be_read_names_its_variable(name: str, text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(f"FIELDSTONE_{name}", text)
    with pytest.raises(Misconfigured, match=f"FIELDSTONE_{name}"):
        Settings.load()


def test_secrets_are_never_shown() -> None:
    shown = repr(
        Settings(
            secret_key="hidden",
            database_url="postgresql://u:hidden@h/d",
            ddl_database_url="postgresql://u:hidden@h/d",
            broker_url="amqp://u:hidden@h",
            databases={"a": "postgresql://u:hidden@h/d"},
            ddl_databases={"a": "postgresql://u:hidden@h/d"},
        )
    )
    assert "hidden" not in shown


def test_every_setting_says_what_it_is_for() -> None:
    assert all(item.metadata["help"].endswith(".") for item in fields(Settings))
