"""The plugin host: what is installed, what each extension point offers, and how an offer is called.

In: manifests (built-in and from entry points), a name, a request. Out: a checked answer. Trusted plugins run in this
process, guarded ones in a warm worker process each (`host.guarded`). Called by dispatch and by automations, never
within a unit of work.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

from fieldstone.platform.kernel.errors import DuplicateName, NotFound
from fieldstone.plugins.host.guarded import Breaker, GuardedWorker, Limits, PluginFailed
from fieldstone.plugins.host.manifest import FILE, Manifest, Offer, installed_manifests, read_manifest
from fieldstone.plugins.host.validate import checked_ranking
from fieldstone.plugins.sdk.actions import ActionRequest
from fieldstone.plugins.sdk.dispatch import DispatchRequest, Ranking
from fieldstone.plugins.sdk.wire import WireError, decode_ranking, encode

BUILTIN = Path(__file__).resolve().parent.parent / "builtin" / FILE
GUARDED_CANDIDATES = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Installed:
    """An offer together with the plugin it comes from."""

    manifest: Manifest
    offer: Offer


class PluginHost:
    """All installed plugins of this process."""

    def __init__(self, manifests: Iterable[Manifest], limits: Limits | None = None) -> None:
        self.manifests = tuple(manifests)
        self._limits = limits or Limits()
        self._offers = _by_point(self.manifests)
        self._trusted: dict[str, Any] = {}
        self._workers: dict[str, GuardedWorker] = {}
        self._lock = threading.Lock()
        self._breaker = Breaker()

    @classmethod
    def discover(cls) -> PluginHost:
        """The host of the built-in plugin and of every installed distribution that offers plugins."""
        return cls((read_manifest(BUILTIN), *installed_manifests()))

    def offers(self, point: str) -> tuple[Installed, ...]:
        """Everything offered at an extension point, in order of name."""
        return tuple(self._offers[key] for key in sorted(self._offers) if key[0] == point)

    def offer(self, point: str, name: str) -> Installed | None:
        """The offer called `name`, or None when its plugin is not installed."""
        return self._offers.get((point, name))

    def rank(self, tenant: str, name: str, request: DispatchRequest) -> Ranking:
        """The ranking of dispatch offer `name`, checked. Raises `NotFound`, `PluginFailed`."""
        installed = self._need("dispatch", name)
        if installed.manifest.plugin_class == "trusted":
            return checked_ranking(request, self._instance(installed).rank(request), plugin=name)
        answer = self._guarded(tenant, installed, encode(request))
        try:
            ranking = decode_ranking(answer)
        except WireError as error:
            self._breaker.failed((tenant, installed.manifest.name))
            raise PluginFailed(plugin=name, reason=str(error), retry_after=5) from error
        return checked_ranking(request, ranking, plugin=name)

    def run_action(self, tenant: str, name: str, request: ActionRequest) -> Mapping[str, Any]:
        """The answer of action offer `name`. Raises `NotFound`, `PluginFailed`."""
        installed = self._need("action", name)
        if installed.manifest.plugin_class == "trusted":
            answer = self._instance(installed).run(request)
        else:
            answer = self._guarded(tenant, installed, asdict(request))
        if not isinstance(answer, Mapping):
            raise PluginFailed(plugin=name, reason="its answer is not an object", retry_after=5)
        return answer

    def close(self) -> None:
        """End all worker processes."""
        with self._lock:
            workers, self._workers = list(self._workers.values()), {}
        for worker in workers:
            worker.close()

    def _need(self, point: str, name: str) -> Installed:
        installed = self.offer(point, name)
        if installed is None:
            raise NotFound("The plugin {plugin} is not installed.", plugin=name)
        return installed

    def _instance(self, installed: Installed) -> Any:
        target = installed.offer.target
        with self._lock:
            if target not in self._trusted:
                place, _, name = target.partition(":")
                self._trusted[target] = getattr(import_module(place), name)()
            return self._trusted[target]

    def _guarded(self, tenant: str, installed: Installed, request: Any) -> Any:
        key = (tenant, installed.manifest.name)
        self._breaker.check(key)
        try:
            answer = self._worker(installed.manifest).call(installed.offer.point, installed.offer.target, request)
        except PluginFailed:
            self._breaker.failed(key)
            raise
        self._breaker.succeeded(key)
        return answer

    def _worker(self, manifest: Manifest) -> GuardedWorker:
        with self._lock:
            if manifest.name not in self._workers:
                self._workers[manifest.name] = GuardedWorker(manifest.name, manifest.folder, self._limits)
            return self._workers[manifest.name]


def _by_point(manifests: Iterable[Manifest]) -> dict[tuple[str, str], Installed]:
    offers: dict[tuple[str, str], Installed] = {}
    for manifest in manifests:
        for offer in manifest.offers:
            key = (offer.point, offer.name)
            if key in offers:
                raise DuplicateName(name=f"{offer.point}.{offer.name}")
            offers[key] = Installed(manifest=manifest, offer=offer)
    return offers
