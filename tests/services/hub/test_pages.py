from html.parser import HTMLParser

import pytest
from huggingface_hub import CommitOperationAdd
from hypothesis import given, settings
from hypothesis import strategies as st

from services.hub.http.markdown import render_card, without_front_matter

CARD = """---
license: mit
---
# Scores <script>alert(1)</script>

![picture](scores.png) ![far](https://elsewhere.example/x.png) [changes](./CHANGELOG.md)
[bad](javascript:alert(1)) <img src=x onerror=alert(1)>

| a | b |
|---|---|
| 1 | <b>2</b> |

```mermaid
graph LR; a-->b
```
"""


class Elements(HTMLParser):
    """The elements, URLs and attributes of a page."""

    def __init__(self, html):
        super().__init__()
        self.names, self.addresses, self.attributes = set(), set(), set()
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        self.names.add(tag)
        self.attributes |= {name for name, _ in attrs}
        self.addresses |= {value for name, value in attrs if name in ("src", "href")}


def test_a_repository_has_a_page(api, ask, repo):
    made = api.create_commit(
        **repo.named,
        operations=[
            CommitOperationAdd("README.md", CARD.encode()),
            CommitOperationAdd("a <b>.parquet", b"PAR1" * 300),
        ],
        commit_message="<i>first</i>",
    )
    api.create_tag(**repo.named, tag="v1.0.0")
    prefix = "/datasets/" if repo.type == "dataset" else "/"
    got = ask("GET", f"{prefix}{repo.name}")
    assert got.headers["Content-Type"].startswith("text/html")
    assert "default-src 'none'" in got.headers["Content-Security-Policy"]
    page = Elements(got.text)
    assert not page.names & {"script", "i", "b2", "iframe"}
    assert "onerror" not in page.attributes
    files = f"{prefix}{repo.name}/resolve/{made.oid}"
    assert {
        f"{files}/scores.png",
        f"{files}/CHANGELOG.md",
        f"{files}/a%20%3Cb%3E.parquet",
        f"{prefix}{repo.name}?revision=v1.0.0",
    } <= page.addresses
    assert not any("javascript" in address for address in page.addresses)
    for shown in ("&lt;i&gt;first&lt;/i&gt;", "1.2 kB (LFS)", "license", "graph LR"):
        assert (shown in got.text) == (shown != "license")
    tagged = ask("GET", f"{prefix}{repo.name}?revision=v1.0.0")
    assert "v1.0.0" in tagged.text
    assert ask("GET", f"{prefix}{repo.name}?revision=v9").status_code == 404
    home = Elements(ask("GET", "/").text)
    assert f"{prefix}{repo.name}" in home.addresses


def test_a_repository_without_a_card_has_a_page_too(ask, repo):
    prefix = "/datasets/" if repo.type == "dataset" else "/"
    assert ".gitattributes" in ask("GET", f"{prefix}{repo.name}").text
    assert ask("GET", f"{prefix}org/none").status_code == 404


def test_a_card_that_takes_long_to_render_is_shown_as_it_is(api, ask, repo):
    card = "# Long\n" + "![" * 149_000
    api.upload_file(path_or_fileobj=card.encode(), path_in_repo="README.md", **repo.named)
    prefix = "/datasets/" if repo.type == "dataset" else "/"
    assert "<pre># Long\n![![" in ask("GET", f"{prefix}{repo.name}").text


PIECES = st.sampled_from(
    ["<", ">", '"', "'", "[", "](", ")", "![", "`", "\n", "|", "---\n", "javascript:", "data:",
     "<script>", "onerror=", "&lt;", "&#x3c;", "../", "x", " ", "\\", "http://e/", "//e/",
     "<br>", "```mermaid\nflowchart LR\n", '["', '"]', "-->"]
)  # fmt: skip


@settings(max_examples=300)
@given(st.lists(PIECES | st.text(max_size=5), max_size=25).map("".join))
def test_no_card_can_inject_elements(card):
    page = Elements(render_card(without_front_matter(card), "/datasets/org/name/resolve/main"))
    assert not page.names & {"script", "iframe", "object", "style", "form", "svg"}
    assert page.attributes <= {"src", "href", "alt", "title", "class", "style", "start"}
    for address in page.addresses:
        assert not address.lower().strip().startswith(("javascript:", "vbscript:", "file:"))


@pytest.mark.parametrize(
    ("address", "leads"),
    [
        ("x.png", "/r/x.png"),
        ("a/../x.png", "/r/x.png"),
        ("../../api/whoami-v2", None),
        ("/etc/passwd", None),
        ("https://e/x", None),
        ("#part", None),
    ],
)
def test_only_relative_links_are_resolved(address, leads):
    assert Elements(render_card(f"[x]({address})", "/r")).addresses == {leads or address}


def test_a_line_break_in_a_cell_is_the_only_html_that_is_read():
    html = render_card("| a |\n|---|\n| 1<br>2<br/><b>3</b> \\<br> `<br>` |", "/r")
    assert Elements(html).names & {"br", "b"} == {"br"}
    assert html.count("<br") == 1
