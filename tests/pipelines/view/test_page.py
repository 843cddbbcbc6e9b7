"""The page in a real browser: what a reader sees, presses and follows."""

from pathlib import Path
from urllib.parse import urlsplit

import pytest

from pipelines.cli.view import MOST_EXPORTED
from tests.browser import requests, resize
from tests.ledger_rows import ledger_row, make_run
from tests.pipelines.view.reader import Reader
from tests.viewing import viewing

FILTERS = [
    [("status", "dropped")],
    [("reason", "margin"), ("draft_score", "2..5")],
    [("q", "TIDES"), ("sort", "-margin")],
    [("reached", "scored"), ("sort", "draft_length")],
    [("model", "example/small-draft-135m"), ("source", "seed-tasks")],
    [("script", "Hebrew")],
    [("cost", "..0.005"), ("sort", "latency")],
]


@pytest.fixture(scope="module")
def address(run):
    with viewing(run) as address:
        yield address


@pytest.fixture
def page(browser, address):
    return Reader(browser, address)


def by_id(rows):
    return {row["id"]: row for row in rows}


def test_it_opens_with_the_first_row(page, rows):
    assert page.chosen == len(rows)
    assert page.selected == rows[0]["id"]
    detail = page.text("#detail")
    for text in ("Before <b>", "The capital of Cameroon is Douala", "example/large-critic-70b"):
        assert text in detail
    call = rows[0]["calls"][1]
    assert f"{call['tokens_in']:,}" in detail
    assert page.all(".draft mark") == ["Douala"]
    assert page.all(".refinement mark") == ["Yaoundé"]
    assert page.all("#detail > div > .critique li") == [
        *rows[0]["critique"]["weaknesses"],
        *rows[0]["critique"]["suggestions"],
    ]


def test_texts_are_text(page):
    instruction = page.text("#detail section:has(+ .side-by-side) .text")
    assert "<script>document.title" in instruction
    assert "U+001B" in instruction
    assert "U+202E" in instruction
    assert page.browser.title == "test"
    assert not page.script("return document.querySelectorAll('#detail script, #detail img').length")
    # Thinking is there, and folded away.
    assert page.script("return document.querySelector('#detail details').open") is False
    page.click("#detail details summary", having="Thinking")
    assert "Let me think about </script> first." in page.text("#detail section details")


def test_formulas_on_demand(page, rows):
    page.press("j")
    assert page.selected == rows[1]["id"]
    assert "\\(a^2 + b^2 = c^2\\)" in page.text(".draft .text")
    page.press("m")
    assert page.script("return document.querySelectorAll('.draft math').length") == 1
    assert page.text(".draft pre") == "print('<b>bold</b>')"
    page.press("m")
    assert not page.script("return document.querySelectorAll('.draft math').length")


def test_a_long_text_is_folded(page, rows):
    page.press("j", "j")
    height = page.script("return document.querySelector('.draft .text').clientHeight")
    assert height <= 900
    page.click(".draft button", having="Show all 100,000 characters")
    assert page.script("return document.querySelector('.draft .text').clientHeight") > height


def test_the_keyboard(page, rows):
    page.press("j", "j", "k")
    assert page.selected == rows[1]["id"]
    dropped = [row["id"] for row in rows if row["status"] == "dropped"]
    page.press("n")
    assert page.selected == dropped[0]
    page.press("n")
    assert page.selected == dropped[1]
    page.press("G")
    assert page.selected == rows[-1]["id"]
    assert rows[-1]["id"] in page.ids()
    page.press("g")
    assert page.selected == rows[0]["id"]


def test_bars_filter(page, rows):
    page.click(".bar", having="margin")
    margin = [row["id"] for row in rows if row["reason"] == "margin"]
    assert page.chosen == len(margin)
    assert page.ids()[:5] == margin[:5]
    assert "reason=margin" in page.browser.current_url
    page.click(".bar", having="margin")
    assert page.chosen == len(rows)
    page.click(".bar", having="kept")
    assert page.chosen == sum(row["status"] == "kept" for row in rows)
    page.press("x")
    page.click(".ten")
    assert page.chosen == 10
    page.press("x")
    assert page.chosen == len(rows)


def test_fields_filter_and_what_they_cannot_read_is_said(page, rows):
    page.choose("source", "seed-tasks")
    assert page.chosen == sum(row["source"] == "seed-tasks" for row in rows)
    field = page.browser.find_element("id", "filter-draft_score")
    field.send_keys("very high\n")
    page.wait(lambda: "is not a number" in page.text("#notice"))
    assert not page.ids()


def test_a_search(page, rows):
    page.search("the tides")
    expected = [row["id"] for row in rows if "the tides" in row["instruction"]]
    assert page.chosen == len(expected)
    assert page.ids()[:5] == expected[:5]


def test_a_link_holds_the_filter_and_the_row(browser, address, rows):
    margin = [row["id"] for row in rows if row["reason"] == "margin"]
    page = Reader(browser, address, [("reason", "margin"), ("row", margin[3])])
    assert (page.chosen, page.selected) == (len(margin), margin[3])
    page.press("j")
    again = Reader(browser, page.browser.current_url)
    assert (again.chosen, again.selected) == (len(margin), margin[4])


def test_nothing_leaves_the_machine(browser, address):
    requests(browser)
    page = Reader(browser, address)
    page.press("j", "m", "n", "m")
    page.search("tides")
    asked = {(urlsplit(url).scheme, urlsplit(url).netloc) for url in requests(browser)}
    own = urlsplit(address)
    assert (own.scheme, own.netloc) in asked
    assert asked <= {(own.scheme, own.netloc), ("about", ""), ("data", "")}


def test_on_a_telephone(page, browser, rows):
    resize(browser, 390, 844)
    try:
        page = Reader(browser, page.address)
        assert page.script("return document.documentElement.scrollWidth") <= 390
        assert not page.text("#panel")
        page.click("#open-panel")
        page.click(".bar", having="margin")
        assert page.chosen == sum(row["reason"] == "margin" for row in rows)
    finally:
        resize(browser, 1280, 1000)


@pytest.fixture(scope="module")
def exported(run, tmp_path_factory, srt_view):
    file = tmp_path_factory.mktemp("exported") / "rows.html"
    srt_view(run, "--export", file)
    return file


@pytest.fixture(scope="module")
def srt_view():
    """Runs `srt view` in this process."""
    from typer.testing import CliRunner

    from pipelines.cli import app

    def run(*arguments):
        done = CliRunner().invoke(app, ["view", *map(str, arguments)], catch_exceptions=False)
        assert done.exit_code == 0

    return run


def test_an_exported_file_shows_the_same(browser, exported, address, rows):
    requests(browser)
    page = Reader(browser, exported.as_uri())
    assert page.chosen == len(rows)
    assert page.text(".draft .text") == rows[0]["draft"]
    assert page.browser.title == "test"
    page.press("n")
    assert page.selected == next(row["id"] for row in rows if row["status"] == "dropped")
    for filters in FILTERS:
        found = Reader(browser, exported.as_uri(), filters)
        in_file = (found.chosen, found.ids(), found.all(".bar"))
        served = Reader(browser, address, filters)
        assert in_file == (served.chosen, served.ids(), served.all(".bar")), filters
        assert in_file[0]
    asked = {url.partition(":")[0] for url in requests(browser)}
    assert asked <= {"file", "about", "data", "http"}


def test_an_export_of_some_rows(browser, run, rows, srt_view, tmp_path):
    file = tmp_path / "margin.html"
    srt_view(run, "--export", file, "--filter", "reason=margin&sort=-draft_score")
    page = Reader(browser, file.as_uri())
    assert page.chosen == sum(row["reason"] == "margin" for row in rows)
    assert f"of {len(rows)}" in page.text("#about")
    assert MOST_EXPORTED == 2000


def test_two_runs_side_by_side(browser, run, rows, tmp_path):
    other = [
        {**row, "draft": "Another draft."} if number == 0 else row
        for number, row in enumerate(rows[:100])
    ]
    beside = make_run(tmp_path / "runs/other", [*other, ledger_row(9999)])[0].folder
    with viewing(run, "--beside", beside) as address:
        page = Reader(browser, address)
        assert "beside other" in page.text("#about")
        assert page.all(".draft .text") == [rows[0]["draft"], "Another draft."]
        assert page.all(".draft mark")
        page.choose("change", "texts")
        assert page.chosen == 1
        page.press("x")
        page.choose("change", "only beside")
        assert page.selected == ledger_row(9999)["id"]


def test_a_run_that_is_being_built(browser, rows, tmp_path):
    run = make_run(tmp_path / "runs/growing", rows[:20])[0]
    run.manifest_path.unlink()
    with viewing(run.folder) as address:
        page = Reader(browser, address)
        assert "still being built" in page.text("#about")
        page.press("j")
        run.append(rows[20:50])
        page.wait(lambda: page.chosen == 50)
        page.settled()
        # The reader stays at the row.
        assert page.selected == rows[1]["id"]


def test_no_file_of_the_page_names_another_machine():
    folder = Path(__file__).parents[3] / "pipelines/view/page"
    for file in folder.iterdir():
        text = file.read_text(encoding="utf-8")
        assert "://" not in text, file
