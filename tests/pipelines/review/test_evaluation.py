"""People are asked about an evaluation on a real server: one question, two answers, no critique."""

import pytest

from builders.evaluation.pairs import write_pairs
from builders.evaluation.review import read_review
from tests.reviewing import people_file, pulled

pytestmark = [pytest.mark.xdist_group("argilla"), pytest.mark.usefixtures("here")]

NAME = "ann-evaluation"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("evaluation")
    evaluation = folder / "runs" / "reviewed"
    evaluation.mkdir(parents=True)
    conversation = {"system": None, "history": [], "criteria": None, "task": None}
    pairs = [
        {
            "item": f"item{number}",
            "part": part,
            "conversation": {**conversation, "instruction": f"Say something about {number}."},
            "answer": f"The {part} about {number}.",
            "reference": f"What others say about {number}.",
        }
        for part in ("draft", "refinement")
        for number in range(6)
    ]
    write_pairs(evaluation, pairs)
    (evaluation / "evaluate.json").write_text("{}")
    people_file(folder, [NAME], "evaluation")
    return folder


def test_people_choose_between_two_answers(begin, folder, capsys):
    reviewing, result = begin("win-rates", sample=4, overlap=1)
    assert result["records"] == 8
    questions = reviewing.owner("GET", f"datasets/{reviewing.datasets['sample']}/questions")
    assert [question["name"] for question in questions["items"]] == ["better"]
    for page in reviewing.pages(NAME).values():
        shown = page["fields"]["page"]
        assert shown["critique"] == ""
        assert {shown["answer_a"][:4], shown["answer_b"][:4]} == {"The ", "What"}
        reviewing.answer(NAME, page, {"better": "refinement"})
    assert pulled(reviewing, capsys)["verdicts"] == 8
    verdicts = read_review(reviewing.review.folder, folder / "runs" / "reviewed")
    assert set(verdicts.shares.values()) == {1.0}
    assert {part for _, part in verdicts.shares} == {"draft", "refinement"}
    _, result = begin("win-rates", sample=4, overlap=1)
    assert result["sent"] == 0
