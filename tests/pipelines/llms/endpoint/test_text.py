import pytest

from pipelines.llms.endpoint.text import one_line, redact

KEY = "sk-live-a/b+c=0123456789"


@pytest.mark.parametrize(
    ("text", "redacted"),
    [
        (f"bad key {KEY}.", "bad key ***."),
        (f"bad key {KEY[:12]}…", "bad key ***…"),
        ("bad key sk-live-a%2Fb%2Bc%3D0123456789", "bad key ***"),
        ("nothing of it", "nothing of it"),
    ],
)
def test_no_key_in_a_text(text, redacted):
    assert redact(text, KEY) == redacted
    assert redact(text, None) == text


def test_one_line():
    assert one_line("a\n b\tc\x1b[0m\u2028d \ud800") == "a b c [0m d \ufffd"
    assert one_line("x" * 1000) == "x" * 299 + "…"
