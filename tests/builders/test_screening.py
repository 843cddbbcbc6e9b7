"""Whatever a pattern matches, its screen finds; and it names few other texts."""

import re
import sys
from concurrent.futures import ThreadPoolExecutor
from functools import cache

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from builders.critique import planted
from builders.critique.replies import foreign_text
from builders.gate.sensitive.personal_data import PATTERNS as PERSONAL_DATA
from builders.gate.sensitive.secrets import secret_patterns
from builders.screening import Screen, screened

OTHERS = [
    re.compile(pattern, flags)
    for pattern, flags in [
        (r"\bno\b", re.I),
        (r"\b(?:dê|da)\b.{2,3}é", re.I),
        (r"^\W{0,4}##? ?(a|b)\b", re.I | re.M),
        (r"[^\W_]{3}\d\D\S\s", 0),
        (r"(?<!\w)[^é\d]{2}(?!\w)", 0),
        (r"x.y\Z", re.S),
        (r"оценк\w{0,12}$", re.I),
        (r"(?:a{0,3}b?){2,}c+?", 0),
        (r"[A-Z]{2,60}[0-9]{20}", re.I),
        (r"(?i:key) [^.\n]{0,40}kiss", 0),
        (r"[\[]x[\]]\^-\\", 0),
    ]
]
PATTERNS = [
    *secret_patterns(),
    *PERSONAL_DATA,
    *planted.SIGNS,
    *foreign_text.SIGNS,
    *foreign_text.HEADING_SIGNS,
    *OTHERS,
]
EVERYTHING = list(map(chr, [*range(0xD800), *range(0xE000, sys.maxunicode + 1)]))
AROUND = st.text(max_size=6)


@cache
def screen_of(pattern):
    return Screen([pattern])


@pytest.mark.parametrize("pattern", PATTERNS, ids=range(len(PATTERNS)))
@given(data=st.data())
@settings(max_examples=6, deadline=None, suppress_health_check=list(HealthCheck))
def test_a_screen_finds_all_that_its_pattern_matches(pattern, data):
    matching = st.from_regex(pattern).map(lambda text: text.encode(errors="replace").decode())
    texts = []
    for _ in range(2):
        texts += [data.draw(AROUND), data.draw(AROUND) + data.draw(matching) + data.draw(AROUND)]
    texts.insert(data.draw(st.integers(0, 2)), None)
    expected = [at for at, text in enumerate(texts) if text and pattern.search(text)]
    hits = screen_of(pattern).hits(pa.array(texts, pa.string()))
    assert set(expected) <= set(hits.tolist())
    assert hits.tolist() == sorted(set(hits.tolist()))


def test_letters_of_another_case_are_found():
    """All characters that `re` takes for a letter of a pattern, without regard to case."""
    cased = "".join(one for one in EVERYTHING if (one.lower(), one.upper()) != (one, one))
    folded = [pattern.pattern for pattern in PATTERNS if pattern.flags & re.IGNORECASE]
    for letter in sorted(set(filter(str.isalpha, "".join(folded)))):
        one = re.compile(letter, re.IGNORECASE)
        same = pa.array(one.findall(cased + letter))
        assert len(Screen([one]).hits(same)) == len(same), letter


def test_digits_of_every_script_are_found():
    digits = pa.array(re.findall(r"\d", "".join(EVERYTHING)))
    assert len(screen_of(re.compile(r"\d")).hits(digits)) == len(digits) > 500


def test_prose_is_not_found():
    prose = [
        "The answer is 42, or 3.14 at most.",
        "Oslo is the capital of Norway, a state-of-the-art well-characterized responsibility.",
        "Die Größe: 1,5 m – 漢字 и буквы.",
        "",
    ] * 50
    assert Screen(secret_patterns()).hits(pa.array(prose)).tolist() == []
    assert Screen(PERSONAL_DATA).hits(pa.array(prose)).tolist() == []
    assert Screen(planted.SIGNS).hits(pa.array(prose)).tolist() == []


def test_no_text_is_no_hit():
    screen = screen_of(PATTERNS[0])
    assert screen.hits(pa.array([], pa.string())).tolist() == []
    assert screen.hits(pa.array([None, None], pa.string())).tolist() == []


def test_what_cannot_be_screened_for_is_said():
    with pytest.raises(ValueError, match="GROUPREF cannot be screened for"):
        screened(re.compile(r"(a)\1"))


def test_several_threads_may_search_at_once():
    screen = Screen(re.compile(pattern) for pattern in (r"[a-y]+ \d", r"\bz{3}"))
    texts = pa.array(["a quiet line " * 4000, "line 7", "zzz", None] * 8)
    with ThreadPoolExecutor(4) as pool:
        for hits in pool.map(screen.hits, [texts] * 24):
            assert hits.tolist() == [at for at in range(32) if at % 4 in (1, 2)]
