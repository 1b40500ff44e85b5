"""What the operator decides: every setting, where it is read from, and which combinations are not safe to start with.

In: keyword overrides, then `FIELDSTONE_*` environment variables, then `.env` in the working directory, then
`settings.env` in the data directory (written by `fieldstone demo`, so that the command line works on its data).
Out: a frozen `Settings`. `check_safe` refuses a start or returns warnings. Called by `app.py` and the command line.
"""

# ruff: noqa: RUF009  (the field makers are plain constructors)

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal

from dotenv import dotenv_values

from fieldstone.platform.kernel.errors import Misconfigured

Environment = Literal["production", "development", "demo", "test", "bench"]
Synchronous = Literal["FULL", "NORMAL", "OFF"]

PREFIX = "FIELDSTONE_"
FILE_IN_DATA_DIR = "settings.env"
ENVIRONMENTS: tuple[str, ...] = ("production", "development", "demo", "test", "bench")
DEFAULT_SECRETS = frozenset({"", "changeme", "change-me", "secret", "default", "development", "fieldstone"})
SECRET_LENGTH = 32
NETWORK_FILESYSTEMS = frozenset(
    {"nfs", "nfs4", "cifs", "smb", "smb2", "smb3", "smbfs", "9p", "afs", "ceph", "glusterfs", "lustre", "fuse.sshfs"}
)
_NOTHING: Mapping[str, str] = MappingProxyType({})


def _truth(text: str) -> bool:
    lowered = text.strip().lower()
    if lowered in ("1", "true", "yes", "on"):
        return True
    if lowered in ("0", "false", "no", "off", ""):
        return False
    raise ValueError("expected true or false")


def _pairs(text: str) -> Mapping[str, str]:
    """`east=postgresql://...;west=postgresql://...`."""
    parts = [part.split("=", 1) for part in text.split(";") if part.strip()]
    if any(len(part) != 2 for part in parts):
        raise ValueError("expected name=value;name=value")
    return MappingProxyType({name.strip(): value.strip() for name, value in parts})


def _names(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(",") if part.strip())


def _choice(*choices: str) -> Callable[[str], str]:
    def parse(text: str) -> str:
        if text not in choices:
            raise ValueError("expected one of " + ", ".join(choices))
        return text

    return parse


def _setting(default: Any, parse: Callable[[str], Any], help_text: str) -> Any:
    return field(default=default, metadata={"parse": parse, "help": help_text})


def _secret(default: Any, help_text: str) -> Any:
    """A setting that may hold a password: never shown by `repr`, so never logged."""
    return field(default=default, repr=False, metadata={"parse": str, "help": help_text})


def _secrets(help_text: str) -> Any:
    return field(default_factory=lambda: _NOTHING, repr=False, metadata={"parse": _pairs, "help": help_text})


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """All settings; the reference page is generated from this class. Times in seconds, sizes in bytes."""

    environment: Environment = _setting("production", _choice(*ENVIRONMENTS), "How strict start-up is.")
    debug: bool = _setting(False, _truth, "Show tracebacks in the browser; refused in production.")
    secret_key: str = _secret("", "Signs cookies and links; at least 32 characters in production.")
    data_dir: Path = _setting(Path("var"), Path, "Files, SQLite databases and the demo's settings live here.")
    database_url: str | None = _secret(None, "PostgreSQL of the directory and the tenants; default SQLite.")
    ddl_database_url: str | None = _secret(None, "The same database as the role that owns the schemas.")
    databases: Mapping[str, str] = _secrets("Further databases tenants may be placed on.")
    ddl_databases: Mapping[str, str] = _secrets("Those databases as the role owning the schemas.")
    broker_url: str | None = _secret(None, "Redis or RabbitMQ for Celery; default: embedded relay thread.")
    base_domain: str = _setting("localhost", str, "Tenants answer at <tenant>.<base_domain>.")
    default_tenant: str = _setting("demo", str, "The tenant a browser gets on a bare host.")
    host: str = _setting("127.0.0.1", str, "Address the web server listens on.")
    port: int = _setting(8000, int, "Port the web server listens on.")
    trusted_proxies: int = _setting(0, int, "Number of reverse proxies whose X-Forwarded headers count.")
    rate_limits: bool = _setting(True, _truth, "Whether requests are limited per tenant.")
    requests_per_minute: int = _setting(3000, int, "Requests a tenant may make in a minute.")
    session_hours: int = _setting(12, int, "Hours until a sign-in expires.")
    idempotency_hours: int = _setting(24, int, "Hours an Idempotency-Key is remembered.")
    body_limit: int = _setting(2_000_000, int, "Largest request body that is not a file.")
    file_limit: int = _setting(25_000_000, int, "Largest uploaded file.")
    metrics_token: str | None = _secret(None, "Bearer token for /metrics; without one only this machine reads it.")
    log_level: str = _setting("INFO", _choice("DEBUG", "INFO", "WARNING", "ERROR"), "What is logged.")
    plugins: tuple[str, ...] = _setting((), _names, "Trusted plugins the operator switched on.")
    pool_size: int = _setting(5, int, "Database connections kept open per process and database.")
    pool_overflow: int = _setting(10, int, "Further database connections under load.")
    pool_timeout: float = _setting(2.0, float, "Wait for a free database connection before 503.")
    unit_seconds: float = _setting(5.0, float, "Longest unit of work, and longest wait of a SQLite writer.")
    lock_seconds: float = _setting(3.0, float, "Longest wait for a row lock on PostgreSQL.")
    sqlite_synchronous: Synchronous = _setting(
        "FULL", _choice("FULL", "NORMAL", "OFF"), "NORMAL may lose the last commits on power loss, OFF more."
    )
    open_tenants: int = _setting(64, int, "SQLite tenants kept open per process.")
    relay_seconds: float = _setting(0.5, float, "How often the relay looks at the bell.")
    sweep_seconds: float = _setting(60.0, float, "How often the relay looks at every tenant for lost rings.")
    lease_seconds: float = _setting(60.0, float, "How long a claimed message stays with a silent worker.")
    message_attempts: int = _setting(8, int, "Attempts before a message is a dead letter.")
    worker_threads: int = _setting(2, int, "Threads of the embedded relay that handle messages.")
    job_limit_seconds: int = _setting(3600, int, "Longest Celery task.")
    webhook_hosts: tuple[str, ...] = _setting(
        (), _names, "Hosts (name or name:port) webhooks may call although they are not public."
    )
    queue_prefix: str = _setting("fieldstone", str, "Prefix of broker queues, so installations may share a broker.")

    @classmethod
    def load(cls, **overrides: Any) -> Settings:
        """Read the settings. Raises `Misconfigured` naming the variable that cannot be read."""
        found = _sources(overrides.get("data_dir"))
        values = {item.name: _parsed(item, found) for item in fields(cls) if PREFIX + item.name.upper() in found}
        return cls(**{**values, **overrides})

    @property
    def directory_file(self) -> Path:
        return self.data_dir / "directory.sqlite"

    @property
    def tenants_dir(self) -> Path:
        return self.data_dir / "tenants"

    @property
    def files_dir(self) -> Path:
        return self.data_dir / "files"

    @property
    def uses_postgresql(self) -> bool:
        return self.database_url is not None


def _sources(data_dir: Path | None) -> Mapping[str, str]:
    """All `FIELDSTONE_*` values, the most specific source last."""
    near = {**_file(Path(".env")), **_own(os.environ)}
    folder = data_dir or Path(near.get(PREFIX + "DATA_DIR", Settings().data_dir))
    return {**_file(folder / FILE_IN_DATA_DIR), **near}


def _file(path: Path) -> Mapping[str, str]:
    return _own(dotenv_values(path)) if path.is_file() else {}


def _own(values: Mapping[str, str | None]) -> dict[str, str]:
    return {name: value for name, value in values.items() if name.startswith(PREFIX) and value is not None}


def _parsed(item: Any, found: Mapping[str, str]) -> Any:
    name = PREFIX + item.name.upper()
    text = found[name]
    if text == "":
        return getattr(Settings(), item.name)
    try:
        return item.metadata["parse"](text)
    except ValueError as error:
        raise Misconfigured("{name} cannot be read: {reason}.", name=name, reason=str(error)) from error


def write_settings_file(data_dir: Path, values: Mapping[str, str]) -> Path:
    """Write `settings.env` into the data directory, readable by its owner only."""
    private_directory(data_dir)
    path = data_dir / FILE_IN_DATA_DIR
    text = "".join(f"{PREFIX}{name.upper()}='{value}'\n" for name, value in sorted(values.items()))
    handle, temporary = tempfile.mkstemp(dir=data_dir, prefix=".settings-")
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(text)
    os.replace(temporary, path)
    return path


def private_directory(path: Path) -> Path:
    """Make a directory, with missing parents, that only its owner can enter; an existing one is left as it is."""
    if not path.is_dir():
        private_directory(path.parent)
        path.mkdir(exist_ok=True, mode=0o700)
    return path


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What the machine looks like around the settings, as far as safety goes."""

    data_dir_mode: int | None
    filesystem: str
    superuser_login: bool = False

    @classmethod
    def of(cls, settings: Settings, *, superuser_login: bool = False) -> Surroundings:
        """Look at the data directory. `superuser_login`: whether requests are served as a database superuser."""
        directory = settings.data_dir
        mode = directory.stat().st_mode & 0o777 if directory.is_dir() else None
        return cls(data_dir_mode=mode, filesystem=filesystem_of(directory), superuser_login=superuser_login)


def filesystem_of(path: Path, mounts: Path = Path("/proc/self/mounts")) -> str:
    """Type of the file system `path` is on ("ext4", "nfs4"); "" where the system does not say."""
    if not mounts.is_file():
        return ""
    best, kind = "", ""
    target = str(path.resolve())
    for line in mounts.read_text(encoding="utf-8", errors="replace").splitlines():
        _, point, found, *_ = line.split(" ")
        point = point.replace("\\040", " ")
        inside = target == point or target.startswith(point.rstrip("/") + "/")
        if inside and len(point) >= len(best):
            best, kind = point, found
    return kind


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing unsafe about a start: a stable code, words, and whether production may start with it."""

    code: str
    message: str
    fatal: bool


def findings(settings: Settings, around: Surroundings) -> tuple[Finding, ...]:
    """Everything unsafe, whatever the environment."""
    secret = settings.secret_key
    checks = (
        (not secret, "secret_missing", "FIELDSTONE_SECRET_KEY is not set.", True),
        (secret != "" and secret.lower() in DEFAULT_SECRETS, "secret_default", "The secret key is a known one.", True),
        (0 < len(secret) < SECRET_LENGTH, "secret_short", "The secret key is shorter than 32 characters.", True),
        (settings.debug, "debug", "Debug shows program internals to anybody.", True),
        (around.superuser_login, "superuser", "Requests are served as a database superuser: no wall holds.", True),
        (_on_network(settings, around), "network_disk", "SQLite is not safe on a network disk.", True),
        (bool((around.data_dir_mode or 0) & 0o007), "open_data_dir", "Everybody may enter the data directory.", True),
        (bool((around.data_dir_mode or 0) & 0o070), "group_data_dir", "The group may enter the data directory.", False),
        (_forgets(settings), "not_durable", "With sqlite_synchronous=OFF a power cut may destroy data.", True),
        (not settings.rate_limits, "no_rate_limits", "Rate limits are switched off.", False),
    )
    return tuple(Finding(code=code, message=text, fatal=fatal) for bad, code, text, fatal in checks if bad)


def _on_network(settings: Settings, around: Surroundings) -> bool:
    return not settings.uses_postgresql and around.filesystem in NETWORK_FILESYSTEMS


def _forgets(settings: Settings) -> bool:
    return not settings.uses_postgresql and settings.sqlite_synchronous == "OFF"


def check_safe(settings: Settings, around: Surroundings | None = None) -> tuple[Finding, ...]:
    """Refuse an unsafe start: in production each fatal finding raises `Misconfigured`; the rest is returned.

    A missing secret is refused everywhere but in tests, because cookies could not be signed.
    """
    found = findings(settings, around or Surroundings.of(settings))
    refused = [item for item in found if item.fatal and _refuses(settings.environment, item)]
    if refused:
        reasons = " ".join(item.message for item in refused)
        raise Misconfigured("Fieldstone does not start: {reasons}", code=refused[0].code, reasons=reasons)
    return found


def _refuses(environment: Environment, item: Finding) -> bool:
    if environment == "production":
        return True
    return item.code == "secret_missing" and environment != "test"
