import sqlite3

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from services.argilla.inside.text_query import All, Any_, Not, Text, fts5, leaves, parse

a, b, c = Text("a"), Text("b"), Text("c")


@pytest.mark.parametrize(
    ("query", "tree"),
    [
        ("a", a),
        ("a b", All((a, b))),
        ("+a +b", All((a, b))),
        ("a|b c", Any_((a, All((b, c))))),
        ("(a | b) -c", All((Any_((a, b)), Not(c)))),
        ("--a", a),
        ("-(a b)", Not(All((a, b)))),
        ('"a b" c', All((Text("a b", phrase=True), c))),
        ('"a b"~3 c', All((Text("a b", phrase=True), c))),
        ('"a', Text("a", phrase=True)),
        ("a*", Text("a", prefix=True)),
        (r"a\*", Text("a*")),
        (r"\-a \"b", All((Text("-a"), Text('"b')))),
        ("a~2", a),
        ("a-b", Text("a-b")),
        ("a) b (", All((a, b))),
        ("(a", a),
        ("  ", None),
        ("-", None),
        ("|", None),
        ("()", None),
        ("*", None),
    ],
)
def test_a_query_is_read_as_elasticsearch_reads_it(query, tree):
    assert parse(query) == tree


def test_only_what_a_match_has_is_ranked():
    assert leaves(parse("a -b -(c -d)")) == [a, Text("d")]


@given(st.text(alphabet=st.one_of(st.characters(), st.sampled_from('()|-+*"~\\ ab')), max_size=60))
@example("(" * 10_000)
@example("-" * 10_000 + "a")
@example("-(" * 60 + "a")
def test_no_query_is_malformed(query):
    tree = parse(query)
    index = sqlite3.connect(":memory:")
    index.execute("CREATE VIRTUAL TABLE found USING fts5 (body)")
    for leaf in leaves(tree) if tree is not None else []:
        expression = fts5(leaf)
        if expression is not None:
            index.execute("SELECT 1 FROM found WHERE found MATCH ?", (expression,)).fetchall()
    index.close()
