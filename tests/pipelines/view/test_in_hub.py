"""A dataset's page on a Hub of this machine: its rows, its card and its files, in a browser."""

import io
import json
import urllib.error
import urllib.request

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from huggingface_hub import HfApi
from selenium.webdriver.common.by import By

from builders.release.make import release_runs
from tests.browser import requests, resize
from tests.hub import commit_files
from tests.ledger_rows import make_run
from tests.pipelines.view.reader import Reader
from tests.viewing import addressed

CARD = """---
license: mit
---
# Hostile <script>document.title = 'owned'</script>

![far](https://elsewhere.example/x.png) <img src=x onerror="document.title = 'owned'">

```mermaid
flowchart LR
  a["<img src=x onerror=alert(1)>"] --> b["#60;b#62; ok"]
```

```mermaid
sequenceDiagram
  A->>B: shown as it is written
```

| a | b |
|---|---|
| 1<br>2 | \\<br> |
"""


_buffer = io.BytesIO()
pq.write_table(pa.table({"text": [f"<i>{number}</i>" for number in range(25)]}), _buffer)
# Somebody's dataset of two configs, of which the card names the second first.
PLAIN = {
    "README.md": b"---\nconfigs:\n- config_name: second\n---\n",
    ".gitattributes": b"",
    "first/test-00000-of-00001.parquet": _buffer.getvalue(),
    "first/train-00000-of-00001.parquet": _buffer.getvalue(),
    "second/train-00000-of-00001.parquet": _buffer.getvalue(),
    "notes.parquet": b"",
}


def serving(folder, *options):
    """`srt serve hub` as a user runs it."""
    return addressed("hub", "serve", "hub", "--dir", folder, "--port", "0", *options)


@pytest.fixture(scope="module")
def release(tmp_path_factory, rows):
    out = tmp_path_factory.mktemp("released")
    return release_runs([make_run(out / "run", rows)], name="tiny", version="1.0.0", out=out)


@pytest.fixture(scope="module")
def hub(tmp_path_factory, release):
    """A Hub with the release, with a hostile dataset, and with one whose ledger is damaged."""
    ledger = "ledger/train-00000-of-00001.parquet"
    files = {
        path.relative_to(release).as_posix(): path.read_bytes()
        for path in release.rglob("*")
        if path.is_file()
    }
    with serving(tmp_path_factory.mktemp("hub")) as url:
        commit_files(url, "org/tiny", files, "v1.0.0")
        commit_files(url, "org/hostile", {"README.md": CARD.encode()}, "v1.0.0")
        damaged = {ledger: files[ledger][:-400], "manifest.json": files["manifest.json"]}
        commit_files(url, "org/damaged", damaged, "v1.0.0")
        commit_files(url, "org/plain", PLAIN, "v1.0.0")
        yield url


@pytest.fixture
def page(browser, hub):
    resize(browser, 1280, 1000)
    return Reader(browser, f"{hub}/datasets/org/tiny?revision=v1.0.0", settles=False)


def elements(browser, css):
    return browser.find_elements(By.CSS_SELECTOR, css)


def test_the_rows_are_those_of_srt_view(page, browser, rows, hub):
    requests(browser)
    browser.switch_to.frame(elements(browser, "iframe.view")[0])
    try:
        page.settled()
        assert page.chosen == len(rows)
        first = page.selected
        # The keyboard is the frame's once somebody clicks there.
        page.click(".row")
        page.search("onerror")
        assert page.chosen == 1
        # Texts are text.
        assert "<script>document.title" in page.text("#detail")
        assert "U+202E" in page.text("#detail")
        assert page.all(".draft mark") == ["Douala"]
        page.click("#clear")
        page.press("j")
        assert page.selected != first
    finally:
        browser.switch_to.default_content()
    assert "owned" not in browser.title
    browser.get(browser.current_url)
    asked = requests(browser)
    assert any("/api/list" in address for address in asked)
    # No request leaves the machine.
    assert [address for address in asked if not address.startswith(f"{hub}/")] == []


def test_the_rows_of_each_config(page, browser, release):
    for config in sorted(path.name for path in release.iterdir() if path.is_dir()):
        if config == "assets":
            continue
        (name,) = [
            one for one in elements(browser, ".configs span") if one.text.startswith(f"{config}:")
        ]
        name.find_elements(By.TAG_NAME, "a")[0].click()
        table = pq.read_table(release / config / "train-00000-of-00001.parquet")
        names = [one.text for one in elements(browser, ".rows th")]
        assert names == table.column_names
        cells = elements(browser, ".rows tr:nth-child(2) td")
        first = table.slice(0, 1).to_pylist()[0]
        assert cells[0].text == first[names[0]]
        assert f"1 to 10 of {len(table):,} rows" in page.text("body")
        assert not elements(browser, "iframe")
    browser.get(browser.current_url.replace("#rows", f"&first={len(table) - 4}#rows"))
    assert len(elements(browser, ".rows tr")) == 1 + 4


def test_the_card_can_be_read(page, browser):
    assert page.all(".flow .node")[-1].startswith("Dropped, with a reason")
    card = page.text(".card")
    assert "flowchart" not in card
    assert "|---" not in card
    assert len(elements(browser, ".card table")) > 8
    (widths,) = [page.script("return [...document.images].map(one => one.naturalWidth)")]
    assert widths
    assert all(widths)
    assert all(one.get_attribute("alt") for one in elements(browser, ".card img"))
    # Rows, card, files.
    tops = [elements(browser, css)[0].location["y"] for css in ("#rows", ".card", "#files")]
    assert tops == sorted(tops)
    for width in (1280, 390):
        resize(browser, width, 900)
        assert page.script("return document.documentElement.scrollWidth") <= width


def test_a_hostile_card_is_text(browser, hub):
    requests(browser)
    page = Reader(browser, f"{hub}/datasets/org/hostile", settles=False)
    assert browser.title == "org/hostile"
    assert "<script>document.title" in page.text(".card h1")
    assert page.all(".flow .node") == ["<img src=x onerror=alert(1)>", "<b> ok"]
    assert "A->>B: shown as it is written" in page.text(".card pre")
    assert page.all(".card td") == ["1\n2", "<br>"]
    assert not elements(browser, "script, iframe, .card b")
    asked = [one for one in requests(browser) if not one.startswith(f"{hub}/")]
    # The policy stops the picture of another site.
    sizes = page.script("return [...document.images].map(one => one.naturalWidth)")
    assert sizes == [0]
    assert all(one == "https://elsewhere.example/x.png" for one in asked)


def text_at(url):
    with urllib.request.urlopen(url, timeout=60) as response:
        return response.read().decode()


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("rows=first/train", "1 to 10 of 25 rows"),
        ("rows=first/train&first=20", "&lt;i&gt;24&lt;/i&gt;"),
        ("rows=first/train&first=25", "<p>25 rows"),
        ("rows=first/train&first=99999999999", "<p>25 rows"),
        ("rows=first/train&first=-1", "1 to 10 of 25 rows"),
        ("rows=first/train&first=%D9%A3", "1 to 10 of 25 rows"),
        ("rows=../../settings", "Choose a config"),
        ("rows=first", "Choose a config"),
        ("", "Choose a config"),
    ],
)
def test_whatever_rows_are_asked_for(hub, query, said):
    text = text_at(f"{hub}/datasets/org/plain?{query}")
    assert said in text
    # In the card's order, and train before test.
    named = ("second%2Ftrain", "first%2Ftrain", "first%2Ftest")
    places = [text.replace("/", "%2F").index(f"rows={name}") for name in named]
    assert places == sorted(places)
    assert "iframe" not in text


def status_of(url):
    try:
        with urllib.request.urlopen(url, timeout=60) as response:
            return response.status
    except urllib.error.HTTPError as error:
        return error.code


def test_who_gets_an_answer(hub):
    api = HfApi(endpoint=hub, token=False)
    commit = api.dataset_info("org/tiny").sha
    view = f"{hub}/datasets/org/tiny/view/{commit}/"
    assert status_of(view) == 200
    assert status_of(f"{view}api/list?offset=0&limit=5") == 200
    assert status_of(f"{view}api/list?offset=x&limit=5") == 400
    assert status_of(f"{view}api/none") == 404
    assert status_of(f"{hub}/datasets/org/tiny/view/{'0' * 40}/") == 404
    assert status_of(f"{hub}/datasets/org/tiny/view/main/") == 404
    hostile = api.dataset_info("org/hostile").sha
    assert status_of(f"{hub}/datasets/org/hostile/view/{hostile}/") == 422
    damaged = api.dataset_info("org/damaged").sha
    address = f"{hub}/datasets/org/damaged/view/{damaged}/"
    assert status_of(address) == 422
    with pytest.raises(urllib.error.HTTPError) as refused:
        text_at(address)
    assert json.load(refused.value)["error"].startswith("ledger/train-00000-of-00001.parquet: not")
    address = f"{hub}/datasets/org/damaged?rows=ledger/train"
    assert "the rows cannot be read" in text_at(address)
    with urllib.request.urlopen(view, timeout=60) as response:
        policy = response.headers["Content-Security-Policy"]
    assert "frame-ancestors 'self'" in policy
    assert "connect-src 'self'" in policy


def test_a_private_dataset_is_not_shown_to_everybody(tmp_path):
    (tmp_path / "token").write_text("hf_secret")
    with serving(tmp_path / "hub", "--token-file", tmp_path / "token") as url:
        api = HfApi(endpoint=url, token="hf_secret")
        api.create_repo("org/tiny", repo_type="dataset", private=True)
        commit = api.dataset_info("org/tiny").sha
        assert status_of(f"{url}/datasets/org/tiny/view/{commit}/") == 404
        assert status_of(f"{url}/datasets/org/tiny/view/{commit}/api/summary") == 404
