"""`fieldstone package`: packages of a tenant from the command line, on the system's account.

`validate` and `diff` read, `install` publishes, `export` writes a folder (or a zip archive when the path ends in .zip).
A refusal ends with status 1 and its reasons on standard error; with `--json` the answer too is JSON.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from fieldstone.platform.frame import Frame
from fieldstone.platform.i18n import translate
from fieldstone.platform.kernel.errors import FieldError, Invalid
from fieldstone.platform.metadata import render
from fieldstone.platform.metadata.doors import CallerDoors
from fieldstone.platform.metadata.packages.files import write_archive, write_folder
from fieldstone.platform.metadata.packages.package import Package
from fieldstone.platform.metadata.packages.service import Installed, InstallOrder, Overrides
from fieldstone.platform.metadata.services import Metadata
from fieldstone.platform.metadata.values import Preview
from fieldstone.platform.units import Caller, SystemCredential, Units

LOCALE = "en"
_TENANT = click.option("--tenant", required=True, help="Name of the tenant.")
_JSON = click.option("--json", "as_json", is_flag=True, help="Answer in JSON.")
_PATH = click.argument("path", type=click.Path(path_type=Path))
_CONFIRM = click.option("--confirm", multiple=True, type=click.Choice(["lossy"]), help="Accept steps that lose data.")
_OVERRIDES = click.option(
    "--local-changes",
    "overrides",
    type=click.Choice(["keep", "replace"]),
    default="keep",
    show_default=True,
    help="What becomes of elements that the tenant changed.",
)


def make_package(frame: Frame) -> click.Group:
    """The group."""
    group = click.Group("package", help="Validate, compare, install and export packages.")
    for command in (_validate(frame), _diff(frame), _install(frame), _remove(frame), _export(frame)):
        group.add_command(command)
    return group


def _validate(frame: Frame) -> click.Command:
    @click.command("validate", help="Say whether a package could be installed, and what that would do.")
    @_PATH
    @_TENANT
    @_OVERRIDES
    @_JSON
    def validate(path: Path, tenant: str, overrides: Overrides, as_json: bool) -> None:
        package = _read(frame, path)
        order = InstallOrder(overrides=overrides)
        preview = frame.need(Metadata).packages.validate(_doors(frame, tenant), package, order)
        _refuse(preview)
        _say(render.preview(preview, LOCALE), _preview_lines(package, preview), as_json)

    return validate


def _diff(frame: Frame) -> click.Command:
    @click.command("diff", help="Say what installing a package would change in the tenant.")
    @_PATH
    @_TENANT
    @_OVERRIDES
    @_JSON
    def diff(path: Path, tenant: str, overrides: Overrides, as_json: bool) -> None:
        package, metadata = _read(frame, path), frame.need(Metadata)
        order = InstallOrder(overrides=overrides)
        found = _doors(frame, tenant).read(lambda ctx, unit: metadata.packages.differences(unit, package, order))
        told = render.differences(found, metadata.service.kinds, LOCALE)
        lines = [line for each in told for line in _difference_lines(each)]
        _say({"data": told}, lines or ["Nothing would change."], as_json)

    return diff


def _install(frame: Frame) -> click.Command:
    @click.command("install", help="Install or upgrade a package.")
    @_PATH
    @_TENANT
    @_CONFIRM
    @_OVERRIDES
    @_JSON
    def install(path: Path, tenant: str, confirm: Sequence[str], overrides: Overrides, as_json: bool) -> None:
        order = InstallOrder(confirm=frozenset(confirm), overrides=overrides)
        package = _read(frame, path)
        done = frame.need(Metadata).packages.install(_doors(frame, tenant), package, order)
        _say(_installed(done), _installed_lines(package, done), as_json)

    return install


def _remove(frame: Frame) -> click.Command:
    @click.command("remove", help="Take a package away, with all elements that belong to it.")
    @click.argument("name")
    @_TENANT
    @_CONFIRM
    @_JSON
    def remove(name: str, tenant: str, confirm: Sequence[str], as_json: bool) -> None:
        done = frame.need(Metadata).packages.remove(_doors(frame, tenant), name, frozenset(confirm))
        _say(render.published(done), [f"Removed {name}: version {done.version}."], as_json)

    return remove


def _export(frame: Frame) -> click.Command:
    @click.command("export", help="Write what belongs to an installed package, into a folder or a .zip archive.")
    @_PATH
    @click.argument("name", required=False)
    @_TENANT
    def export(path: Path, name: str | None, tenant: str) -> None:
        wanted = name or path.stem
        packages = frame.need(Metadata).packages
        files = _doors(frame, tenant).read(lambda ctx, unit: packages.export(unit, wanted))
        if path.suffix == ".zip":
            path.write_bytes(write_archive(files))
        else:
            write_folder(files, path)
        click.echo(f"Wrote {len(files)} files of {wanted} to {path}.")

    return export


def _doors(frame: Frame, tenant: str) -> CallerDoors:
    return CallerDoors(
        frame.need(Units), Caller(tenant=tenant, credential=SystemCredential(), channel="cli", locale=LOCALE)
    )


def _read(frame: Frame, path: Path) -> Package:
    return frame.need(Metadata).packages.read(path)


def _refuse(preview: Preview) -> None:
    if preview.refused:
        errors = [
            FieldError(path=found.path, code=found.code, message=found.message, facts=found.facts)
            for found in preview.diagnostics
            if found.severity == "error"
        ]
        raise Invalid("This package cannot be installed here.", code="package_refused", errors=errors)


def _say(value: Any, lines: Sequence[str], as_json: bool) -> None:
    click.echo(json.dumps(value, ensure_ascii=False, default=str) if as_json else "\n".join(lines))


def _preview_lines(package: Package, preview: Preview) -> list[str]:
    impact = preview.impact
    counts = f"{len(impact.added)} added, {len(impact.changed)} changed, {len(impact.removed)} removed"
    lines = [f"{package.name} {package.version} can be installed: {counts}."]
    lines += [
        f"  {found.severity}: {found.path}: {translate(found.message, found.facts, LOCALE)}"
        for found in preview.diagnostics
    ]
    steps = [planned.step for planned in preview.plan]
    return lines + [f"  {step.step_class}: {translate(step.message, step.facts, LOCALE)}" for step in steps]


def _difference_lines(each: dict[str, Any]) -> list[str]:
    return [each["message"], *(f"  {part['message']}" for part in each["parts"])]


def _installed(done: Installed) -> dict[str, Any]:
    local = [{"kind": c.kind, "name": c.name, "outcome": c.outcome} for c in done.local_changes]
    return {
        "package": done.package,
        "version": done.version,
        "jobs": done.jobs,
        "local_changes": local,
        "seeds": done.seeds,
    }


def _installed_lines(package: Package, done: Installed) -> list[str]:
    lines = [f"Installed {package.name} {package.version}: version {done.version}."]
    lines += [f"  Local change {c.outcome}: {c.kind} {c.name}" for c in done.local_changes]
    return lines + [f"  Records from {path}" for path in done.seeds]
