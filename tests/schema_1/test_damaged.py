"""Manifests of schema 1.1 that are damaged: one line each, and exit status 2."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from builders.errors import BadInput
from pipelines.hub.verify import verify
from tests.hub import running_hub
from tests.pipelines.hub.conftest import HubRepository, contents

RUN = "runs/questions/manifest.json"
REVIEW = "reviews/questions/review.json"
RELEASE = "releases/questions@v1.0.0/manifest.json"

Damage = Callable[[bytes], bytes]


def cut(text: bytes) -> bytes:
    return text[: len(text) // 2]


def a_list(text: bytes) -> bytes:
    return b"[]"


def no_text(text: bytes) -> bytes:
    return b"\xff\xfe" + text


def without(key: str) -> Damage:
    return _changed(lambda facts: {name: facts[name] for name in facts if name != key})


def with_(**values: Any) -> Damage:
    return _changed(lambda facts: {**facts, **values})


def _changed(change: Callable[[dict], dict]) -> Damage:
    return lambda text: json.dumps(change(json.loads(text))).encode()


WHOLE = [
    pytest.param(cut, id="cut"),
    pytest.param(a_list, id="list"),
    pytest.param(no_text, id="not-utf-8"),
]
OF_RUNS = [
    *WHOLE,
    *(
        pytest.param(without(key), id=f"no-{key}")
        for key in ("files", "funnel", "licence", "models", "schema_version", "stage")
    ),
    *(
        pytest.param(with_(**{key: value}), id=f"{key}-{value!r}")
        for key, value in (
            ("about", 3),
            ("checkpoints", "many"),
            ("files", []),
            ("filters", "many"),
            ("funnel", "many"),
            ("funnel", {}),
            ("gate", 3),
            ("language", None),
            ("licence", ["mit"]),
            ("models", 3),
            ("recipe_sha256", 3),
            ("review", "correct"),
            ("seed", "many"),
            ("stage", "1"),
            ("test_share", "half"),
            ("test_share", None),
            ("schema_version", "9.9"),
        )
    ),
]
OF_REVIEWS = [
    *WHOLE,
    *(pytest.param(without(key), id=f"no-{key}") for key in ("schema", "source", "datasets")),
    *(
        pytest.param(with_(**{key: value}), id=f"{key}-{value!r}")
        for key, value in (
            ("schema", "9.9"),
            ("schema", 1.0),
            ("source", "runs/questions"),
            ("sample", "10"),
            ("assisted", None),
            ("datasets", {}),
        )
    ),
]
OF_RELEASES = [
    *WHOLE,
    *(pytest.param(without(key), id=f"no-{key}") for key in ("name", "files", "configs")),
    *(
        pytest.param(with_(**{key: value}), id=f"{key}-{value!r}")
        for key, value in (
            ("name", 3),
            ("stage", "first"),
            ("files", []),
            ("configs", {"feedback": "train"}),
            ("language", "en"),
            ("gate", {"checks": "all passed"}),
        )
    ),
]


@pytest.fixture
def damaged(work) -> Callable[[str, Damage], Path]:
    def damaged(name: str, damage: Damage) -> Path:
        path = work / name
        path.write_bytes(damage(path.read_bytes()))
        return path

    return damaged


@pytest.mark.parametrize("damage", OF_RUNS)
def test_a_run_is_not_released(refused, work, damaged, damage):
    damaged(RUN, damage)
    assert "runs/questions" in refused(
        "release", "runs/questions", "--name", "new", "--version", "1.0.0"
    )
    assert not list((work / "releases").glob("new@*"))


@pytest.mark.parametrize("damage", [*WHOLE, pytest.param(without("files"), id="no-files")])
def test_a_run_whose_review_is_reported(refused, damaged, damage):
    damaged(RUN, damage)
    assert "runs/questions" in refused("review", "report", "reviews/questions")
    assert "runs/questions" in refused("review", "report", "runs/questions")


@pytest.mark.parametrize("damage", WHOLE)
def test_a_run_is_not_taken_for_unfinished(refused, work, damaged, damage):
    path = damaged(RUN, damage)
    text = path.read_bytes()
    assert "runs/questions" in refused("build", "stage1", "recipes/questions.yaml")
    assert "runs/questions" in refused("status", "runs/questions")
    assert path.read_bytes() == text


@pytest.mark.parametrize("damage", OF_REVIEWS)
def test_a_review_is_not_reported_and_not_released(refused, work, damaged, damage):
    damaged(REVIEW, damage)
    line = refused("review", "report", "reviews/questions")
    assert "reviews/questions/review.json" in line
    words = ("runs/questions", "--name", "new", "--version", "1.0.0")
    assert refused("release", *words, "--review", "reviews/questions") == line
    assert not list((work / "releases").glob("new@*"))


@pytest.mark.parametrize("name", ["drawn", "verdicts", "corrections"])
def test_a_review_with_a_damaged_table(refused, damaged, name):
    path = damaged(f"reviews/questions/{name}.parquet", cut)
    words = ("release", "runs/questions", "--name", "new", "--version", "1.0.0")
    line = refused(*words, "--review", "reviews/questions")
    assert str(path.relative_to(Path.cwd())) in line


@pytest.mark.parametrize("damage", OF_RELEASES)
def test_a_release_is_not_checked(refused, damaged, damage):
    damaged(RELEASE, damage)
    assert RELEASE in refused("check", "releases/questions@v1.0.0")


@pytest.mark.parametrize(
    "damage",
    [
        *WHOLE,
        *(pytest.param(without(key), id=f"no-{key}") for key in ("files", "schema_version")),
        pytest.param(with_(configs=[]), id="configs-[]"),
        pytest.param(with_(files=3), id="files-3"),
    ],
)
def test_a_release_is_no_parent(refused, damaged, damage):
    damaged(RELEASE, damage)
    words = ("release", "runs/questions", "--name", "questions", "--version", "2.0.0")
    parent = ("--out", "new", "--parent", "releases/questions@v1.0.0")
    assert RELEASE in refused(*words, *parent)


@pytest.fixture(scope="module")
def hub(tmp_path_factory):
    with running_hub(tmp_path_factory.mktemp("hub"), token="hf_write") as running:
        yield running


def test_a_release_on_the_hub_is_not_verified(hub, work):
    remote = HubRepository(hub)
    folder = work / "releases/questions@v1.0.0"
    remote.publish(folder)
    whole = contents(folder)["manifest.json"]
    for number, damage in enumerate((cut, a_list, no_text, without("configs"), with_(files=3))):
        tag = f"v9.0.{number}"
        remote.api.upload_file(
            path_or_fileobj=damage(whole),
            path_in_repo="manifest.json",
            repo_id=remote.repo,
            repo_type="dataset",
        )
        remote.api.create_tag(remote.repo, tag=tag, repo_type="dataset")
        with pytest.raises(BadInput, match="not a release's manifest") as error:
            verify(f"{remote.repo}@{tag}", api=remote.api)
        assert "\n" not in str(error.value)
    assert verify(f"{remote.repo}@v1.0.0", api=remote.api).wrong == []
