"""`fieldstone plugin new`: the folder of a new plugin, with a policy that works and a test that runs.

In: a name and a folder. Out: files. Called by the command line.
"""

from __future__ import annotations

import json
from pathlib import Path

from fieldstone.platform.kernel.errors import Conflict, Invalid
from fieldstone.plugins.host.manifest import FILE, SDK_VERSION

PYPROJECT = """\
[build-system]
requires = ["setuptools>=77"]
build-backend = "setuptools.build_meta"

[project]
name = "fieldstone-{dashed}"
version = "0.1.0"
dependencies = ["fieldstone"]

[project.entry-points."fieldstone.plugins"]
{name} = "{name}"

[tool.setuptools]
packages = ["{name}"]

[tool.setuptools.package-data]
{name} = ["{manifest}"]
"""

POLICY = '''\
"""A dispatch policy: whoever has the fewest open jobs, among those who pass the work rules."""

from fieldstone.plugins.sdk.dispatch import DispatchRequest, Exclusion, Ranking
from fieldstone.plugins.sdk.objectives import scored
from fieldstone.plugins.sdk.work_rules import broken_rules


class {class_name}:
    def rank(self, request: DispatchRequest) -> Ranking:
        fit, excluded = [], []
        for resource in request.resources:
            reasons = broken_rules(resource, request)
            if reasons:
                excluded.append(Exclusion(resource=resource.id, reasons=reasons))
            else:
                fit.append((resource.load, resource.id, scored(resource, request)))
        return Ranking(
            candidates=tuple(candidate for *_, candidate in sorted(fit, key=lambda item: item[:2])),
            excluded=tuple(sorted(excluded, key=lambda exclusion: exclusion.resource)),
        )
'''

TEST = """\
from {name}.policy import {class_name}

pytest_plugins = ["fieldstone.plugins.testing"]


def test_the_policy_keeps_the_contract(dispatch_kit):
    dispatch_kit.check({class_name}())
"""


def make_plugin(name: str, parent: Path) -> Path:
    """Write the plugin `name` into a new folder below `parent`, and give that folder."""
    if not (name.isidentifier() and name.islower() and name.isascii() and len(name) <= 40):
        raise Invalid("A plugin's name has lower-case letters, digits and underscores: {name}", name=name)
    folder = parent / f"fieldstone-{name.replace('_', '-')}"
    if folder.exists():
        raise Conflict("The folder {folder} is there already.", folder=folder)
    class_name = "".join(part.capitalize() for part in name.split("_"))
    facts = {"name": name, "dashed": name.replace("_", "-"), "class_name": class_name, "manifest": FILE}
    package = folder / name
    (package / "tests").mkdir(parents=True)
    (folder / "pyproject.toml").write_text(PYPROJECT.format_map(facts), encoding="utf-8")
    (package / "__init__.py").touch()
    (package / "policy.py").write_text(POLICY.format_map(facts), encoding="utf-8")
    (package / "tests" / f"test_{name}.py").write_text(TEST.format_map(facts), encoding="utf-8")
    (package / FILE).write_text(_manifest(name, class_name), encoding="utf-8")
    return folder


def _manifest(name: str, class_name: str) -> str:
    manifest = {
        "name": name,
        "version": "0.1.0",
        "label": class_name,
        "sdk": {"from": SDK_VERSION, "below": SDK_VERSION + 1},
        "class": "guarded",
        "provides": [{"point": "dispatch", "name": name, "object": f"{name}.policy:{class_name}"}],
    }
    return json.dumps(manifest, indent=2) + "\n"
