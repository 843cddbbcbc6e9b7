"""Manifests of runs: each type is checked where one is read."""

import json

import pytest

from builders.errors import BadInput
from builders.ledger.manifest import RunManifest
from builders.ledger.run import open_complete_run
from builders.review.folder import digest_of
from tests.ledger_rows import kept_rows, make_run


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """A run and the text of its manifest."""
    run, _ = make_run(tmp_path_factory.mktemp("manifests") / "run", kept_rows(2))
    return run, run.manifest_path.read_text()


@pytest.fixture
def rewrite(whole):
    run, text = whole
    yield lambda change: run.manifest_path.write_text(json.dumps(change(json.loads(text)))) and run
    run.manifest_path.write_text(text)


def test_what_is_read_is_the_whole_manifest(rewrite):
    run = rewrite(lambda facts: {**facts, "note": "a key of the user's"})
    assert run.read_manifest().note == "a key of the user's"
    assert run.read_manifest().funnel.kept == 2


@pytest.mark.parametrize("key", ["about", "name", "checkpoints", "versions", "gate"])
def test_a_key_that_an_older_version_did_not_write_may_be_missing(rewrite, key):
    run = rewrite(lambda facts: {name: facts[name] for name in facts if name != key})
    default = RunManifest.model_fields[key].default
    assert getattr(run.read_manifest(), key) == default


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("funnel", {"rows": 2}),
        ("funnel", None),
        ("license", 3),
        ("language", "en"),
        ("seed", "0"),
        ("test_share", "half"),
        ("models", {"draft": "tiny"}),
        ("checkpoints", [{"stage": 1}]),
        ("gate", {"secrets": "forgive"}),
        ("files", {"ledger/part-000000.parquet": None}),
    ],
)
def test_a_wrong_value_is_one_line_with_its_key(rewrite, key, value):
    run = rewrite(lambda facts: {**facts, key: value})
    with pytest.raises(BadInput, match=rf"manifest\.json: not a run's manifest \({key}") as error:
        open_complete_run(run.folder)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"\xff\xfe{}"])
def test_what_is_no_manifest_at_all_is_one_line(whole, rewrite, content):
    run = whole[0]
    run.manifest_path.write_bytes(content)
    for read in (open_complete_run, digest_of):
        with pytest.raises(BadInput, match="not a run's manifest") as error:
            read(run.folder)
        assert "\n" not in str(error.value)


def test_a_run_without_hashes_has_no_digest(rewrite):
    run = rewrite(lambda facts: {name: facts[name] for name in facts if name != "files"})
    with pytest.raises(BadInput, match=r"\(files: Field required\)"):
        digest_of(run.folder)
