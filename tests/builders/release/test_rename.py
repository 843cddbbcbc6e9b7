"""A release under another name, whose history goes on."""

import json

import pytest

from builders.errors import BadInput
from builders.manifest import read_manifest
from builders.release.make import release_runs
from tests.ledger_rows import kept_rows, make_run


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    out = tmp_path_factory.mktemp("renamed")
    first = make_run(out / "one", kept_rows(12))
    second = make_run(out / "two", kept_rows(15))
    release_runs([first], name="old", version="1.2.0", out=out)
    return out, second


def test_history_goes_on_under_the_new_name(made):
    out, run = made
    folder = release_runs(
        [run], name="new", version="1.3.0", out=out, parent=out / "old@v1.2.0", rename=True
    )
    log = (folder / "CHANGELOG.md").read_text()
    assert "- The name was old and is new." in log
    assert log.index("## 1.3.0") < log.index("## 1.2.0\n\nThe first release.")
    manifest = read_manifest(folder)
    assert (manifest.name, manifest.parent_name, manifest.parent_version) == ("new", "old", "1.2.0")
    card = (folder / "README.md").read_text()
    assert "| follows | 1.2.0, under the name old (" in card
    # The next one needs no word.
    folder = release_runs([run], name="new", version="1.3.1", out=out)
    assert "parent_name" not in json.loads((folder / "manifest.json").read_text())


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"parent": "old@v1.2.0"}, "a release of old, not of other; --rename keeps its history"),
        ({"rename": True}, "--rename: name the release under its old name with --parent OLD@"),
        ({"rename": True, "parent": "none"}, "with --parent OLD@"),
        ({"rename": True, "parent": "old@v1.2.0", "name": "old"}, "has the name old already"),
        ({"rename": True, "parent": "old@v1.2.0", "version": "1.1.0"}, "versions go up"),
        ({"rename": True, "parent": "old@v1.2.0", "version": "1.2.1"}, "needs at least 1.3.0"),
    ],
    ids=["no word", "no parent", "none", "the same name", "backward", "too low"],
)
def test_what_is_no_renaming(made, options, says):
    out, run = made
    parent = options.pop("parent", None)
    with pytest.raises(BadInput, match=says):
        release_runs(
            [run],
            **{"name": "other", "version": "1.4.0", **options},
            out=out,
            parent=parent if parent in (None, "none") else out / parent,
        )


def test_the_parent_is_found_by_its_name(made, tmp_path, monkeypatch):
    from pathlib import Path

    out, run = made
    monkeypatch.chdir(tmp_path)
    folder = release_runs(
        [run], name="third", version="1.3.0", out=out, parent=Path("old@v1.2.0"), rename=True
    )
    assert read_manifest(folder).parent_name == "old"
