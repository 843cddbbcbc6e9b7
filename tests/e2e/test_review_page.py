"""A review as its annotators have it in a browser: what they see, what their clicks become."""

import re
import time

import pytest
from selenium.common.exceptions import NoAlertPresentException

from builders.review.source import open_source
from pipelines.review.annotators import AnnotatorList
from pipelines.review.pull import pull
from pipelines.review.push import PushOptions, PushResult, push
from pipelines.review.server import connect
from tests.browser import Annotator, requests, resize, running_browser
from tests.ledger_rows import ledger_row, make_run

pytestmark = pytest.mark.xdist_group("argilla")

NAMES = ("ann-page", "ben-page", "cem-page")
WIDE, NARROW = (1280, 1000), (390, 844)
HOSTILE = (
    "<script>parent.ran = 'script'</script> <img src=x onerror=\"parent.ran = 'image'\">"
    " <b>bold</b> <h1>huge</h1> </div></section> <style>* {display: none}</style> <!-- gone -->"
    " <? gone ?> </> a < b && b > c &amp; &lt;b&gt; &copy &#65; [l](javascript:alert(1))"
    " ![i](https://example.invalid/i.png) {{ 7 * 7 }} $' $& #TEMPLATE# \n\n"
    "third line 🦊👩\u200d👩\u200d👧 漢字 \u202ereversed\u202c"
)
ARABIC = "عاصمة لبنان هي <b>بيروت</b> 🦊، وهي أكبر مدنه (1.9 مليون).\n\n- قائمة\n\n`x < y`"
UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def twin(number):
    """A row whose texts are those of every other, and nothing else is."""
    row = ledger_row(
        number,
        reason=None,
        id=f"{number:020}",
        source=f"origin-{number}",
        system=None,
        instruction=HOSTILE,
        draft=HOSTILE + " draft",
        refinement=ARABIC,
        critique={"weaknesses": [HOSTILE], "suggestions": ["Shorter."], "score": 2 + number},
    )
    calls = [{**call, "model": f"example/model-{number}"} for call in row["calls"]]
    return {**row, "calls": calls}


TWINS = [twin(number) for number in range(4)]
CODE = 'def double(x):\n    return 2 * x  # "</script>"'
WIDE_TABLE = "\n".join("|" + "|".join([cell] * 40) + "|" for cell in ("head", "---", "cell"))
RICH = ledger_row(
    7,
    reason=None,
    system="You are a *careful* teacher.",
    history=[
        {"role": "user", "content": "What is a parabola?"},
        {"role": "assistant", "content": "The graph of $y = x^2$."},
    ],
    instruction="When does $ax^2 + bx + c = 0$ have two roots?",
    criteria="- names the discriminant\n- gives an example",
    draft=f"It depends on the sign.\n\n```python\n{CODE}\n```\n\n{WIDE_TABLE}\n\n{'Long. ' * 12}"
    + "\n\nOne more line." * 60,
    refinement="It depends on the *discriminant*:\n\n\\[ x = \\frac{-b + \\sqrt{b^2-4ac}}{2a} \\]",
    critique={"weaknesses": ["It does not say `what` sign."], "suggestions": [], "score": 4},
)


@pytest.fixture(scope="module")
def browser():
    with running_browser(*WIDE) as browser:
        yield browser


@pytest.fixture(scope="module")
def server(argilla_server):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ARGILLA_API_KEY", argilla_server.api_key)
        return connect(argilla_server.url)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("page")


@pytest.fixture(scope="module")
def pushed(server, folder) -> PushResult:
    return push_rows(server, folder, "page", TWINS)


@pytest.fixture(scope="module")
def rich(server, folder, pushed) -> PushResult:
    return push_rows(server, folder, "rich", [RICH])


def push_rows(server, folder, name, rows) -> PushResult:
    make_run(folder / name, rows)
    options = PushOptions(
        strategy="uniform",
        out=folder / "reviews" / name,
        people=AnnotatorList(workspace="page", annotators=list(NAMES)),
    )
    return push(server, open_source(folder / name), options)


@pytest.fixture
def sign_in(browser, pushed):
    """Signs somebody in with the password that the push has made, at the review's first page."""

    def sign_in(name, review=pushed, size=WIDE):
        resize(browser, *size)
        url = review.review.facts.url
        annotator = Annotator(browser, url, name, pushed.passwords[name])
        annotator.open(*review.pages.values())
        return annotator

    return sign_in


def pages(annotator):
    """What `annotator` sees, page by page."""
    for number in range(len(TWINS)):
        if number:
            annotator.next()
        yield annotator


def strangers(browser, url):
    """The addresses requested elsewhere than at the server, without those of Argilla's fonts."""
    known = (url, "data:", "blob:", "about:", "https://fonts.googleapis.com/css2?family=")
    return [address for address in requests(browser) if not address.startswith(known)]


def test_any_text_is_shown_as_text_and_nothing_of_it_runs_or_loads(sign_in, pushed, browser):
    annotator = sign_in(NAMES[0])
    requests(browser)
    title = browser.title
    literal, *_ = HOSTILE.split(" [l]")
    for page in pages(annotator):
        page.in_frame("root.querySelectorAll('.link, .image').forEach(each => each.click())")
        texts = page.texts()
        assert texts["Instruction"].startswith(literal)
        for piece in ("l (javascript:alert(1))", "[image: i, https://example.invalid/i.png]"):
            assert piece in texts["Instruction"]
        assert "{{ 7 * 7 }} $' $& #TEMPLATE#" in texts["Instruction"]
        answers = {texts["Answer A"], texts["Answer B"]}
        assert any(answer.endswith(" draft") for answer in answers)
        assert any("هي <b>بيروت</b>" in answer for answer in answers)
        assert set(page.elements()) == {"p", "span", "ul", "li", "code"}
        directions = page.in_frame(
            "return [...root.querySelectorAll('p, ul, li')].map(e => e.matches('[dir=rtl]'))"
        )
        assert directions.count(True) == 4
    with pytest.raises(NoAlertPresentException):
        browser.switch_to.alert.accept()
    assert browser.execute_script("return window.ran") is None
    assert browser.title == title
    assert strangers(browser, pushed.review.facts.url) == []


def test_a_page_says_nothing_beside_its_texts(sign_in, pushed):
    """Of records with the same texts, only the order tells their pages apart."""
    seen = {UUID.sub("ID", page.source()) for page in pages(sign_in(NAMES[0]))}
    assert len(seen) == 2
    orders = [row["order"] for row in pushed.review.drawn()]
    assert sorted(orders) == ["draft_first"] * 2 + ["refinement_first"] * 2


def test_nothing_is_chosen_beforehand_and_the_guidelines_are_there(sign_in):
    annotator = sign_in(NAMES[0])
    assert annotator.chosen() == []
    assert annotator.submitted == 0
    guidelines = annotator.guidelines()
    assert "before you open the critique" in guidelines.lower()
    assert not re.search(r"[*|]|^\d\.", guidelines, flags=re.M)


@pytest.mark.parametrize(("name", "size"), list(zip(NAMES, (WIDE, NARROW, NARROW), strict=True)))
def test_what_a_page_shows_at_any_width(sign_in, rich, name, size):
    """History and criteria; A and B beside or below each other; the critique when it is time."""
    annotator = sign_in(name, rich, size)
    shown = annotator.texts()
    assert list(shown) == [
        "System prompt", "Conversation so far", "User", "Assistant", "Instruction",
        "What a good answer has to do", "Answer A", "Answer B", "Critique",
    ]  # fmt: skip
    assert shown["System prompt"] == "You are a careful teacher."
    assert "names the discriminant" in shown["What a good answer has to do"]
    a, b, root = annotator.in_frame(
        "return ['.answer.a', '.answer.b', 'html'].map(css => {"
        " const {left, top, right} = document.querySelector(css).getBoundingClientRect();"
        " return {left, top, right}})"
    )
    beside = a["right"] <= b["left"] and a["top"] == b["top"]
    assert beside == (size == WIDE)
    assert beside or (a["left"] == b["left"] and a["top"] < b["top"])
    # Nothing is wider than the page: the table scrolls in a box, the code in its own.
    assert annotator.in_frame("return root.scrollWidth <= innerWidth")
    assert root["right"] <= size[0]
    table = "const t = root.querySelector('.wide'); return t.scrollWidth > 2 * t.clientWidth"
    assert annotator.in_frame(table)
    assert annotator.in_frame("return root.querySelector('pre').textContent") == CODE
    fonts = "return getComputedStyle(root.querySelector('pre code')).fontFamily"
    assert "monospace" in annotator.in_frame(fonts)
    formula = "return root.querySelectorAll('.answer math mfrac msqrt').length"
    assert annotator.in_frame(formula) == 1

    assert shown["Critique"] == ""
    annotator.press("Show the critique")
    assert "First say which answer is better" in annotator.in_frame(
        "return root.querySelector('.critique').innerText"
    )
    annotator.choose("better", "A")
    annotator.choose("score_a", 8)
    annotator.press("Show the critique")
    assert annotator.texts()["Critique"] == ""
    annotator.choose("score_b", 4)
    annotator.press("Show the critique")
    assert "It does not say what sign." in annotator.texts()["Critique"]


def test_long_answers_are_folded_and_differences_marked_on_demand(sign_in, rich):
    annotator = sign_in(NAMES[0], rich)
    height = "return [...root.querySelectorAll('.answer')].map(e => e.offsetHeight)"
    before = max(annotator.in_frame(height))
    letter = "A" if "sign" in annotator.texts()["Answer A"] else "B"
    annotator.press(f"Show all of answer {letter} ({len(RICH['draft']):,} characters)")
    assert max(annotator.in_frame(height)) > before
    frame = annotator.wait(
        lambda: annotator.in_frame("return [frameElement.offsetHeight, root.offsetHeight]")
    )
    assert frame[0] >= frame[1]

    marked = "return [...root.querySelectorAll('mark, .differs')].map(e => e.textContent)"
    assert annotator.in_frame(marked) == []
    texts = annotator.texts()
    annotator.press("Mark differing words")
    marks = annotator.in_frame(marked)
    assert "sign." in marks
    assert "discriminant" in marks
    assert not any("depends" in each for each in marks)
    assert annotator.texts() == texts
    annotator.press("Mark differing words")
    assert annotator.in_frame(marked) == []


def test_a_ten_is_a_ten_however_slowly_it_is_typed(sign_in, rich, server):
    annotator = sign_in(NAMES[0], rich)
    annotator.type("2")
    annotator.wait(lambda: annotator.chosen() == ["better_B"])
    annotator.type("1")
    annotator.wait(lambda: annotator.chosen() == ["better_B", "score_a_1"])
    # Argilla takes 0.3 s for the end of a number.
    time.sleep(1)
    annotator.type("0")
    annotator.wait(lambda: annotator.chosen() == ["better_B", "score_a_10"])
    # A 1 stays a 1 if another number follows, which answers the next question.
    annotator.type("1")
    time.sleep(1)
    annotator.press("Show the critique")
    for key in "221":
        annotator.type(key)
        time.sleep(0.5)
    annotator.enter_on_the_number_pad()
    annotator.wait(lambda: annotator.submitted == 1)
    assert pull(server, rich.review).verdicts == 1
    (verdict,) = rich.review.verdicts()
    first, second = order_of(verdict)
    assert verdict["better"] == second
    assert (verdict[f"{first}_score"], verdict[f"{second}_score"]) == (10, 1)
    assert verdict["weaknesses_real"] == "some"
    assert verdict["suggestions_actionable"] is False
    assert verdict["refinement_introduces_error"] is True


def order_of(verdict):
    return ("draft", "refinement")[:: 1 if verdict["order"] == "draft_first" else -1]


def test_clicks_become_verdicts_and_a_written_text_breaks_no_page(sign_in, pushed, server, browser):
    annotator = sign_in(NAMES[1])
    corrected = "Say <b>what</b> & why; عربي &lt; </script><script>parent.ran = 1</script> $'"
    for number in range(len(TWINS)):
        annotator.choose("better", "A")
        annotator.choose("score_a", 9)
        annotator.choose("score_b", 2)
        annotator.choose("weaknesses_real", "some")
        annotator.choose("suggestions_actionable", "no")
        annotator.choose("refinement_introduces_error", "yes")
        if number == 0:
            annotator.write("corrected_refinement", corrected)
        annotator.submit()
    # Submitted pages are shown with what was written, in a script.
    (page,) = pushed.pages.values()
    annotator.open(f"{page}?page=1&status=submitted")
    shown = [each.texts()["Instruction"] for each in pages(annotator)]
    assert len(shown) == len(TWINS)
    assert all(text.startswith("<script>") for text in shown)
    assert browser.execute_script("return window.ran") is None
    assert pull(server, pushed.review).verdicts == 4
    verdicts = pushed.review.verdicts()
    for verdict in verdicts:
        first, second = order_of(verdict)
        assert verdict["better"] == first
        assert (verdict[f"{first}_score"], verdict[f"{second}_score"]) == (9, 2)
        assert verdict["weaknesses_real"] == "some"
        assert verdict["suggestions_actionable"] is False
        assert verdict["refinement_introduces_error"] is True
        assert verdict["corrected_critique"] is None
    assert {verdict["order"] for verdict in verdicts} == {"draft_first", "refinement_first"}
    assert sorted(filter(None, (row["corrected_refinement"] for row in verdicts))) == [corrected]
