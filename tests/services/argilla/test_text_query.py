import sqlite3

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from services.argilla.inside.text_query import AllOf, AnyOf, Not, SearchText, fts5, leaves, parse

a, b, c = SearchText("a"), SearchText("b"), SearchText("c")


@pytest.mark.parametrize(
    ("query", "tree"),
    [
        ("a", a),
        ("a b", AllOf((a, b))),
        ("+a +b", AllOf((a, b))),
        ("a|b c", AnyOf((a, AllOf((b, c))))),
        ("(a | b) -c", AllOf((AnyOf((a, b)), Not(c)))),
        ("--a", a),
        ("-(a b)", Not(AllOf((a, b)))),
        ('"a b" c', AllOf((SearchText("a b", phrase=True), c))),
        ('"a b"~3 c', AllOf((SearchText("a b", phrase=True), c))),
        ('"a', SearchText("a", phrase=True)),
        ("a*", SearchText("a", prefix=True)),
        (r"a\*", SearchText("a*")),
        (r"\-a \"b", AllOf((SearchText("-a"), SearchText('"b')))),
        ("a~2", a),
        ("a-b", SearchText("a-b")),
        ("a) b (", AllOf((a, b))),
        ("(a", a),
        ("  ", None),
        ("-", None),
        ("|", None),
        ("()", None),
        ("*", None),
    ],
)
def test_queries_are_parsed_as_in_elasticsearch(query, tree):
    assert parse(query) == tree


def test_negated_terms_are_not_ranked():
    assert leaves(parse("a -b -(c -d)")) == [a, SearchText("d")]


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
