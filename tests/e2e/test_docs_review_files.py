"""docs/review-files.md, typed: from the run to the report without a server."""

import csv
import json
import re
import shlex
from pathlib import Path
from xml.etree import ElementTree

from builders.review.exchange.columns import QUESTIONS, READ, REQUIRED
from builders.review.folder import open_review
from builders.review.record import FIELDS
from tests.ledger_rows import kept_rows, make_run

PAGE = (Path(__file__).parents[2] / "docs" / "review-files.md").read_text(encoding="utf-8")
BLOCKS = dict(re.findall(r"<!-- (\w+) -->\n```\w+\n(.*?)```", PAGE, flags=re.S))
ANSWERS = {
    "better": "tie",
    "score_a": "10",
    "score_b": "9",
    "weaknesses_real": "some",
    "suggestions_actionable": "yes",
    "refinement_introduces_error": "no",
}


def test_the_commands(srt, tmp_path):
    make_run(tmp_path / "runs" / "stage1-embedded", kept_rows(20))
    draw, export, import_, report = BLOCKS["commands"].splitlines()
    for command in (draw, export):
        srt(*shlex.split(command)[1:])
    with (tmp_path / "sample.csv").open(encoding="utf-8-sig", newline="") as file:
        rows = [{**row, "annotator": "ada", **ANSWERS} for row in csv.DictReader(file)]
    with (tmp_path / "answers.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)
    for command in (import_, report):
        shown = srt(*shlex.split(command)[1:]).stdout
    assert shown.startswith("20 verdicts on 20 records by 1 ")
    with_a_bad_row = [*rows[1:], {**rows[0], "score_a": "11"}]
    lines = "".join(json.dumps(row) + "\n" for row in with_a_bad_row)
    (tmp_path / "bad.jsonl").write_text(lines)
    refused = srt("review", "import", "reviews/stage1-embedded", "bad.jsonl", expect=2)
    assert refused.stderr.splitlines() == [
        "srt: bad.jsonl: nothing was imported, 1 of 20 rows cannot be:",
        "  line 20: score_a: '11' is not a whole number from 1 to 10",
    ]


def test_every_column_is_explained():
    table = PAGE.split("## The answers")[1].split("\n## ")[0]
    named = " ".join(re.findall(r"^\| (.*?) \|", table, flags=re.M))
    assert re.findall(r"`(\w+)`", named) == list(READ)


def test_the_interface_asks_every_question_about_every_text():
    view = ElementTree.fromstring(BLOCKS["interface"])
    texts = {text.get("value") for text in view.iter("Text")}
    assert texts == {f"${name}" for name in FIELDS}
    controls = [each for each in view if each.tag in ("Choices", "Number", "TextArea")]
    assert [control.get("name") for control in controls] == list(QUESTIONS)
    required = [each.get("name") for each in controls if each.get("required") == "true"]
    assert required == list(REQUIRED)
    objects = {text.get("name") for text in view.iter("Text")}
    assert {control.get("toName") for control in controls} <= objects


def test_annotations_of_the_interface_are_verdicts(srt, tmp_path):
    make_run(tmp_path / "runs" / "stage1-embedded", kept_rows(5))
    srt("review", "draw", "runs/stage1-embedded", "--sample", "5")
    view = ElementTree.fromstring(BLOCKS["interface"])
    controls = {each.get("name"): each for each in view if each.get("toName")}
    results = []
    for name, answer in ANSWERS.items():
        control = controls[name]
        kind = control.tag.lower()
        if kind == "choices":
            assert answer in {choice.get("value") for choice in control}
        value = {"choices": [answer]} if kind == "choices" else {"number": int(answer)}
        to_name = control.get("toName")
        results.append({"from_name": name, "to_name": to_name, "type": kind, "value": value})
    review = open_review(tmp_path / "reviews" / "stage1-embedded")
    tasks = [
        {
            "id": number,
            "data": {"record": row["record"], "critique": "x"},
            "annotations": [
                {
                    "id": number,
                    "completed_by": 7,
                    "result": results,
                    "was_cancelled": False,
                    "updated_at": f"2026-03-02T10:00:{number:02}.123456Z",
                }
            ],
        }
        for number, row in enumerate(review.drawn())
    ]
    (tmp_path / "project-1.json").write_text(json.dumps(tasks))
    shown = srt("review", "import", "reviews/stage1-embedded", "project-1.json").stdout
    assert shown.startswith("project-1.json: 5 new")
    assert {row["better"] for row in review.verdicts()} == {"tie"}
    assert sorted(row["seconds"] or 0 for row in review.verdicts()) == [0, 1, 1, 1, 1]
