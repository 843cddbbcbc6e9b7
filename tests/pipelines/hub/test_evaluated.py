"""Win rates on the Hub: a release that carries an evaluation, and a checkpoint with its own."""

import json
import re
import signal

import pytest
import yaml
from datasets import load_dataset
from huggingface_hub import EvalResultEntry, ModelCard, parse_eval_result_entries

from builders.errors import BadInput
from builders.evaluation.result import Benchmark
from builders.files.atomic import write_json
from builders.files.hashes import sha256_of_file
from pipelines.hub.checkpoint_card import attach_evaluation
from pipelines.hub.publication import plan_publication
from pipelines.hub.verify import verify
from pipelines.release import release
from tests.builders.evaluation.planted import evaluated
from tests.cards.test_model_card import FACTS
from tests.ledger_rows import kept_rows, make_run
from tests.pipelines.hub.conftest import HubRepository
from tests.pipelines.hub.proxy import on

OWN = "a" * 64
BENCHMARK = Benchmark(dataset="org/bench", task="easy/first")


@pytest.fixture(scope="module")
def released(tmp_path_factory):
    """A release that has passed the gate with the win rates of the checkpoint that drafted it."""
    out = tmp_path_factory.mktemp("evaluated")
    gate = {"benchmarks": False, "warn_near_duplicates": 1}
    run, _ = make_run(out / "run", kept_rows(40, first=5000), gate=gate)
    recipe = {"name": "test", "drafts": {"model": "x", "training_sha256": OWN}}
    run.recipe_path.write_text(json.dumps(recipe))
    evaluation = evaluated(out / "stage2", weights=OWN)
    return release([out / "run"], name="tiny", version="1.0.0", out=out, evaluations=[evaluation])


def killed(srt, proxy, request_line, *words):
    """The command is killed once the Hub has answered a request, of which it never hears."""
    process = srt.start(*words, endpoint=proxy.url)
    proxy.fault = on(request_line, "after", process.kill)
    process.communicate(timeout=120)
    assert process.returncode == -signal.SIGKILL


def test_a_release_killed_while_it_is_published_then_verified_by_a_stranger(
    srt, remote, proxy, released, tmp_path
):
    words = ("publish", released, "--repo", remote.repo)
    killed(srt, proxy, r"/commit/", *words)
    assert remote.tags() == {}
    srt(*words)
    assert remote.commits()[:-1] == ["Release v1.0.0"]
    shown = srt("verify", f"{remote.repo}@v1.0.0", "--dir", tmp_path / "there").stdout
    assert "WRONG" not in shown
    assert "every check ran again" in shown
    rows = load_dataset(str(tmp_path / "there"), "evaluations", cache_dir=str(tmp_path / "cache"))
    preferences = [row["preference"] for row in rows["test"]]
    rate = sum(preferences) / len(preferences)
    card = (tmp_path / "there/README.md").read_text()
    assert re.search(rf"^\| raw \| {100 * rate:.1f}% \(", card, re.MULTILINE)
    assert (tmp_path / "there/assets/evaluate-1.png").read_bytes()[:4] == b"\x89PNG"


def test_a_win_rate_that_a_publisher_has_embellished_is_found(remote, released, tmp_path):
    """With another client, hashes and all."""
    commit = remote.publish(released)
    manifest = json.loads(remote.contents(commit, tmp_path / "there")["manifest.json"])
    manifest["evaluations"][0]["parts"]["answer"]["raw"]["value"] = 0.99
    manifest["version"] = "1.0.1"
    write_json(tmp_path / "manifest.json", manifest)
    remote.api.upload_file(
        path_or_fileobj=tmp_path / "manifest.json",
        path_in_repo="manifest.json",
        repo_id=remote.repo,
        repo_type="dataset",
    )
    remote.api.create_tag(remote.repo, tag="v1.0.1", repo_type="dataset")
    found = verify(f"{remote.repo}@v1.0.1", api=remote.api)
    (wrong,) = (finding for finding in found.findings if finding.wrong)
    assert wrong.name == "gate"
    assert "evaluations.stage2.answer.raw is stated as 0.99" in wrong.wrong[0]


@pytest.fixture
def checkpoint(tmp_path):
    folder = tmp_path / "stage2"
    folder.mkdir()
    (folder / "training.json").write_text(json.dumps(FACTS))
    (folder / "model.safetensors").write_bytes(bytes(range(256)) * 50)
    return folder


def entries_at(remote, tag, folder):
    """The entries that the Hub reads from the folder at a tag, by file."""
    snapshot = remote.api.snapshot_download(remote.repo, revision=tag, local_dir=folder / tag)
    files = sorted((folder / tag / ".eval_results").glob("*"))
    assert ModelCard.load(f"{snapshot}/README.md").data.eval_results is None
    return {
        file.name: parse_eval_result_entries(yaml.safe_load(file.read_text())) for file in files
    }


def test_a_checkpoint_and_its_entry_for_the_hub(srt, hub, proxy, checkpoint, tmp_path):
    remote = HubRepository(hub, "model")
    weights = sha256_of_file(checkpoint / "training.json")
    first = evaluated(tmp_path / "first", BENCHMARK, weights=weights)
    words = ("publish", checkpoint, "--yes", "--repo", remote.repo, "--tag", "v1.0.0")
    before = sorted(checkpoint.rglob("*"))
    told = srt(*words, "--evaluation", first, "--dry-run").stderr
    assert "would add their files" in told
    assert sorted(checkpoint.rglob("*")) == before
    killed(srt, proxy, r"/commit/", *words, "--evaluation", first)
    assert remote.tags() == {}
    # What was put into the checkpoint is still there: the evaluation need not be named again.
    srt(*words)
    assert remote.commits()[:-1] == ["Release v1.0.0"]
    entries = entries_at(remote, "v1.0.0", tmp_path)
    (entry,) = entries["easy-first.yaml"]
    assert isinstance(entry, EvalResultEntry)
    assert (entry.dataset_id, entry.task_id) == ("org/bench", "easy/first")
    figures = json.loads((first / "evaluate.json").read_text())["parts"]["answer"]
    assert entry.value == round(100 * figures["length_controlled"]["value"]["value"], 2)
    # The next one names no benchmark: the entry of the first one would be of other judgments.
    second = evaluated(tmp_path / "second", weights=weights)
    srt(*words[:-1], "v1.1.0", "--evaluation", second)
    assert entries_at(remote, "v1.1.0", tmp_path) == {}
    assert entries_at(remote, "v1.0.0", tmp_path / "again") == entries


def test_a_checkpoint_that_was_trained_again_has_no_evaluation(hub, checkpoint, tmp_path):
    remote = HubRepository(hub, "model")
    weights = sha256_of_file(checkpoint / "training.json")
    attach_evaluation(checkpoint, evaluated(tmp_path / "evaluation", weights=weights))
    (checkpoint / "training.json").write_text(json.dumps({**FACTS, "steps": 240}))
    with pytest.raises(BadInput, match=r"evaluation: an evaluation of our-model, not of .* as it"):
        plan_publication(checkpoint, remote.repo, tag="v1.0.0", api=remote.api)
