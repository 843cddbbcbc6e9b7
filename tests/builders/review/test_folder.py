"""Review folders on disk: their contents, and the errors if they are missing or damaged."""

import json

import pytest
from datasets import Features

from builders.errors import BadInput
from builders.review.folder import (
    DRAWN,
    FACTS,
    UNFINISHED,
    ReviewFacts,
    digest_of,
    open_review,
    review_folder,
    write_facts,
    write_rows,
)
from builders.rows.schema import VERDICTS
from tests.ledger_rows import kept_rows, ledger_row, make_run
from tests.review_folders import make_review, review_json
from tests.verdict_rows import verdict_rows


@pytest.fixture
def source(tmp_path):
    make_run(tmp_path / "runs" / "mine", kept_rows(5))
    return tmp_path / "runs" / "mine"


def test_what_is_written_is_read(tmp_path, source):
    verdicts = verdict_rows(list(kept_rows(5)), ("ann", "bob"))
    correction = {"corrects": "x", **ledger_row(3, reason=None)}
    review = make_review(tmp_path / "reviews" / "mine", source, verdicts, [correction])
    assert review.verdicts() == verdicts
    assert review.corrections() == [correction]
    assert {row["record"] for row in review.drawn()} == {row["record"] for row in verdicts}
    assert review.source == source
    facts = open_review(review.folder).facts
    assert facts.model_dump(by_alias=True) == review_json(source, review.folder)


def test_before_the_first_pull_there_is_no_verdict(tmp_path, source):
    review = make_review(tmp_path / "mine", source, [])
    for name in ("verdicts", "corrections"):
        (review.folder / f"{name}.parquet").unlink()
    assert review.verdicts() == review.corrections() == []


def test_a_source_leads_to_its_review(tmp_path, source, monkeypatch):
    monkeypatch.chdir(tmp_path)
    made = make_review(tmp_path / "reviews" / "mine", source, [])
    assert open_review(source).facts == made.facts
    assert review_folder(source).resolve() == made.folder.resolve()
    other = make_run(tmp_path / "other" / "mine", kept_rows(6))[0].folder
    with pytest.raises(BadInput, match=r"is a review of .*runs/mine, not of .*other/mine"):
        open_review(other)


def test_a_path_relative_to_the_folder_moves_with_both(tmp_path, source):
    review = make_review(tmp_path / "reviews" / "mine", source, [])
    near = review.facts.source.model_copy(update={"path": "../../runs/mine"})
    write_facts(review.folder / FACTS, review.facts.model_copy(update={"source": near}))
    (tmp_path / "moved").mkdir()
    for name in ("runs", "reviews"):
        (tmp_path / name).rename(tmp_path / "moved" / name)
    moved = open_review(tmp_path / "moved" / "reviews" / "mine")
    assert (moved.source / "recipe.yaml").is_file()


def test_what_is_no_review_says_so_in_one_line(tmp_path, source, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(BadInput, match=r"nowhere: not a review \(it has no review.json\)$"):
        open_review(tmp_path / "nowhere")
    with pytest.raises(BadInput, match=r"reviews/mine: not a review .*`srt review push .*mine`"):
        open_review(source)
    folder = tmp_path / "reviews" / "mine"
    facts = ReviewFacts.model_validate(review_json(source, folder))
    write_facts(folder / UNFINISHED, facts)
    with pytest.raises(BadInput, match="push was interrupted"):
        open_review(source)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"overlap": "3"}, "overlap: Input should be a valid integer"),
        ({"key": "secret"}, "key: Extra inputs are not permitted"),
        ({"schema": "9.0"}, "written with schema 9.0; this version reads 1.0 and 1.1"),
        ({"datasets": {"sample": "a"}}, "datasets.calibration: Field required"),
    ],
)
def test_facts_of_another_shape_are_refused(tmp_path, source, change, message):
    folder = make_review(tmp_path / "mine", source, []).folder
    (folder / FACTS).write_text(json.dumps({**review_json(source, folder), **change}))
    with pytest.raises(BadInput, match=message):
        open_review(folder)


@pytest.mark.parametrize("content", ["", "{", "[]", "\udcff"])
def test_a_broken_file_is_refused(tmp_path, source, content):
    folder = make_review(tmp_path / "mine", source, []).folder
    (folder / FACTS).write_text(content, errors="surrogateescape")
    with pytest.raises(BadInput, match="not the facts of a review"):
        open_review(folder)
    (folder / "drawn.parquet").write_text(content, errors="surrogateescape")
    write_facts(folder / FACTS, ReviewFacts.model_validate(review_json(source, folder)))
    with pytest.raises(BadInput, match=r"drawn.parquet: not parquet"):
        open_review(folder).drawn()


def test_a_file_of_other_columns_is_refused(tmp_path, source):
    review = make_review(tmp_path / "mine", source, [])
    (review.folder / "corrections.parquet").replace(review.folder / "verdicts.parquet")
    with pytest.raises(BadInput, match=r"verdicts.parquet: its columns are not those"):
        review.verdicts()


def test_a_run_whose_recipe_asks_more_of_releases_is_still_the_one_reviewed(tmp_path, source):
    review, path = make_review(tmp_path / "mine", source, []), source / "manifest.json"
    manifest = json.loads(path.read_text())
    path.write_text(json.dumps({**manifest, "gate": {"min_alpha": 0.4}}))
    assert digest_of(source) == review.facts.source.digest
    path.write_text(json.dumps({**manifest, "files": {}}))
    assert digest_of(source) != review.facts.source.digest


def test_a_review_pushed_before_strata_had_sizes_is_read(tmp_path, source):
    verdicts = verdict_rows(list(kept_rows(5)), ("ann",))
    review = make_review(tmp_path / "mine", source, verdicts, schema="1.0")
    drawn = review.drawn()
    assert {row["stratum_rows"] for row in drawn} == {400}
    old = Features({name: kind for name, kind in DRAWN.items() if name != "stratum_rows"})
    rows = [{name: row[name] for name in old} for row in drawn]
    write_rows(review.folder / "drawn.parquet", rows, old)
    assert open_review(review.folder).drawn() == [{**row, "stratum_rows": None} for row in rows]
    old = Features({name: kind for name, kind in VERDICTS.items() if "stratum" not in name})
    write_rows(
        review.folder / "verdicts.parquet",
        [{name: row[name] for name in old} for row in verdicts],
        old,
    )
    unknown = {"stratum": None, "stratum_rows": None}
    assert review.verdicts() == [{**row, **unknown} for row in verdicts]
