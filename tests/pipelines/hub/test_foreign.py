"""Files that somebody else put into the repository: they stay, and so does what they mean."""

import json
import os
import pty
import subprocess
import sys
from contextlib import suppress
from hashlib import sha256

import pytest
from huggingface_hub import CommitOperationAdd, CommitOperationDelete

from builders.errors import BadInput, RunFailed
from pipelines.cli.publish import publish as publish_command
from pipelines.hub.foreign import folders_of, foreign_in, in_the_way
from pipelines.hub.package import hashed, is_of_checkpoint
from pipelines.hub.publish import RepositorySettings
from pipelines.hub.verify import verify
from srt_feedback import load
from tests.pipelines.hub.conftest import ROOT, HubRepository, contents

REPLACE = RepositorySettings(replace=True)
REPLACE_CARD = RepositorySettings(replace_card=True)
CARD = b"---\nlicense: mit\n---\n# Mine\n\nWritten by hand.\n"


def put(remote, gone=(), **files):
    """One commit of somebody else, which adds `files` and deletes others."""
    remote.api.create_repo(remote.repo, repo_type=remote.repo_type, exist_ok=True)
    operations = [CommitOperationAdd(n.replace("__", "/"), c) for n, c in files.items()]
    operations += [CommitOperationDelete(name, is_folder=False) for name in gone]
    commit = remote.api.create_commit(
        remote.repo, operations, commit_message="theirs", repo_type=remote.repo_type
    )
    return commit.oid


def names_at(remote, revision="main"):
    return set(
        remote.api.list_repo_files(remote.repo, repo_type=remote.repo_type, revision=revision)
    )


def test_files_of_no_version_stay(remote, releases, tmp_path):
    """Also where they were there before the first version, and came between two."""
    put(remote, **{"notes/plan.md": b"mine", ".gitignore": b"*.parquet\n", "old.csv": b"a\n1\n"})
    plan = remote.plan(releases["1.0.0"])
    assert (plan.deleted, plan.foreign) == ((), (".gitignore", "notes/plan.md", "old.csv"))
    remote.publish(releases["1.0.0"])
    put(remote, **{"gguf/model.gguf": b"GGUF" * 100})
    commit = remote.publish(releases["1.0.1"])
    there = remote.contents("v1.0.1", tmp_path / "there")
    assert {name for name in there if "." in name} > {"old.csv", "gguf/model.gguf"}
    assert there["notes/plan.md"] == b"mine"
    assert {n: c for n, c in there.items() if n in remote.as_sent(releases["1.0.1"])} == (
        remote.as_sent(releases["1.0.1"])
    )
    # Nothing is left to do, by either version's tag.
    assert remote.plan(releases["1.0.0"]).todo == remote.plan(releases["1.0.1"]).todo == "nothing"
    assert remote.publish(releases["1.0.1"]) == commit


def test_they_go_where_that_is_asked_for(remote, releases):
    put(remote, **{"old/part.parquet": b"PAR1", "CHANGELOG.md": b"# Theirs\n"})
    with pytest.raises(BadInput, match=r"CHANGELOG\.md .*would be overwritten; .*--replace"):
        remote.plan(releases["1.0.0"])
    plan = remote.plan(releases["1.0.0"], settings=REPLACE)
    assert (plan.deleted, plan.foreign) == (("old/part.parquet",), ())
    remote.publish(releases["1.0.0"], settings=REPLACE)
    assert names_at(remote) == {*remote.as_sent(releases["1.0.0"]), ".gitattributes"}


def test_what_a_version_published_goes_with_the_next(remote, releases, tmp_path):
    """The files of an earlier version, even one that is not the last, but not as others left it."""
    first = releases["1.0.0"]
    put(remote, **{"notes.md": b"mine"})
    remote.publish(first)
    stale = json.loads((first / "manifest.json").read_text())
    extra = {"rows/train-00000-of-00001.parquet": b"PAR1 of a version", "rows/a.txt": b"small"}
    stale["version"] = "1.0.1"
    for name, content in extra.items():
        path = tmp_path / "extra"
        path.write_bytes(content)
        stale["files"][name] = {"sha256": hashed(path).sha256, "bytes": len(content)}
    files = {"manifest.json": json.dumps(stale).encode(), **extra}
    put(remote, **files)
    remote.api.create_tag(remote.repo, tag="v1.0.1", repo_type="dataset")
    plan = remote.plan(releases["1.1.0"])
    assert (plan.deleted, plan.foreign) == (tuple(sorted(extra)), ("notes.md",))
    put(remote, **{"rows/a.txt": b"other"})
    plan = remote.plan(releases["1.1.0"])
    assert (plan.deleted, plan.foreign) == (
        ("rows/train-00000-of-00001.parquet",),
        ("notes.md", "rows/a.txt"),
    )
    remote.publish(releases["1.1.0"])
    assert names_at(remote) == {
        *remote.as_sent(releases["1.1.0"]),
        ".gitattributes",
        "notes.md",
        "rows/a.txt",
    }


def test_a_commit_that_got_no_tag_is_not_somebody_elses(remote, proxy, through, releases):
    proxy.fault = lambda number, request: "before" if "/tag/" in request else None
    with pytest.raises(RunFailed):
        remote.publish(releases["1.0.0"], through)
    plan = remote.plan(releases["1.0.1"])
    assert (plan.todo, plan.foreign, plan.card_difference) == ("commit", (), None)
    remote.publish(releases["1.0.1"])


def test_a_card_of_somebody_else_is_shown_and_stays(remote, releases):
    put(remote, **{"README.md": CARD})
    plan = remote.plan(releases["1.0.0"])
    assert "-Written by hand." in plan.card_difference.splitlines()
    assert "+# tiny 1.0.0" in plan.card_difference.splitlines()
    with pytest.raises(BadInput, match=r"is not the card of the last version.*--replace-card"):
        remote.publish(releases["1.0.0"])
    # The other word is not for it.
    with pytest.raises(BadInput, match="--replace-card"):
        remote.publish(releases["1.0.0"], settings=REPLACE)
    assert remote.tags() == {}
    remote.publish(releases["1.0.0"], settings=REPLACE_CARD)
    # From then on it is the version's.
    remote.publish(releases["1.0.1"])
    card = remote.as_sent(releases["1.0.1"])["README.md"]
    put(remote, **{"README.md": card + b"\n## Errata\n"})
    plan = remote.plan(releases["1.1.0"])
    assert "-## Errata" in plan.card_difference.splitlines()
    assert remote.plan(releases["1.0.1"]).todo == "nothing"


def test_a_card_that_was_put_back_is_a_versions(remote, releases):
    remote.publish(releases["1.0.0"])
    first = remote.as_sent(releases["1.0.0"])["README.md"]
    remote.publish(releases["1.0.1"])
    put(remote, **{"README.md": first})
    assert remote.plan(releases["1.1.0"]).card_difference is None


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("preferences/train-mine.parquet", "would be loaded as rows of preferences/train"),
        ("preferences", "is in the place of another file"),
        ("README.md/notes.txt", "is in the place of another file"),
        ("dataset_infos.json", "is read in place of the card"),
        (".huggingface.yaml", "is read in place of the card"),
        ("manifest.json", "would be overwritten"),
    ],
)
def test_a_file_that_cannot_be_beside_a_release(remote, releases, name, reason):
    put(remote, **{name: b"{}"})
    with pytest.raises(BadInput, match=f"{name}.* {reason}.*--replace"):
        remote.plan(releases["1.0.0"])
    remote.publish(releases["1.0.0"], settings=REPLACE)
    assert remote.tags().keys() == {"v1.0.0"}


def test_a_script_of_the_repositorys_name(remote, releases):
    put(remote, **{f"{remote.repo.split('/')[1]}.py": b"raise SystemExit"})
    with pytest.raises(BadInput, match="is read in place of the card"):
        remote.plan(releases["1.0.0"])


def test_readers_bear_files_beside_a_release(hub, remote, releases, tmp_path, monkeypatch):
    put(remote, **{"notes.md": b"mine", "data/train-00000-of-00001.parquet": b"no parquet"})
    remote.publish(releases["1.0.0"])
    found = verify(f"{remote.repo}@v1.0.0", tmp_path / "kept", api=remote.api)
    assert found.wrong == []
    assert found.facts()["foreign"] == ["data/train-00000-of-00001.parquet", "notes.md"]
    (files,) = (finding for finding in found.findings if finding.name == "files")
    assert "2 other files in the repository" in files.holds
    assert contents(tmp_path / "kept").keys() == remote.as_sent(releases["1.0.0"]).keys()
    # A consumer of the folder gets the release.
    assert load(tmp_path / "kept", split="train").num_rows == 20


def test_a_card_that_loads_more_than_the_release(remote, releases):
    """Card and manifest agree, and a file that neither names is read all the same."""
    remote.publish(releases["1.0.0"])
    sent = remote.as_sent(releases["1.0.0"])
    card = sent["README.md"].replace(b"path: preferences/train-*", b"path: preferences/**")
    assert card != sent["README.md"]
    manifest = json.loads(sent["manifest.json"])
    manifest["files"]["README.md"] = {"sha256": sha256(card).hexdigest(), "bytes": len(card)}
    manifest["version"] = "1.0.1"
    parquet = sent["preferences/train-00000-of-00001.parquet"]
    put(
        remote,
        **{
            "README.md": card,
            "manifest.json": json.dumps(manifest).encode(),
            "preferences/more/rows.parquet": parquet,
        },
    )
    remote.api.create_tag(remote.repo, tag="v1.0.1", repo_type="dataset")
    found = verify(f"{remote.repo}@v1.0.1", api=remote.api)
    (sentence,) = found.wrong
    assert sentence == (
        "preferences/more/rows.parquet is not of the release, and is loaded as rows of "
        "preferences/train"
    )


CHECKPOINT = {
    "training.json": b"{}",
    "README.md": b"# A model\n",
    "model.safetensors": bytes(range(256)) * 8,
}


def test_a_checkpoint_leaves_what_others_made_of_it(hub, tmp_path):
    model, folder = HubRepository(hub, "model"), tmp_path / "stage1"
    folder.mkdir()
    for name, content in CHECKPOINT.items():
        (folder / name).write_bytes(content)
    model.publish(folder, tag="v1.0.0")
    put(model, **{"model-Q4_K_M.gguf": b"GGUF", "onnx/model.onnx": b"ONNX"})
    (folder / "model.safetensors").rename(folder / "adapter_model.safetensors")
    (folder / "README.md").write_bytes(b"# An adapter\n")
    plan = model.plan(folder, tag="v1.1.0")
    assert (plan.deleted, plan.foreign) == (
        ("model.safetensors",),
        ("model-Q4_K_M.gguf", "onnx/model.onnx"),
    )
    model.publish(folder, tag="v1.1.0")
    # They are in a version's tree now, and still nobody's of ours.
    (folder / "README.md").write_bytes(b"# Another\n")
    assert model.plan(folder, tag="v1.2.0").foreign == ("model-Q4_K_M.gguf", "onnx/model.onnx")
    put(model, **{"README.md": b"# Edited\n"})
    assert model.plan(folder, tag="v1.2.0").card_difference
    with pytest.raises(BadInput, match="--replace-card"):
        model.publish(folder, tag="v1.2.0")


def test_the_command_shows_what_stays_and_needs_a_word(srt, remote, releases):
    put(remote, **{"notes.md": b"mine", "README.md": CARD})
    words = ("publish", releases["1.0.0"], "--repo", remote.repo)
    shown = srt(*words, "--dry-run").stdout
    assert "    notes.md  4 B  (of no version: stays)" in shown
    assert "README.md is not the card of the last version. It would lose:" in shown
    assert "    -Written by hand." in shown
    assert " new lines\n" in shown
    ended = srt(*words, "--yes", expect=2)
    assert "--replace-card replaces it" in ended.stderr
    assert srt(*words, "--replace-card").stdout.count("is published") == 1


@pytest.mark.parametrize(("answer", "status"), [(b"n\n", 1), (b"y\n", 0)])
def test_on_a_terminal_the_card_is_asked_about(hub, remote, releases, tmp_path, answer, status):
    put(remote, **{"README.md": CARD})
    leader, follower = pty.openpty()
    words = ("publish", releases["1.0.0"], "--repo", remote.repo)
    process = subprocess.Popen(
        [sys.executable, "-m", "pipelines", *map(str, words)],
        cwd=tmp_path,
        env={**os.environ, **hub.env, "PYTHONPATH": str(ROOT), "TERM": "xterm", "COLUMNS": "120"},
        stdin=follower,
        stdout=follower,
        stderr=follower,
    )
    os.close(follower)
    shown, asked = b"", 0
    with suppress(OSError):  # the terminal's end
        while block := os.read(leader, 4096):
            shown += block
            if shown.count(b"[y/N]") > asked:
                asked += 1
                os.write(leader, answer)
    os.close(leader)
    assert process.wait(60) == status
    assert b"replace the README as shown?" in shown
    assert asked == {1: 1, 0: 2}[status]
    assert (remote.tags() != {}) is (status == 0)


def test_the_help_names_both_words():
    assert {"replace", "replace_card"} <= publish_command.__annotations__.keys()


@pytest.mark.parametrize(
    "name", ["model.gguf", "notes.md", "onnx/model.onnx", "pytorch_model.bin", "LICENSE"]
)
def test_names_that_no_checkpoint_of_ours_has(name):
    assert not is_of_checkpoint(name)


def test_names_of_a_tree():
    assert foreign_in(["a", "b/c", ".gitattributes"], {"a"}) == {"b/c"}
    assert list(folders_of("a")) == []
    assert list(in_the_way({"a/b": None}, {}, "o/n", ["a", "a/b/c", "dataset_infos.json"])) == [
        "a is in the place of another file",
        "a/b/c is in the place of another file",
    ]
