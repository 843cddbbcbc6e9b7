"""A release with people's verdicts on the Hub: published, loaded, and verified by a stranger."""

import json

import pytest
from datasets import load_dataset

from builders.gate.settings import GateSettings
from builders.run import write_json
from pipelines.hub.client import connect
from pipelines.hub.verify import verify
from tests.builders.release.reviewed import (
    ROWS,
    few_resamples,
    release,
    reviewed,
    verdicts_of,
)
from tests.ledger_rows import make_run


@pytest.fixture(autouse=True)
def _fast():
    with few_resamples():
        yield


@pytest.fixture(scope="module")
def judged(tmp_path_factory):
    """A release that has passed the gate with people's corrections."""
    out = tmp_path_factory.mktemp("judged")
    run = make_run(out / "run", ROWS, review={"wrong": "correct"})
    settings = GateSettings(benchmarks=False, warn_near_duplicates=1, min_verdicts=10)
    with few_resamples():
        return release(out, [run], [reviewed(out, out / "run")], settings=settings)


def test_published_loaded_and_verified(there, judged, tmp_path):
    commit = there.publish(judged)
    found = verify(there.api, there.repo, "v1.0.0", tmp_path / "there")
    assert (found.commit, found.wrong) == (commit, [])
    assert found.gate[-1].name == "human-agreement"
    assert found.gate[-1].sentence.startswith("49 verdicts: ")
    assert (tmp_path / "there" / "assets" / "calibration.png").read_bytes()[:4] == b"\x89PNG"
    loaded = load_dataset(str(tmp_path / "there"), "verdicts", cache_dir=str(tmp_path / "cache"))
    assert sum(rows.num_rows for rows in loaded.values()) == len(verdicts_of(ROWS))
    feedback = load_dataset(str(tmp_path / "there"), cache_dir=str(tmp_path / "cache"))
    said = [row["human_verdict"] for rows in feedback.values() for row in rows]
    assert sum(summary is not None for summary in said) == 12


def test_figures_that_a_publisher_has_embellished_are_found(there, judged, tmp_path):
    """Somebody publishes it with another client, hashes and all."""
    there.publish(judged)
    manifest = json.loads((judged / "manifest.json").read_text())
    manifest["review"]["gate"]["agreement"]["value"] = 0.99
    manifest["version"] = "1.0.1"
    write_json(tmp_path / "manifest.json", manifest)
    api = connect(there.api.endpoint, "hf_write")
    api.upload_file(
        path_or_fileobj=tmp_path / "manifest.json",
        path_in_repo="manifest.json",
        repo_id=there.repo,
        repo_type="dataset",
    )
    api.create_tag(there.repo, tag="v1.0.1", repo_type="dataset")
    found = verify(there.api, there.repo, "v1.0.1")
    (wrong,) = (finding for finding in found.findings if finding.wrong)
    assert wrong.name == "gate"
    assert "review.gate.agreement.value is stated as 0.99" in wrong.wrong[0]
