"""Models by their names on the Hub: at a revision, with what they say of their training."""

import json

import pytest

from builders.audit.freeze import freeze_file
from builders.audit.frozen import open_set
from builders.errors import BadInput
from pipelines.audit.judges import judge_of
from pipelines.audit.leaks import leaks_of, own_names
from pipelines.audit.run import AuditRequest, run_audit
from pipelines.hub.client import connect
from tests.builders.release.releases import ids, release_of
from tests.ledger_rows import kept_rows
from tests.running_hub import running_hub
from tests.tiny_model import save_tiny_model, tiny_model

ROWS = list(kept_rows(30))


@pytest.fixture(scope="module")
def hub(tmp_path_factory):
    """A Hub with two versions of a tiny model, a release, and checkpoints trained on it."""
    folder = tmp_path_factory.mktemp("hub")
    with running_hub(folder / "served") as running:
        api = connect(running.url, False)

        def push(repo, path, tag, repo_type="model"):
            api.create_repo(repo, repo_type=repo_type, exist_ok=True)
            commit = api.upload_folder(repo_id=repo, folder_path=path, repo_type=repo_type).oid
            api.create_tag(repo, tag=tag, repo_type=repo_type)
            return commit

        tiny = save_tiny_model(folder / "tiny")
        push("org/tiny", tiny, "v1")
        tiny_model(1).save_pretrained(tiny)
        push("org/tiny", tiny, "v2")
        release = release_of(folder / "releases", ROWS)
        commit = push("org/pairs", release, "v1.0.0", "dataset")
        trained = {
            "name": "stage1",
            "stage": 1,
            "trained": {"started_at": "2099-01-01T00:00:00+00:00", "ended_at": None},
            "base_model": {"name": "org/tiny", "on_hub": True},
            "recipe": {"release": "org/pairs", "model_name_or_path": "org/tiny"},
            "release": {
                "name": "tiny",
                "version": "1.0.0",
                "repo": "org/pairs",
                "commit": commit,
            },
        }
        (tiny / "training.json").write_text(json.dumps(trained))
        push("org/stage1", tiny, "v1.0.0")
        base = {"name": "org/stage1", "on_hub": True}
        elsewhere = {"name": "other", "version": "2.0.0", "repo": "org/gone", "commit": "0" * 40}
        facts = trained | {"name": "stage2", "base_model": base, "release": elsewhere}
        facts["recipe"] = {"model_name_or_path": "stage1", "model_revision": "v1.0.0"}
        (tiny / "training.json").write_text(json.dumps(facts))
        push("org/stage2", tiny, "v1.0.0")
        running.trained_on = ids(release, "feedback", "train")
        yield running


@pytest.fixture(autouse=True)
def _client(hub, tmp_path, monkeypatch):
    """The client reads its environment when it is imported; so its constants are set."""
    monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", hub.url)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(
        "huggingface_hub.constants.HUGGINGFACE_CO_URL_TEMPLATE",
        hub.url + "/{repo_id}/resolve/{revision}/{filename}",
    )


@pytest.fixture
def trained_set(hub, tmp_path):
    """A set of an instruction that stage 1 was trained on and of one that it was not."""
    trained = next(row for row in ROWS if row["id"] in hub.trained_on)
    texts = [trained["instruction"], "How do you tie a bowline with one hand in a small boat?"]
    lines = [
        json.dumps(
            {"id": str(n), "instruction": text, "answer_a": "x", "answer_b": "y", "better": "a"}
        )
        for n, text in enumerate(texts)
    ]
    (tmp_path / "pairs.jsonl").write_text("\n".join(lines))
    return freeze_file(tmp_path / "pairs.jsonl", tmp_path / "trained", license="mit")


def test_two_revisions_of_a_model_are_two_models(make_set):
    # The tiny model reads bytes, and its replies are rubbish.
    place, audit = run_audit(
        AuditRequest("org/tiny@v2", make_set(3), against="org/tiny@v1", max_new_tokens=2)
    )
    assert (audit.model.name, audit.comparisons[0].judge.name) == ("org/tiny@v2", "org/tiny@v1")
    assert audit.model.fingerprint != audit.comparisons[0].judge.fingerprint
    assert audit.comparisons[0].same_instrument
    assert place.name == "org-tiny-v2"
    assert "What org/tiny@v2 was trained on is not known" in audit.pairs.contamination


def test_what_a_published_checkpoint_was_trained_on(trained_set):
    model = judge_of("org/stage1@v1.0.0", trained_set)
    assert model.trained
    leaks = leaks_of([model], trained_set)
    assert leaks.ids == {"0"}
    assert leaks.sentence == (
        "org/stage1@v1.0.0 was trained on tiny 1.0.0, which has 1 of these pairs' instructions or "
        "similar ones."
    )
    assert {"org/stage1", "org/tiny", "stage1"} <= own_names(model)


def test_what_its_base_on_the_hub_was_trained_on(trained_set):
    leaks = leaks_of([judge_of("org/stage2", trained_set)], trained_set)
    assert leaks.ids == {"0"}
    assert "other 2.0.0 cannot be read here" in leaks.sentence
    assert "tiny 1.0.0" in leaks.sentence


@pytest.mark.parametrize(
    ("name", "problem"),
    [
        ("org/none", "org/none: .* has no such repository"),
        ("org/tiny@v9", "org/tiny@v9: no such revision"),
        ("org/tiny--no@v1", "cannot name a repository"),
    ],
)
def test_what_the_hub_does_not_have(make_set, name, problem):
    with pytest.raises(BadInput, match=problem):
        judge_of(name, open_set(make_set(3)))
