"""Which tenant a request is for.

What comes in: the host name, and the tenant that a credential or an address names in clear. What goes out: the name
of the tenant. A tenant host (`acme.<base domain>` or a registered one) fixes the tenant, and a credential of another
is worth nothing there; on a bare host (an IP address, localhost, the base domain itself) the credential tells, else
the address (`?tenant=`, sign-in only), else it is the default tenant. Called by `Call`.
"""

from __future__ import annotations

import ipaddress
import re
from typing import Protocol

from fieldstone.platform.kernel.errors import NotFound, NotSignedIn, Unreadable

_HOST = re.compile(r"[a-z0-9](?:[a-z0-9._-]{0,251}[a-z0-9])?", re.ASCII)
NAME = re.compile(r"[a-z][a-z0-9-]{0,39}", re.ASCII)


class HostDirectory(Protocol):
    """Registered hosts of tenants; provided by tenancy."""

    def by_host(self, host: str) -> str | None:
        """The tenant a host of its own is registered for, or None."""
        ...


class Hosts:
    """Maps hosts to tenants."""

    def __init__(
        self,
        directory: HostDirectory,
        *,
        base_domain: str,
        default_tenant: str,
        environment: str,
    ) -> None:
        """In production a host that nobody registered is refused; elsewhere it counts as a bare one."""
        self._directory = directory
        self._base = base_domain.lower().rstrip(".")
        self._default = default_tenant
        self._environment = environment

    def fixed_by(self, host: str) -> str | None:
        """The tenant that `host` (with or without port) fixes, None on a bare host. Raises `NotFound`, `Unreadable`."""
        name = without_port(host)
        if not _is_address(name) and not _HOST.fullmatch(name):
            raise Unreadable("This is not the name of a host.")
        if self._is_bare(name):
            return None
        label = name.removesuffix("." + self._base)
        if label != name and NAME.fullmatch(label):
            return label
        registered = self._directory.by_host(name)
        if registered is None and self._environment == "production":
            raise NotFound("There is no tenant at this address.")
        return registered

    def tenant(self, host: str, *, proven: str | None) -> str:
        """The tenant of a request that a credential proves to be somebody's. Raises `NotSignedIn`, `NotFound`."""
        fixed = self.fixed_by(host)
        if fixed is not None and proven is not None and proven != fixed:
            raise NotSignedIn
        return fixed or proven or self._default

    def tenant_for_strangers(self, host: str, *, asked: str | None, hinted: str | None) -> str:
        """The tenant of a public page: the host's, else the one asked for, else that of the browser's last sign-in."""
        fixed = self.fixed_by(host)
        if fixed is not None:
            return fixed
        return next((name for name in (asked, hinted) if name and NAME.fullmatch(name)), self._default)

    def _is_bare(self, name: str) -> bool:
        return name in (self._base, "localhost") or _is_address(name)


def without_port(host: str) -> str:
    """A host header's name in lower case: `[::1]:80` is `::1`, `Acme.Example:80` is `acme.example`."""
    if host.startswith("["):
        return host[1:].partition("]")[0].lower()
    return host.partition(":")[0].lower().rstrip(".")


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True
