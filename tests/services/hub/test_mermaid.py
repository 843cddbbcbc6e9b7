"""Flow charts of cards, drawn without Mermaid."""

from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.hub.http.mermaid import drawn


def chart(*lines):
    return drawn("\n".join(["flowchart LR", *lines]))


def test_steps_from_left_to_right():
    html = chart('  a["One<br>1,000"] --> b{"Two"}', "  b --> c", '  b --> d["Four"];')
    assert html.count('class="arrow"') == 2
    texts = ["One<br>1,000", "Two", "c", "Four"]
    places = [html.index(f'<div class="node">{text}</div>') for text in texts]
    assert places == sorted(places)


@pytest.mark.parametrize(
    "lines",
    [
        (),
        ("a --> b", "b --> a"),
        # A row of steps would say that b leads to d, too.
        ("a --> b", "a --> c", "c --> d"),
        ("a --> b --> c", "a --> c"),
        ("a -->|yes| b",),
        ("a --- b",),
        ("subgraph x",),
        ("style a fill:#f00",),
        (f"a --> {'b' * 20_000}",),
    ],
)
def test_what_cannot_be_drawn_so(lines):
    assert chart(*lines) is None


def test_other_diagrams():
    assert drawn("flowchart TD\n a --> b") is None
    assert drawn("sequenceDiagram\n A->>B: x") is None
    assert drawn("") is None


class _Names(HTMLParser):
    def __init__(self, html):
        super().__init__()
        self.names, self.text = set(), ""
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        self.names.add(tag)

    def handle_data(self, data):
        self.text += data


LABELS = st.text(st.characters(exclude_categories=["C", "Z"], exclude_characters='"'))


@given(LABELS)
def test_no_label_is_an_element(label):
    html = chart(f'a["{label}x"] --> b')
    if html is not None:
        assert _Names(html).names <= {"div", "br"}


def test_entities_of_mermaid():
    assert _Names(chart('a["#124; #lt;b#gt; #60;i#62;"] --> b')).text == "| <b> <i>→b\n"
