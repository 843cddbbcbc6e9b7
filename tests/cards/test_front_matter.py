import random

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from cards.front_matter import MAX_CHARS, FrontMatterError, bounded_yaml, front_matter

MERGES = "\n".join(
    ["l0: &l0 {x: 1}"]
    + [f"l{n}: &l{n}\n  <<: [{', '.join([f'*l{n - 1}'] * 9)}]" for n in range(1, 10)]
)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (MERGES, "merge keys"),
        ("a: &a [x]\nb: *a", "aliases"),
        ("&a [*a]", "aliases"),
        ("!!merge x: {a: 1}", "merge keys"),
        ("a: 1" + ":1" * 240_000, "no number"),
        ('a: !!int " 1' + ":1" * 240_000 + '"', "no number"),
        ("[" * 400_000, "nested deeper"),
        ("{" * 400_000, "nested deeper"),
        ("- " * 200_000, "nested deeper"),
        ("[" + "1," * 200_000 + "]", "values"),
        ("a" * (MAX_CHARS + 1), "characters"),
        ("a: 2001-99-99", "not YAML"),
        ("? [a]\n: 1", "not YAML"),
        ("a: [", "not YAML"),
    ],
)
def test_a_text_that_takes_long_or_is_no_yaml_is_refused_in_a_line(text, words):
    with pytest.raises(FrontMatterError, match=words) as refused:
        bounded_yaml(text)
    assert "\n" not in str(refused.value)


@given(st.text(st.sampled_from([*"ab01:-[]{},&*!<>?|#'\" \n.~"]), max_size=40))
def test_what_is_read_is_what_yaml_says(text):
    try:
        value = bounded_yaml(text)
    except FrontMatterError:
        return
    # The parsers in C and in Python read a few texts differently.
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    assert repr(value) == repr(yaml.load(text, Loader=loader))


def test_a_card_of_many_configs_is_read():
    configs = "".join(
        f"- config_name: c{n}\n  data_files:\n  - split: train\n    path: c{n}/train-*\n"
        for n in range(2000)
    )
    assert len(front_matter(f"---\nconfigs:\n{configs}---\n# It")["configs"]) == 2000


@pytest.mark.parametrize("start", ["", "\ufeff", "\n \n", "  "])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r", "\u2028", "\x0c", " \n"])
def test_no_way_to_write_a_block_goes_unseen(start, end):
    """The Hub's client and `datasets` end lines in different ways."""
    card = f"{start}---{end}{MERGES}{end}---{end}# It\n"
    with pytest.raises(FrontMatterError, match=r"merge keys|not YAML"):
        front_matter(card)


def test_a_block_that_does_not_end_within_the_bound_is_refused():
    draw = random.Random(0)
    text = "".join(f"k{draw.random()}: 1\n" for _ in range(60_000))
    with pytest.raises(FrontMatterError, match="characters"):
        front_matter(f"---\n{text}---\n")
    assert front_matter("# No front matter\n---\n") is None
    assert front_matter("---\nno end\n") is None
