"""The scripts of the page in a browser, without Argilla: any text, formulas, differing words."""

import re
import time
from pathlib import Path

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import pipelines.review.page
from tests.browser import running_browser

SCRIPTS = Path(pipelines.review.page.__file__).parent
ELEMENTS = {
    "div", "p", "br", "hr", "h1", "h2", "h3", "h4", "h5", "h6", "pre", "code", "blockquote", "ul",
    "ol", "li", "table", "thead", "tbody", "tr", "th", "td", "span", "em", "strong", "del", "math",
    "mrow", "mi", "mn", "mo", "mtext", "mspace", "msub", "msup", "msubsup", "munder", "mover",
    "munderover", "mfrac", "msqrt", "mroot", "mtable", "mtr", "mtd",
}  # fmt: skip
ATTRIBUTES = {
    "class", "dir", "start", "style", "data-tex", "width", "linebreak", "display", "accent",
    "linethickness",
}  # fmt: skip
RENDERED = """
    const node = markdown(arguments[0]);
    const all = [...node.querySelectorAll("*")];
    return {
        text: node.textContent,
        elements: [...new Set(all.map(each => each.localName))],
        attributes: [...new Set(all.flatMap(each => each.getAttributeNames()))],
        html: node.innerHTML,
    }"""
COMPARED = """
    const [one, other] = [...arguments].map(markdown);
    markDifferences(one, other);
    return [one, other].map(node => {
        const marks = [...node.querySelectorAll("mark, .differs")].map(each => each.textContent);
        const all = node.textContent;
        node.querySelectorAll("mark, .differs").forEach(each => each.replaceWith(" "));
        return {marks, all, same: node.textContent.split(/\\s+/).filter(Boolean)};
    })"""


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """Runs a script where those of the page are."""
    page = tmp_path_factory.mktemp("page") / "page.html"
    names = ("markdown.js", "math.js", "differences.js")
    scripts = "".join(f"<script>{(SCRIPTS / name).read_text()}</script>" for name in names)
    page.write_text(f"<!doctype html><meta charset=utf-8>{scripts}", encoding="utf-8")
    with running_browser() as browser:
        browser.get(page.as_uri())
        yield browser.execute_script


PIECES = [
    "ab", "cd", "é漢", "*", "**", "_", "`", "```", "~~", "[", "](", ")", "]", "#", "# ", "- ", "> ",
    "| ", "|", "---", "\n", "\n\n", "    ", " ", "<", ">", "<script>", "&lt;", "'", '"',
    "javascript:",
]  # fmt: skip
marked_up = st.lists(st.sampled_from(PIECES), max_size=30).map("".join)


@settings(max_examples=150)
@given(marked_up)
def test_no_letter_of_a_text_is_lost_and_nothing_else_is_made(run, text):
    # An address that is the text of its link is shown once.
    assume(not re.search(r"\[([^\]]+)\]\(\s*<?\1", text))
    shown = run(RENDERED, text)
    assert set(shown["elements"]) <= ELEMENTS
    assert set(shown["attributes"]) <= ATTRIBUTES
    assert letters(shown["text"]) == letters(text)


@settings(max_examples=100)
@given(st.text(st.characters(exclude_categories=["Cs"])) | marked_up.map(lambda text: f"${text}$"))
def test_any_text_makes_known_elements_only(run, text):
    shown = run(RENDERED, text)
    assert set(shown["elements"]) <= ELEMENTS
    assert set(shown["attributes"]) <= ATTRIBUTES


def letters(text):
    return [letter for letter in text if letter.isalpha()]


@pytest.mark.parametrize(
    "piece",
    ["![", "[a](", "*a_ ", "**a ", "> ", "- ", "  - a\n", "`a``b", "$a ", "|a", "\\(", "\\[", "<",
     "~", "```\n", "$$\n", "\\begin{x}\n", "1. ", "a|b\n-|-\n", "\\\\frac{", "${a", "漢", "_a"],
)  # fmt: skip
def test_100_kb_of_anything_take_no_time(run, piece):
    text = piece * (100_000 // len(piece))
    began = time.monotonic()
    run(RENDERED.replace("html: node.innerHTML,", ""), text)
    assert time.monotonic() - began < 10


@pytest.mark.parametrize(
    ("text", "html"),
    [
        ("a **b** _c_", '<p dir="ltr">a <strong>b</strong> <em>c</em></p>'),
        ("2*3*4, snake_case_x, 2 * 3", '<p dir="ltr">2*3*4, snake_case_x, 2 * 3</p>'),
        ("costs $5 and $10", '<p dir="ltr">costs $5 and $10</p>'),
        ("one\ntwo", '<p dir="ltr">one<br>two</p>'),
        ("<b>x</b>", '<p dir="ltr">&lt;b&gt;x&lt;/b&gt;</p>'),
        ("مرحبا", '<p dir="rtl">مرحبا</p>'),
        ("## T #", '<h2 dir="ltr">T</h2>'),
        (
            "1. a\n   - b\n2. c",
            '<ol start="1" dir="ltr"><li dir="ltr"><p dir="ltr">a</p><ul dir="ltr"><li dir="ltr">'
            '<p dir="ltr">b</p></li></ul></li><li dir="ltr"><p dir="ltr">c</p></li></ol>',
        ),
        (
            "```py\nx = '**'\n```",
            '<div class="code"><div class="language">py</div><pre dir="ltr"><code>x = \'**\'</code>'
            "</pre></div>",
        ),
        (
            "[a](javascript:x)",
            '<p dir="ltr"><span class="link">a<span class="address"> (javascript:x)</span></span>'
            "</p>",
        ),
    ],
)
def test_markdown_as_models_write_it(run, text, html):
    assert run(RENDERED, text)["html"] == html


@pytest.mark.parametrize(
    ("tex", "parts", "text"),
    [
        (r"\frac{1}{2}", ["mfrac"], "12"),
        (r"\frac12x", ["mfrac"], "12x"),
        (r"x_i^2 \le \sqrt[3]{y}", ["msubsup", "mroot"], "xi2≤y3"),
        (r"\begin{pmatrix}1&2\\3&4\end{pmatrix}", ["mtable"], "(1234)"),
        (r"\text{if } x \in \mathbb{R}", ["mtext"], "if\u00a0x∈ℝ"),
        (r"f'(x) = \left( \alpha \right)", ["msup"], "f′(x)=(α)"),
    ],
)
def test_formulas_are_drawn(run, tex, parts, text):
    script = """const node = formula(arguments[0], false);
        return [[...node.querySelectorAll("*")].map(each => each.localName), node.textContent]"""
    elements, shown = run(script, tex)
    assert set(parts) <= set(elements)
    assert shown == text


@pytest.mark.parametrize("tex", [r"\unknown{x}", r"\frac{1}", "{", "}", r"\left(", "x^", "{" * 99])
def test_what_is_no_formula_is_shown_as_its_tex(run, tex):
    html = run("return formula(arguments[0], true).firstChild.outerHTML", tex)
    assert html == f"<code>{tex}</code>"


words = st.lists(st.sampled_from(["one", "two", "three", "four", "$x^2$", "**two**"]), max_size=12)


@settings(max_examples=60)
@given(words, words)
def test_what_is_not_marked_is_in_both(run, left, right):
    one, other = run(COMPARED, " ".join(left), " ".join(right))
    assert one["same"] == other["same"]
    if left == right:
        assert one["marks"] == []
    # Neighbors are marked together, so a word that only one has is in a mark.
    for side, missing in ((one, set(left) - set(right)), (other, set(right) - set(left))):
        assert all(word in " ".join(side["marks"]) for word in missing & {"one", "three", "four"})


def test_answers_that_share_nothing_are_compared_at_once(run):
    one, other = ("\n".join(f"{letter}{number} and" for number in range(9000)) for letter in "ab")
    began = time.monotonic()
    left, right = run(COMPARED, one, other)
    assert time.monotonic() - began < 20
    assert left["same"] == right["same"] == ["and"] * 9000
