"""A review as its annotators have it in a browser: what they see, what their clicks become."""

import re

import pytest

from builders.review.folder import Review
from builders.review.record import record_of
from builders.review.source import SHOWN, open_source
from pipelines.review.people import People
from pipelines.review.pull import pull
from pipelines.review.push import Pushed, Wishes, push
from pipelines.review.server import connect
from tests.browser import Annotator, running_browser
from tests.ledger_rows import ledger_row, make_run

pytestmark = pytest.mark.xdist_group("argilla")

NAMES = ("ann-page", "ben-page")
HOSTILE = (
    "<script>parent.ran = 'script'</script> <img src=x onerror=\"parent.ran = 'image'\">"
    " <b>bold</b> <h1>huge</h1> </div></section> <style>* {display: none}</style> <!-- gone -->"
    " <? gone ?> </> a < b && b > c &amp; &lt;b&gt; &copy &#65; **b** [l](javascript:alert(1))"
    " {{ 7 * 7 }}\n\n\tthird line 🦊👩\u200d👩\u200d👧 漢字 \u202ereversed\u202c"
)
ARABIC = "عاصمة لبنان هي <b>بيروت</b> 🦊، وهي أكبر مدنه (1.9 مليون).\nשלום"
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


@pytest.fixture(scope="module")
def browser():
    with running_browser() as browser:
        yield browser


@pytest.fixture(scope="module")
def server(argilla_server):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ARGILLA_API_KEY", argilla_server.api_key)
        return connect(argilla_server.url)


@pytest.fixture(scope="module")
def pushed(server, tmp_path_factory) -> Pushed:
    folder = tmp_path_factory.mktemp("page")
    make_run(folder / "run", TWINS)
    wishes = Wishes(
        strategy="uniform", out=folder / "reviews" / "page", people=People("page", NAMES)
    )
    return push(server, open_source(folder / "run"), wishes)


@pytest.fixture
def sign_in(browser, pushed):
    """Signs somebody in with the password that the push has made, at the review's first page."""

    def sign_in(name):
        annotator = Annotator(browser, pushed.review.facts["url"], name, pushed.passwords[name])
        annotator.open(*pushed.pages.values())
        return annotator

    return sign_in


def pages(annotator):
    """What `annotator` sees, page by page."""
    for number in range(len(TWINS)):
        if number:
            annotator.next()
        yield annotator


def fields(review: Review):
    """The texts of the review's records, in the order of the page's fields."""
    drawn = {row["id"]: row for row in review.drawn()}
    rows = open_source(review.source).rows(SHOWN)
    return [list(record_of(row, drawn[row["id"]])["fields"].values()) for row in rows]


def test_any_text_is_shown_as_text(sign_in, pushed, browser, tmp_path):
    annotator = sign_in(NAMES[0])
    title, shown = browser.title, []
    for page in pages(annotator):
        shown.append(list(page.texts().values()))
        assert set(page.elements()) == {"div", "style"}
        assert len(page.elements()) == 8
    assert sorted(shown) == sorted(fields(pushed.review))
    assert browser.execute_script("return window.ran") is None
    assert browser.title == title
    path = tmp_path / "page.png"
    assert browser.save_screenshot(str(path))
    assert path.read_bytes().startswith(b"\x89PNG")


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
    assert "before you read the critique" in guidelines.lower()
    assert not re.search(r"[*|]|^\d\.", guidelines, flags=re.M)
    assert list(annotator.texts())[:3] == ["Instruction", "Answer A", "Answer B"]


def test_clicks_become_verdicts_of_draft_and_refinement(sign_in, pushed, server):
    annotator = sign_in(NAMES[1])
    corrected = "Say <b>what</b> & why; عربي &lt;"
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
    assert pull(server, pushed.review).verdicts == 4
    verdicts = pushed.review.verdicts()
    for verdict in verdicts:
        first, second = ("draft", "refinement")[:: 1 if verdict["order"] == "draft_first" else -1]
        assert verdict["better"] == first
        assert (verdict[f"{first}_score"], verdict[f"{second}_score"]) == (9, 2)
        assert verdict["weaknesses_real"] == "some"
        assert verdict["suggestions_actionable"] is False
        assert verdict["refinement_introduces_error"] is True
        assert verdict["corrected_critique"] is None
    assert {verdict["order"] for verdict in verdicts} == {"draft_first", "refinement_first"}
    assert sorted(filter(None, (row["corrected_refinement"] for row in verdicts))) == [corrected]
