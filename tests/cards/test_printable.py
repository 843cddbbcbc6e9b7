"""Nothing that a stranger wrote is obeyed by a terminal."""

import unicodedata

from hypothesis import given
from hypothesis import strategies as st

from cards.printable import printable


@given(st.text() | st.text(st.characters(categories=["Cc", "Cf", "Cs", "Zl", "Zp"])))
def test_no_control_characters_but_newlines_and_tabs_are_left(text):
    shown = printable(text)
    assert not any(
        unicodedata.category(one) in ("Cc", "Cs", "Zl", "Zp") for one in shown if one not in "\n\t"
    )
    assert not any(unicodedata.bidirectional(one) in _BIDIRECTIONAL for one in shown)
    assert "\u200e" not in shown
    assert "\u200f" not in shown
    assert printable(shown) == shown
    shown.encode()


_BIDIRECTIONAL = {"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"}


def test_text_in_any_language_stays():
    text = "שלום, мир, 日本語, e\u0301, 👩‍🚀,\ttab\nline"
    assert printable(text) == text
