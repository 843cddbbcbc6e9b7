"""People are asked about an evaluation's pairs, blind, and correct its judge."""

import csv
import json

import pytest

from builders.errors import BadInput
from builders.evaluation.people_needed import people_needed
from builders.evaluation.review import read_review
from builders.review.drawing import DrawOptions, draw_review
from builders.review.exchange.export import export_file
from builders.review.exchange.importing import import_file
from builders.review.folder import open_review
from builders.review.report import report_review
from builders.review.source import open_source
from pipelines.evaluation.run import EvaluationRequest, run_evaluation


@pytest.fixture
def evaluation(tmp_path, model, table):
    """A function that evaluates 60 instructions; the third refinement of each is the reference."""
    rows = [
        {
            "instruction": f"Say something about topic {number}.",
            "output": f"An answer ({number % 7})." + " Better." * (number % 3),
        }
        for number in range(60)
    ]
    path = table(rows, "all.jsonl")

    def made(**options):
        request = EvaluationRequest(
            model("trained", trained=True), str(path), model("pair_judge"), path, **options
        )
        return run_evaluation(request, tmp_path / "evaluation")

    return made


@pytest.fixture
def answered(tmp_path):
    """A function that has two people answer the drawn sample: they prefer the longer answer."""

    def made(size=40, *, leave_out=0):
        review = draw_review(
            open_source(tmp_path / "evaluation"), DrawOptions(sample=size, out=tmp_path / "review")
        )
        export_file(review, tmp_path / "sample.csv", "csv")
        with (tmp_path / "sample.csv").open(encoding="utf-8-sig", newline="") as file:
            rows = list(csv.DictReader(file))
        for person in ("ada", "ben"):
            for row in rows[leave_out:]:
                lengths = len(row["answer_a"]), len(row["answer_b"])
                better = "tie" if lengths[0] == lengths[1] else "AB"[lengths[1] > lengths[0]]
                row |= {"annotator": person, "better": better}
            with (tmp_path / f"{person}.csv").open("w", encoding="utf-8", newline="") as file:
                writer = csv.DictWriter(file, rows[0].keys())
                writer.writeheader()
                writer.writerows(rows)
            import_file(review, tmp_path / f"{person}.csv")
        return open_review(tmp_path / "review"), rows

    return made


def test_people_see_both_answers_and_not_whose_they_are(evaluation, answered, tmp_path):
    evaluation()
    _, rows = answered()
    assert list(rows[0]) == ["record", "instruction", "answer_a", "answer_b", "annotator", "better"]
    # Both parts of each instruction, in either order, and nothing that tells them apart.
    assert len(rows) == 80
    assert len({row["instruction"] for row in rows}) == 40
    assert all("critique" not in json.dumps(row) for row in rows)
    first = [row["answer_a"].count("Better") for row in rows]
    assert len(set(first)) > 1


def test_people_correct_draft_refinement_and_their_difference(evaluation, answered, tmp_path):
    before = evaluation()
    answered()
    found = evaluation(people=tmp_path / "review")
    assert found.parts["draft"].raw == before.parts["draft"].raw
    assert (found.people.people, found.people.verdicts) == (2, 160)
    for part in ("draft", "refinement"):
        corrected = found.parts[part].corrected
        assert corrected["verdicts"] == 40
        assert corrected["estimate"]["low"] <= found.parts[part].raw["value"] + 0.15
    assert found.difference.corrected["verdicts"] == 40
    assert found.difference.corrected["estimate"]["value"] > 0


def test_where_people_were_asked_about_everything_the_figure_is_theirs(
    evaluation, answered, tmp_path
):
    evaluation()
    answered(size=1000)
    verdicts = read_review(tmp_path / "review", tmp_path / "evaluation")
    shares = [value for (_, part), value in verdicts.shares.items() if part == "refinement"]
    assert len(shares) == 60
    found = evaluation(people=tmp_path / "review").parts["refinement"].corrected
    assert found["estimate"]["value"] == pytest.approx(sum(shares) / 60)


def test_a_review_has_its_report(evaluation, answered):
    evaluation()
    review, _ = answered()
    report = report_review(review)
    assert report["counts"]["verdicts"] == 160
    assert (review.folder / "report.md").exists()


def test_an_answer_to_the_one_question_is_required(evaluation, answered, tmp_path):
    evaluation()
    review, rows = answered()
    rows[0] |= {"annotator": "cem", "better": "neither"}
    (tmp_path / "cem.jsonl").write_text(json.dumps(rows[0]))
    with pytest.raises(BadInput, match="better: 'neither' is not one of"):
        import_file(review, tmp_path / "cem.jsonl")


def test_a_review_of_another_evaluation_is_refused(evaluation, answered, tmp_path):
    evaluation()
    answered()
    pairs = tmp_path / "evaluation" / "pairs.parquet"
    pairs.write_bytes(pairs.read_bytes() + b" ")
    with pytest.raises(BadInput, match="as it is now"):
        read_review(tmp_path / "review", tmp_path / "evaluation")


def test_a_review_that_nobody_answered(evaluation, tmp_path):
    evaluation()
    draw_review(open_source(tmp_path / "evaluation"), DrawOptions(out=tmp_path / "review"))
    with pytest.raises(BadInput, match="nobody said which answer is better; srt review import"):
        evaluation(people=tmp_path / "review")


def test_existing_judgments_have_nothing_to_show(tmp_path):
    (tmp_path / "evaluate.json").write_text("{}")
    with pytest.raises(BadInput, match="no answers to ask people about"):
        open_source(tmp_path)


def test_the_number_of_people_follows_from_the_judge(evaluation, answered, tmp_path):
    evaluation()
    alone = people_needed(tmp_path / "evaluation", 0.15)
    answered()
    evaluation(people=tmp_path / "review")
    assert 30 <= people_needed(tmp_path / "evaluation", 0.15) <= alone
    with pytest.raises(BadInput, match="cannot be had with 60 instructions"):
        people_needed(tmp_path / "evaluation", 0.05)


def test_drawing_twice_gives_the_same_sample(evaluation, tmp_path):
    evaluation()
    options = DrawOptions(sample=20, out=tmp_path / "review")
    first = draw_review(open_source(tmp_path / "evaluation"), options).drawn()
    assert draw_review(open_source(tmp_path / "evaluation"), options).drawn() == first
    assert len(first) == 40
