"""What `srt evaluate` prints, and what it refuses."""

import json
import re

import pytest

from builders.errors import BadInput
from pipelines.cli.evaluate import evaluate
from tests.builders.evaluation.planted import annotations, difficulties


@pytest.fixture(autouse=True)
def wide(monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")


def test_the_table_and_the_folder_are_printed(tmp_path, capsys):
    path = annotations(tmp_path / "annotations.json")
    hard = difficulties(tmp_path / "difficulty.csv")
    evaluate(annotations=path, difficulty=hard, out=tmp_path / "out")
    printed = capsys.readouterr().out
    assert re.search(r"^raw +\d+\.\d% \(\d", printed, re.M)
    assert "with difficulties, without anchors" in printed
    assert f"evaluation: {tmp_path / 'out/evaluate.md'}" in printed


def test_as_json(tmp_path, capsys):
    path = annotations(tmp_path / "annotations.json")
    evaluate(annotations=path, out=tmp_path / "out", benchmark="org/bench@main:all", as_json=True)
    facts = json.loads(capsys.readouterr().out)
    assert facts["parts"]["answer"]["judged"] == 60
    assert facts["benchmark"] == {"dataset": "org/bench", "task": "all", "revision": "main"}


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ({}, "either a MODEL or --annotations"),
        ({"model": "embedded", "annotations": "x.json"}, "either a MODEL or --annotations"),
        ({"model": "embedded", "judge": "embedded"}, "--reference: MODEL is compared"),
        ({"model": "embedded", "reference": "embedded"}, "--judge: MODEL is compared"),
        ({"annotations": "x.json", "benchmark": "bench"}, "--benchmark: 'bench' is not ORG/NAME"),
    ],
)
def test_what_is_refused(options, problem):
    with pytest.raises(BadInput, match=problem):
        evaluate(**options)
