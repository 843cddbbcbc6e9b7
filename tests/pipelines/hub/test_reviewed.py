"""A release with people's verdicts on the Hub: published, loaded, and verified by a stranger."""

import json

import pytest
from datasets import load_dataset

from builders.files.atomic import write_json
from builders.settings import GateSettings
from pipelines.hub.client import connect
from pipelines.hub.verify import verify
from tests.builders.release.reviews.reviewed import ROWS, release, reviewed, verdicts_of
from tests.ledger_rows import make_run


@pytest.fixture(scope="module")
def judged(tmp_path_factory):
    """A release that has passed the gate with people's corrections."""
    out = tmp_path_factory.mktemp("judged")
    run = make_run(out / "run", ROWS, review={"wrong": "correct"})
    settings = GateSettings(benchmarks=False, warn_near_duplicates=1, min_verdicts=10)
    return release(out, [run], [reviewed(out, out / "run")], settings=settings)


def test_published_loaded_and_verified(remote, judged, tmp_path):
    commit = remote.publish(judged)
    found = verify(f"{remote.repo}@v1.0.0", tmp_path / "there", api=remote.api)
    assert (found.commit, found.wrong) == (commit, [])
    assert found.gate[-1].name == "human-agreement"
    assert found.gate[-1].sentence.startswith("49 verdicts: ")
    # Programs read of each check what the manifest says of it.
    stated = json.loads((judged / "manifest.json").read_text())["gate"]["checks"]
    assert json.loads(json.dumps(found.facts()))["gate"] == stated
    assert (tmp_path / "there" / "assets" / "calibration.png").read_bytes()[:4] == b"\x89PNG"
    loaded = load_dataset(str(tmp_path / "there"), "verdicts", cache_dir=str(tmp_path / "cache"))
    assert sum(rows.num_rows for rows in loaded.values()) == len(verdicts_of(ROWS))
    feedback = load_dataset(str(tmp_path / "there"), cache_dir=str(tmp_path / "cache"))
    said = [row["human_verdict"] for rows in feedback.values() for row in rows]
    assert sum(summary is not None for summary in said) == 12


def test_figures_that_a_publisher_has_embellished_are_found(remote, judged, tmp_path):
    """Somebody publishes it with another client, hashes and all."""
    commit = remote.publish(judged)
    manifest = json.loads(remote.contents(commit, tmp_path / "published")["manifest.json"])
    manifest["review"]["gate"]["agreement"]["value"] = 0.99
    manifest["version"] = "1.0.1"
    write_json(tmp_path / "manifest.json", manifest)
    api = connect(remote.api.endpoint, "hf_write")
    api.upload_file(
        path_or_fileobj=tmp_path / "manifest.json",
        path_in_repo="manifest.json",
        repo_id=remote.repo,
        repo_type="dataset",
    )
    api.create_tag(remote.repo, tag="v1.0.1", repo_type="dataset")
    found = verify(f"{remote.repo}@v1.0.1", api=remote.api)
    (wrong,) = (finding for finding in found.findings if finding.wrong)
    assert wrong.name == "gate"
    assert "review.gate.agreement.value is stated as 0.99" in wrong.wrong[0]
