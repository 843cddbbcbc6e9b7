"""Difficulties and anchors: by instruction, by index, by row, and what does not join."""

import json

import numpy as np
import pytest

from builders.errors import BadInput
from builders.evaluation.annotations import read_annotations
from builders.evaluation.controls import read_anchors, read_difficulties
from tests.builders.evaluation.planted import annotations, difficulties


@pytest.fixture
def judgments(tmp_path):
    return read_annotations(annotations(tmp_path / "annotations.json", 4))


def table(tmp_path, text, name="table.csv"):
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    return path


def test_difficulties_are_joined_by_instruction_in_any_order(tmp_path, judgments):
    shuffled = read_difficulties(difficulties(tmp_path / "a.csv", 4)).of(judgments)
    ordered = read_difficulties(difficulties(tmp_path / "b.csv", 4, shuffled=False)).of(judgments)
    assert shuffled == ordered
    assert list(shuffled) == list(judgments.instructions)


def test_a_missing_difficulty_is_named(tmp_path, judgments):
    path = difficulties(tmp_path / "a.csv", 3, shuffled=False)
    with pytest.raises(BadInput, match="1 of 4 instructions have no difficulty, “Instruction 3"):
        read_difficulties(path).of(judgments)


def test_difficulties_by_index_need_an_index(tmp_path, judgments):
    path = table(tmp_path, "index,instruction_difficulty\n2,0.3\n0,0.1\n3,0.4\n1,0.2\n")
    with pytest.raises(BadInput, match="--join-by-row"):
        read_difficulties(path).of(judgments)
    by_row = read_difficulties(path).of(judgments, by_row=True)
    assert list(by_row.values()) == [0.1, 0.2, 0.3, 0.4]


def test_difficulties_by_the_index_of_both_files(tmp_path):
    path = annotations(tmp_path / "annotations.json", 4)
    rows = [{**row, "index": 10 - n} for n, row in enumerate(json.loads(path.read_text()))]
    path.write_text(json.dumps(rows))
    given = table(tmp_path, "index,difficulty\n7,0.7\n8,0.8\n9,0.9\n10,1.0\n")
    found = read_difficulties(given).of(read_annotations(path))
    assert list(found.values()) == [1.0, 0.9, 0.8, 0.7]


def test_by_row_without_an_index_takes_the_row_of_the_same_number(tmp_path, judgments):
    path = table(tmp_path, "difficulty\n1\n2\n3\n4\n")
    found = read_difficulties(path).of(judgments, by_row=True)
    assert list(found.values()) == [1, 2, 3, 4]
    with pytest.raises(BadInput, match="1 of 4"):
        read_difficulties(table(tmp_path, "difficulty\n1\n2\n3\n")).of(judgments, by_row=True)


@pytest.mark.parametrize("text", ["instruction,difficulty\nSay it.,\n", "instruction\nSay it.\n"])
def test_a_row_without_difficulty(tmp_path, text):
    with pytest.raises(BadInput, match="difficulty: it is missing"):
        read_difficulties(table(tmp_path, text))


def test_anchors_as_alpacaeval_writes_them(tmp_path):
    path = table(tmp_path, "index,tanh_std_delta_len,preference\n0,0.9,1.2\n0,-0.9,1.8\n")
    found = read_anchors(path, None)
    assert found.y == pytest.approx([0.2, 0.8])
    assert found.shorter == pytest.approx([0.9, -0.9])


def test_anchors_with_shares_and_characters(tmp_path):
    path = table(tmp_path, "index,delta_len,preference\n0,100,0.2\n0,-100,0.8\n1,50,\n")
    found = read_anchors(path, None)
    assert found.y == pytest.approx([0.2, 0.8])
    assert found.shorter == pytest.approx(np.tanh([100, -100] / np.std([100, -100], ddof=1)))


def test_anchors_have_the_difficulty_of_their_index(tmp_path):
    given = table(tmp_path, "instruction,difficulty\nfirst,0.5\nsecond,-0.5\n", "d.csv")
    path = table(tmp_path, "index,tanh,preference\n1,0.9,0.2\n0,-0.9,0.8\n")
    assert read_anchors(path, read_difficulties(given)).difficulty.tolist() == [-0.5, 0.5]
    far = table(tmp_path, "index,tanh,preference\n7,0.9,0.2\n")
    with pytest.raises(BadInput, match="has no difficulty for it"):
        read_anchors(far, read_difficulties(given))


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("index,preference\n0,1\n", "neither tanh_std_delta_len nor delta_len"),
        ("index,tanh,preference\n0,1.5,1\n", "outside −1 to 1"),
        ("index,tanh,preference\n0,0.5,7\n", "outside 0 to 1"),
        ("index,tanh,preference\n0,0.5,\n", "no preferences"),
    ],
)
def test_what_is_no_anchor(tmp_path, text, problem):
    with pytest.raises(BadInput, match=problem):
        read_anchors(table(tmp_path, text), None)
