"""A stranger's look at releases that hold, and at others."""

import json
import socket

import pytest
import requests
from hypothesis import given
from hypothesis import strategies as st

from builders.errors import BadInput
from builders.manifest import Manifest, read_manifest
from builders.release.make import release_runs
from builders.versions import version_of_tag
from pipelines.cli.verify import plain
from pipelines.hub.snapshot import wrong_configs
from pipelines.hub.verify import read_address, verify
from tests.ledger_rows import kept_rows, ledger_row, make_run


def committed(remote, tag, **files):
    """Whatever somebody else put into the repository, under a tag of its own."""
    for name, content in files.items():
        remote.api.upload_file(
            path_or_fileobj=content,
            path_in_repo=name.replace("__", "/"),
            repo_id=remote.repo,
            repo_type="dataset",
        )
    remote.api.create_tag(remote.repo, tag=tag, repo_type="dataset")


def found_wrong(remote, tag):
    found = verify(f"{remote.repo}@{tag}", api=remote.api)
    return {finding.name: finding.wrong for finding in found.findings if finding.wrong}


def test_what_was_published_holds(remote, stage1_release, tmp_path):
    commit = remote.publish(stage1_release)
    found = verify(f"{remote.repo}@v1.0.0", tmp_path / "kept", api=remote.api)
    assert (found.commit, found.wrong, found.gate) == (commit, [], [])
    assert (tmp_path / "kept/manifest.json").is_file()
    assert found.facts()["holds"]
    assert [finding.name for finding in found.findings] == ["version", "files", "configs", "gate"]


def test_a_key_that_somebody_let_through_is_found_by_whoever_looks(remote, tmp_path):
    key = "ghp_" + "a1B2c3D4e5" * 3 + "f6G7h8"
    row = ledger_row(0, reason=None) | {"instruction": f"What is wrong with {key}?"}
    run = make_run(tmp_path / "run", [*kept_rows(9, first=1), row], stage=2, test_share=0)
    remote.publish(release_runs([run], name="tiny", version="1.0.0", out=tmp_path))
    (said,) = found_wrong(remote, "v1.0.0")["gate"]
    assert said.startswith("secrets: ")
    assert key not in said


def test_a_file_more_a_file_less_and_another_file(remote, releases):
    remote.publish(releases["1.0.0"])
    committed(remote, "v1.0.1", **{"notes.txt": b"theirs", ".hidden__x": b"", "CHANGELOG.md": b"?"})
    remote.api.delete_file("assets/scores.png", remote.repo, repo_type="dataset")
    remote.api.create_tag(remote.repo, tag="v1.0.2", repo_type="dataset")
    assert found_wrong(remote, "v1.0.2") == {
        "version": ("the manifest is of version 1.0.0, and the tag is v1.0.2",),
        "files": (
            "CHANGELOG.md is another file",
            "assets/scores.png is missing",
        ),
    }
    assert found_wrong(remote, "v1.0.0") == {}


def test_a_card_that_says_something_else(remote, releases):
    remote.publish(releases["1.0.0"])
    card = (releases["1.0.0"] / "README.md").read_text()
    few = card.replace("num_examples: 20", "num_examples: 21", 1)
    committed(remote, "v1.0.1", **{"README.md": few.encode()})
    (sentence,) = found_wrong(remote, "v1.0.1")["configs"]
    assert "card and manifest have different numbers of rows" in sentence
    committed(remote, "v1.0.2", **{"README.md": b"No front matter.\n"})
    assert "preferences is not on the card" in found_wrong(remote, "v1.0.2")["configs"]


@pytest.mark.parametrize("outside", ["/", "../"])
def test_a_release_whose_files_are_the_readers_own(remote, releases, tmp_path, outside):
    """Nothing beside the snapshot is read, whatever card and manifest agree on."""
    remote.publish(releases["1.0.0"])
    mine = releases["1.0.0"] / "preferences/train-00000-of-00001.parquet"
    (tmp_path / "mine.parquet").write_bytes(mine.read_bytes())
    name = str(tmp_path / "mine.parquet") if outside == "/" else "../mine.parquet"
    manifest = json.loads((releases["1.0.0"] / "manifest.json").read_text())
    manifest["configs"]["preferences"]["train"]["files"] = [name]
    card = (releases["1.0.0"] / "README.md").read_text().replace("preferences/train-*", name)
    files = {"README.md": card.encode(), "manifest.json": json.dumps(manifest).encode()}
    committed(remote, "v1.0.1", **files)
    found = verify(f"{remote.repo}@v1.0.1", tmp_path / "kept", api=remote.api)
    (configs,) = (finding.wrong for finding in found.findings if finding.name == "configs")
    assert [sentence for sentence in configs if sentence.startswith("preferences")]


@pytest.mark.parametrize(
    "address", ["http://127.0.0.1:{}/rows", "zip://rows::http://127.0.0.1:{}/rows.zip"]
)
def test_a_card_that_names_another_host_is_not_followed(remote, releases, address):
    remote.publish(releases["1.0.0"])
    with socket.create_server(("127.0.0.1", 0)) as elsewhere:
        elsewhere.setblocking(False)
        named = address.format(elsewhere.getsockname()[1])
        card = (releases["1.0.0"] / "README.md").read_text()
        card = card.replace("preferences/train-*", f'"{named}"')
        assert named in card
        committed(remote, "v1.0.1", **{"README.md": card.encode()})
        (sentence,) = found_wrong(remote, "v1.0.1")["configs"]
        assert f"{named!r} is not a file of the repository" in sentence
        with pytest.raises(BlockingIOError):
            elsewhere.accept()


def test_a_file_that_datasets_reads_in_place_of_the_card_is_not_followed(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as elsewhere:
        elsewhere.setblocking(False)
        address = f"http://127.0.0.1:{elsewhere.getsockname()[1]}/rows.parquet"
        configs = f"configs:\n- config_name: rows\n  data_files: {address}\n"
        (tmp_path / "files").mkdir()
        (tmp_path / "files/.huggingface.yaml").write_text(configs)
        (sentence,) = wrong_configs(tmp_path / "files", {}, tmp_path / "cache")
        assert ".huggingface.yaml is read in place of the card" in sentence
        with pytest.raises(BlockingIOError):
            elsewhere.accept()


def test_a_card_that_takes_long_to_read_is_refused(remote, releases):
    remote.publish(releases["1.0.0"])
    lines = ["l0: &l0 {x: 1}"]
    lines += [f"l{n}: &l{n}\n  <<: [{', '.join([f'*l{n - 1}'] * 9)}]" for n in range(1, 10)]
    card = "---\n" + "\n".join(lines) + "\n---\n"
    # The client has a card checked before it sends it; others need not.
    header = {"key": "header", "value": {"summary": "A card"}}
    file = {"path": "README.md", "content": card, "encoding": "utf-8"}
    sent = requests.post(
        f"{remote.hub.url}/api/datasets/{remote.repo}/commit/main",
        data=json.dumps(header) + "\n" + json.dumps({"key": "file", "value": file}),
        headers={"Authorization": f"Bearer {remote.hub.token}"},
        timeout=60,
    )
    assert sent.status_code == 200
    remote.api.create_tag(remote.repo, tag="v1.0.1", repo_type="dataset")
    (sentence,) = found_wrong(remote, "v1.0.1")["configs"]
    assert "merge keys" in sentence


def test_no_such_release(remote, releases):
    with pytest.raises(BadInput, match="has no such repository"):
        verify(f"{remote.repo}@v1.0.0", api=remote.api)
    remote.publish(releases["1.0.0"])
    with pytest.raises(BadInput, match="no such revision"):
        verify(f"{remote.repo}@v1.0.1", api=remote.api)
    committed(remote, "v2.0.0", **{"manifest.json": b"[]"})
    with pytest.raises(BadInput, match="not a release's manifest"):
        verify(f"{remote.repo}@v2.0.0", api=remote.api)


def test_the_gates_results_are_those_of_the_manifest(tmp_path):
    results = [{"name": "secrets", "status": "pass", "sentence": "no key in 20 rows", "of": 20}]
    manifest = {"name": "n", "version": "1.0.0", "stage": 1, "license": "mit", "language": ["en"]}
    manifest |= {"files": {}, "configs": {}, "gate": {"checks": results}, "schema_version": "2.0"}
    (tmp_path / "manifest.json").write_text(json.dumps(manifest))
    (result,) = read_manifest(tmp_path).gate.checks
    assert (result.name, result.status, result.sentence) == ("secrets", "pass", "no key in 20 rows")


@pytest.mark.parametrize(
    "text", ["org/name", "org/name@1.0.0", "name@v1.0.0", "a/b/c@v1.0.0", "o/n@v1.0", "o/n@v01.0.0"]
)
def test_an_address_that_is_none(text):
    with pytest.raises(BadInput):
        read_address(text)
    assert read_address("org/name@v1.20.3") == ("org/name", "v1.20.3")


def answer_or_complaint(function, given):
    """What the function returns, or the one line that it complains with."""
    try:
        return function(given)
    except BadInput as error:
        (line,) = plain(str(error)).splitlines()
        return line


@given(st.text())
def test_any_text_is_an_address_or_is_refused_in_one_line(text):
    found = answer_or_complaint(read_address, text)
    if not isinstance(found, str):
        assert "@".join(found) == text


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
nearly = st.fixed_dictionaries(
    {
        "name": json_values,
        "version": json_values,
        "files": st.dictionaries(
            st.text(),
            st.fixed_dictionaries(
                {"sha256": st.just("0" * 64) | json_values, "bytes": json_values}
            ),
            max_size=2,
        )
        | json_values,
        "configs": json_values,
        "gate": json_values,
    }
)


@given(
    st.binary(max_size=60) | (json_values | nearly).map(lambda value: json.dumps(value).encode())
)
def test_any_bytes_are_a_manifest_or_are_refused_in_one_line(tmp_path_factory, content):
    folder = tmp_path_factory.getbasetemp()
    (folder / "manifest.json").write_bytes(content)
    assert isinstance(answer_or_complaint(read_manifest, folder), str | Manifest)


@given(st.tuples(*[st.integers(0, 10**9 - 1)] * 3))
def test_versions_compare_as_numbers(version):
    assert version_of_tag("v{}.{}.{}".format(*version)) == version


@given(st.text())
def test_a_strangers_text_is_shown_without_what_a_terminal_obeys(text):
    assert len(plain(text)) == len(text)
    assert plain(text).isprintable()
