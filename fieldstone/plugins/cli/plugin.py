"""`fieldstone plugin list|new|check`: for whoever installs or writes plugins. Needs no database."""

from __future__ import annotations

import importlib
import json
import sys
from pathlib import Path

import click

from fieldstone.platform.kernel.errors import FieldstoneError
from fieldstone.platform.kernel.text import localized
from fieldstone.plugins.host.conformance import DispatchKit
from fieldstone.plugins.host.host import PluginHost
from fieldstone.plugins.host.manifest import FILE, Manifest, read_manifest
from fieldstone.plugins.host.scaffold import make_plugin


@click.group(name="plugin")
def plugin() -> None:
    """Plugins: list what is installed, start a new one, check one."""


@plugin.command(name="list")
@click.option("--json", "as_json", is_flag=True, help="Machine-readable output.")
def list_(as_json: bool) -> None:
    """List installed plugins and what they offer."""
    rows = [
        {
            "plugin": manifest.name,
            "version": manifest.version,
            "class": manifest.plugin_class,
            "offers": [f"{offer.point}:{offer.name}" for offer in manifest.offers],
        }
        for manifest in PluginHost.discover().manifests
    ]
    if as_json:
        click.echo(json.dumps(rows))
        return
    for row in rows:
        click.echo(f"{row['plugin']:<20} {row['version']:<10} {row['class']:<8} {', '.join(row['offers'])}")


@plugin.command()
@click.argument("name")
@click.option("--folder", type=click.Path(path_type=Path, file_okay=False), default=Path(), help="Where to put it.")
def new(name: str, folder: Path) -> None:
    """Write the folder of a new plugin: manifest, policy, test."""
    made = make_plugin(name, folder)
    click.echo(f"Made {made}. Install it with: pip install -e {made}")


@plugin.command()
@click.argument("path", type=click.Path(path_type=Path, exists=True))
def check(path: Path) -> None:
    """Check a plugin: its manifest, and its dispatch policies against the conformance kit."""
    file = path if path.is_file() else next(iter(sorted(path.rglob(FILE))), path / FILE)
    manifest = read_manifest(file)
    click.echo(f"{localized(manifest.label, 'en')} {manifest.version}: the manifest is valid.")
    failures = [problem for problem in _conformance(manifest) if problem]
    for problem in failures:
        click.echo(problem, err=True)
    if failures:
        sys.exit(1)


def _conformance(manifest: Manifest) -> list[str]:
    if manifest.folder is not None:
        sys.path.insert(0, str(manifest.folder.parent))
    problems = []
    for offer in manifest.offers:
        if offer.point != "dispatch":
            continue
        place, _, name = offer.target.partition(":")
        try:
            DispatchKit().check(getattr(importlib.import_module(place), name)())
        except (FieldstoneError, AssertionError, ImportError, AttributeError) as error:
            problems.append(f"{offer.name}: {type(error).__name__}: {error}")
        else:
            click.echo(f"{offer.name}: keeps the dispatch contract.")
    return problems
