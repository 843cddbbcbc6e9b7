"""The built-in instruction set is what it says it is."""

import json
import re
from collections import Counter
from itertools import combinations
from pathlib import Path

import pytest

PATH = Path(__file__).parents[3] / "builders" / "instructions" / "data" / "instructions.jsonl"
KEYS = {"id", "half", "category", "language", "instruction"}
CATEGORIES = {
    "advice",
    "classification",
    "code",
    "creative",
    "explanation",
    "extraction",
    "maths",
    "open_question",
    "planning",
    "rewriting",
    "safety",
    "summarisation",
}
LANGUAGES = {
    "ar",
    "de",
    "en",
    "es",
    "fr",
    "hi",
    "id",
    "it",
    "ja",
    "ko",
    "nl",
    "pl",
    "pt",
    "ru",
    "sv",
    "sw",
    "tr",
    "zh",
}
UNSPACED = {"ja", "zh"}
CJK = "\u3040-\u30ff\u4e00-\u9fff"


def _words(text):
    """Words, casefolded; Chinese and Japanese, which have no spaces, count by character."""
    return re.findall(rf"[{CJK}]|[^\W{CJK}]+", text.casefold())


def _grams(text, size=5):
    words = _words(text)
    return {tuple(words[i : i + size]) for i in range(max(1, len(words) - size + 1))}


def _jaccard(left, right):
    return len(left & right) / len(left | right)


@pytest.fixture(scope="module")
def rows():
    return [json.loads(line) for line in PATH.read_text(encoding="utf-8").splitlines()]


def test_rows_have_the_stated_shape(rows):
    assert len(rows) >= 300
    for row in rows:
        assert row.keys() == KEYS, row
        assert re.fullmatch(r"builtin-\d{4}", row["id"])
        assert row["half"] in (1, 2)
        assert row["instruction"] == row["instruction"].strip() != ""
    assert len({row["id"] for row in rows}) == len(rows)


def test_halves_are_equal_and_balanced(rows):
    first, second = ([row for row in rows if row["half"] == half] for half in (1, 2))
    assert len(first) == len(second)
    for key in ("category", "language"):
        counts = [Counter(row[key] for row in half) for half in (first, second)]
        assert counts[0].keys() == counts[1].keys()
        assert all(abs(counts[0][value] - counts[1][value]) <= 1 for value in counts[0]), key


def test_halves_share_no_instruction(rows):
    texts = [{row["instruction"] for row in rows if row["half"] == half} for half in (1, 2)]
    assert texts[0].isdisjoint(texts[1])


def test_every_category_is_covered(rows):
    counts = Counter(row["category"] for row in rows)
    assert counts.keys() == CATEGORIES
    assert min(counts.values()) >= 24


def test_every_language_is_covered(rows):
    counts = Counter(row["language"] for row in rows)
    assert counts.keys() == LANGUAGES
    assert min(counts.values()) >= 3
    assert counts["en"] / len(rows) == pytest.approx(0.78, abs=0.03)


def test_lengths_vary_within_bounds(rows):
    lengths = [len(r["instruction"].split()) for r in rows if r["language"] not in UNSPACED]
    assert 6 <= min(lengths) <= 10
    assert 200 <= max(lengths) <= 250


def test_text_to_summarise_is_part_of_the_instruction(rows):
    for row in rows:
        if row["category"] == "summarisation" and row["language"] not in UNSPACED:
            _, text = row["instruction"].split("\n\n", 1)
            assert 60 <= len(text.split()) <= 200, row["id"]


def test_no_contact_details_or_addresses(rows):
    pattern = re.compile(
        r"[\w.]+@[\w-]+\.\w|https?:|www\.|\+\d{2}[\d ()-]{6,}|\b0\d{2,}[ /-]\d{4,}"
    )
    assert [row["id"] for row in rows if pattern.search(row["instruction"])] == []


def test_no_two_instructions_are_equal_but_for_case_and_punctuation(rows):
    folded = Counter(
        "".join(c for c in row["instruction"].casefold() if c.isalnum()) for row in rows
    )
    assert max(folded.values()) == 1


def test_no_two_instructions_are_nearly_the_same(rows):
    grams = [(row["id"], _grams(row["instruction"])) for row in rows]
    near = [
        (left, right)
        for (left, left_grams), (right, right_grams) in combinations(grams, 2)
        if _jaccard(left_grams, right_grams) > 0.4
    ]
    assert near == []
