"""Texts in the script that Argilla's page makes of a record."""

import json
import re

from hypothesis import example, given
from hypothesis import strategies as st

from pipelines.review.escape import guarded, unguarded
from pipelines.review.page import template

PIECES = ["<", "/", "script", "SCRIPT", "!--", "$", "&", "`", "'", "#", "TEMPLATE", "\\", "x", " "]
texts = st.lists(st.sampled_from(PIECES)).map("".join) | st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="\u2060")
)
# What ends or changes a script, and what JavaScript's `replace` gives a meaning to.
UNSAFE = re.compile(r"</?script|<!--|\$[$&`']|#TEMPLATE#", re.IGNORECASE)


@given(texts)
@example("</script><script>alert(1)</script>")
@example("<!-- <script> $' $` $& $$ #TEMPLATE# </ScRiPt>")
def test_a_guarded_text_is_safe_in_a_script_and_comes_back(text):
    safe = guarded(text)
    assert not UNSAFE.search(safe)
    assert not UNSAFE.search(json.dumps([safe, safe], ensure_ascii=False))
    assert unguarded(safe) == text
    # An annotator who submits it again changes nothing.
    assert guarded(safe) == safe


@given(texts, texts)
def test_texts_in_json_are_guarded_and_the_rest_is_as_it_was(one, other):
    record = {"a": one, "b": [{"c": other, "d": None}], "e": 7, "f": True}
    assert guarded(record) == {
        "a": guarded(one),
        "b": [{"c": guarded(other), "d": None}],
        "e": 7,
        "f": True,
    }
    assert unguarded(7) == 7


def test_the_template_is_put_into_the_page_as_it_is():
    # It is the second argument of `replace`, where these have a meaning.
    assert not re.search(r"\$[$&`']", template())
    assert template().count("</script") == 2
    assert "http://www.w3.org/1998/Math/MathML" in template()
    assert len(re.findall(r"https?://", template())) == 1
