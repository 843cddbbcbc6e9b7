"""`srt_feedback.load`: the rows of the version that was asked for, or an error."""

import json
import shutil

import pytest

from builders.rows.schema import FEEDBACK
from tests.running_hub import running_hub

# One worker makes what they share.
pytestmark = pytest.mark.xdist_group("load")

ROWS = """
import srt_feedback
rows = srt_feedback.load({release!r}, {config!r})
print(sum(map(len, rows.values())))
"""
NAME = "my-org/my-feedback"


def count(place, release, config="ledger", **environment):
    return int(place.python(ROWS.format(release=release, config=config), **environment))


def complaint(place, release, config="ledger", **environment):
    return place.python(ROWS.format(release=release, config=config), fails=True, **environment)


def test_each_version_gives_its_own_rows(place):
    assert count(place, f"{NAME}@v1.0.0") == 3
    assert count(place, f"{NAME}@v1.1.0") == 4
    assert count(place, "releases/my-feedback@v1.0.0") == 3


def test_the_default_config_and_a_split(place):
    code = f"""
import srt_feedback
rows = srt_feedback.load("{NAME}@v1.0.0", split="train")
print(*rows.column_names)
"""
    assert place.python(code).split() == list(FEEDBACK)


def test_a_commit_is_read_offline_once_it_was_downloaded(place):
    code = f"""
import srt_feedback
print(srt_feedback.verify("{NAME}@v1.0.0")["commit"])
"""
    commit = place.python(code)
    assert count(place, f"{NAME}@{commit}") == 3
    assert count(place, f"{NAME}@{commit}", HF_HUB_OFFLINE="1") == 3


@pytest.mark.parametrize(
    ("release", "config", "says"),
    [
        (f"{NAME}@v9.9.9", "feedback", "v9.9.9"),
        ("my-org/nothing@v1.0.0", "feedback", "my-org/nothing"),
        (f"{NAME}@v1.0.0", "preferences", "has no 'preferences'"),
        (NAME, "feedback", "neither a folder nor ORG/NAME@vX.Y.Z"),
        (f"{NAME}@main", "feedback", "neither a folder nor ORG/NAME@vX.Y.Z"),
        ("runs/of-3", "feedback", "manifest.json"),
        ("", "feedback", "neither a folder nor"),
    ],
)
def test_what_does_not_exist_is_one_clear_line(place, release, config, says):
    line = complaint(place, release, config)
    assert line.startswith("builders.errors.BadInput: ")
    assert says in line


def test_a_split_that_does_not_exist(place):
    code = f'import srt_feedback; srt_feedback.load("{NAME}@v1.0.0", split="dev")'
    assert "has no split 'dev'; it has " in place.python(code, fails=True)


def test_a_stale_cache_is_not_used_when_the_hub_cannot_be_asked(place):
    """`datasets.load_dataset` returns the version that it has in its cache (#7928)."""
    assert count(place, f"{NAME}@v1.0.0") == 3
    for environment in ({"HF_HUB_OFFLINE": "1"}, {"HF_ENDPOINT": "http://127.0.0.1:9"}):
        for version in ("v1.1.0", "v1.0.0", "v9.9.9"):
            line = complaint(place, f"{NAME}@{version}", **environment)
            assert line.startswith("builders.errors.BadInput: ")
            assert NAME in line


def test_a_folder_that_was_replaced_gives_its_new_rows(place):
    """`datasets.load_dataset` of a folder returns the rows it has cached under that name."""
    copy = place.folder / "releases" / "copy@v1.0.0"
    shutil.copytree(place.folder / "releases/my-feedback@v1.0.0", copy)
    assert count(place, "releases/copy@v1.0.0") == 3
    shutil.rmtree(copy)
    shutil.copytree(place.folder / "releases/my-feedback@v1.1.0", copy)
    assert count(place, "releases/copy@v1.0.0") == 4


def test_a_tag_whose_release_is_of_another_version(place, tmp_path):
    from tests.hub import commit_files

    release = place.folder / "releases/my-feedback@v1.0.0"
    files = {
        path.relative_to(release).as_posix(): path.read_bytes()
        for path in release.rglob("*")
        if path.is_file()
    }
    with running_hub(tmp_path / "other") as other:
        commit_files(other.url, NAME, files, "v2.0.0")
        environment = {**other.env, "HF_HOME": str(tmp_path / "hf")}
        line = complaint(place, f"{NAME}@v2.0.0", **environment)
    assert "the commit there holds version 1.0.0" in line


@pytest.mark.parametrize(
    ("damage", "says"),
    [
        (lambda text: text[: len(text) // 2], "manifest.json"),
        (lambda text: text.replace('"configs"', '"config"'), "configs"),
        (lambda text: json.dumps([text]), "manifest.json"),
        (lambda text: text.replace('"ledger/', '"ledger/../ledger/x'), "ledger"),
    ],
)
def test_a_damaged_manifest_is_one_clear_line(place, tmp_path, damage, says):
    copy = tmp_path / "damaged@v1.0.0"
    shutil.copytree(place.folder / "releases/my-feedback@v1.0.0", copy)
    manifest = copy / "manifest.json"
    manifest.write_text(damage(manifest.read_text()))
    line = complaint(place, str(copy))
    assert line.startswith("builders.errors.BadInput: ")
    assert says in line
