"""Cells that no spreadsheet evaluates, and back."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builders.review.exchange.cells import protected, protected_key, restored, restored_key

TEXTS = st.text() | st.text("'=+-@＝\t\r\n1", max_size=5)


@given(TEXTS)
def test_a_protected_text_comes_back(text):
    assert restored(protected(text)) == text


@given(TEXTS)
def test_no_protected_text_begins_as_a_formula_does(text):
    assert protected(text)[:1] not in ("=", "+", "-", "@", "＝", "\t", "\r", "\n")


@pytest.mark.parametrize("cell", ["'tis", "a=1", "", "'", "''", "'Twas = that"])
def test_what_nobody_protected_is_left_alone(cell):
    assert restored(cell) == cell
    assert protected(cell) == cell


@pytest.mark.parametrize("key", ["12345678901234567890", "1234e567", "1234E567"])
def test_a_key_is_no_number(key):
    assert not protected_key(key).isdecimal()
    assert restored_key(f" {protected_key(key)} ") == key
    assert protected_key("0a1f") == "0a1f"
