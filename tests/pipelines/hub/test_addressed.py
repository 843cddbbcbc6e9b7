"""A card on the Hub says how to load its release from there."""

import json
import os
import subprocess
import sys

import pytest
from huggingface_hub import CommitOperationAdd
from huggingface_hub.utils import get_session

from pipelines.hub.package import addressed, read_package
from pipelines.hub.publication import plan_publication
from pipelines.hub.verify import verify


def first_code(card):
    return card.split("```python\n")[1].split("```")[0]


def run(code, folder, **env):
    done = subprocess.run(
        [sys.executable, "-c", f"{code}\nprint(sum(map(len, dataset.values())))"],
        cwd=folder,
        env={**os.environ, "HF_HOME": str(folder / "hf"), **env},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return int(done.stdout)


@pytest.mark.parametrize("version", ["1.0.0", "1.0.1"])
def test_the_first_code_of_a_card_runs_before_and_after(hub, remote, releases, tmp_path, version):
    folder = releases[version]
    expected = {"1.0.0": 20, "1.0.1": 24}[version]
    (tmp_path / folder.name).symlink_to(folder)
    assert run(first_code((folder / "README.md").read_text()), tmp_path) == expected
    remote.publish(folder)
    published = remote.contents(f"v{version}", tmp_path / "there")["README.md"].decode()
    assert f'"{remote.repo}", "preferences", revision="v{version}"' in published
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    assert run(first_code(published), elsewhere, **hub.env) == expected
    assert not verify(f"{remote.repo}@v{version}", api=remote.api).wrong


def test_only_the_card_and_its_hash_differ_from_the_folder(releases):
    package = read_package(releases["1.0.0"])
    there = addressed(package, "org/tiny")
    changed = [name for name, file in there.files.items() if file != package.files[name]]
    assert sorted(changed) == ["README.md", "manifest.json"]
    before = json.loads((package.folder / "manifest.json").read_bytes())
    after = json.loads(there.files["manifest.json"].content)
    assert after["files"].pop("README.md")["sha256"] == there.files["README.md"].sha256
    del before["files"]["README.md"]
    assert after == before
    assert addressed(package, "org/tiny").files == there.files


def test_a_release_that_was_published_before_this_is_complete(remote, releases):
    folder = releases["1.0.0"]
    remote.api.create_repo(remote.repo, repo_type="dataset")
    files = read_package(folder).files
    remote.api.create_commit(
        remote.repo,
        [CommitOperationAdd(name, file.path.read_bytes()) for name, file in files.items()],
        commit_message="Release v1.0.0",
        repo_type="dataset",
    )
    remote.api.create_tag(remote.repo, tag="v1.0.0", repo_type="dataset")
    assert remote.plan(folder).todo == "nothing"


def test_the_page_that_is_printed_is_there(hub, remote, releases):
    publication = plan_publication(releases["1.0.0"], remote.repo, api=remote.api)
    commit = publication.carry_out()
    page = get_session().get(f"{publication.url}/tree/{publication.tag}")
    assert page.status_code == 200
    assert commit[:12] in page.text
    assert get_session().get(f"{publication.url}/tree/v9.9.9").status_code == 404
