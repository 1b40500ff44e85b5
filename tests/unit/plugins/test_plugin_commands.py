"""`fieldstone plugin`: what an author does first."""

import json
import subprocess
import sys

import pytest
from click.testing import CliRunner

from fieldstone.platform.kernel.errors import Conflict, Invalid, Misconfigured
from fieldstone.plugins.cli.plugin import plugin
from fieldstone.plugins.host.conformance import DispatchKit
from fieldstone.plugins.host.manifest import read_manifest
from fieldstone.plugins.host.scaffold import make_plugin
from fieldstone.plugins.sdk.dispatch import Ranking


def test_a_new_plugin_passes_its_own_check_and_its_own_tests(tmp_path):
    runner = CliRunner()
    made = runner.invoke(plugin, ["new", "fewest_jobs", "--folder", str(tmp_path)])
    assert made.exit_code == 0, made.output
    folder = tmp_path / "fieldstone-fewest-jobs"
    checked = runner.invoke(plugin, ["check", str(folder)])
    assert checked.exit_code == 0, checked.output
    assert "fewest_jobs: keeps the dispatch contract." in checked.output
    tests = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"], cwd=folder, capture_output=True, text=True
    )
    assert tests.returncode == 0, tests.stdout


def test_a_second_plugin_of_that_name_is_refused(tmp_path):
    make_plugin("twice", tmp_path)
    with pytest.raises(Conflict):
        make_plugin("twice", tmp_path)


@pytest.mark.parametrize("name", ["../escape", "Upper", "1st", "a-b", ""])
def test_names_that_cannot_be_a_package_are_refused(tmp_path, name):
    with pytest.raises(Invalid):
        make_plugin(name, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_the_installed_plugins_are_listed_with_what_they_offer():
    listed = CliRunner().invoke(plugin, ["list", "--json"])
    assert {"dispatch:nearest", "dispatch:skill_match"} <= set(json.loads(listed.output)[0]["offers"])


def test_the_kit_finds_a_policy_that_loses_resources():
    class Loses:
        def rank(self, request):
            return Ranking()

    with pytest.raises(Exception, match="not every resource"):
        DispatchKit().check(Loses())


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"sdk": {"from": 9, "below": 10}}, "needs SDK 9"),
        ({"class": "root"}, "is not one of"),
        ({"provides": []}, "non-empty|too short"),
        ({"name": "Bad Name"}, "does not match"),
    ],
)
def test_a_manifest_that_does_not_fit_is_refused_with_the_reason(tmp_path, change, words):
    folder = make_plugin("fits", tmp_path)
    file = folder / "fits" / "fieldstone-plugin.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | change))
    with pytest.raises(Misconfigured, match=words):
        read_manifest(file)
