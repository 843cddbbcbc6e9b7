"""The pictures of docs/review.md: a page of Argilla, a report and a card in a browser."""

import base64
import io
from pathlib import Path

from markdown_it import MarkdownIt
from PIL import Image
from selenium import webdriver

from tests.browser import Annotator, resize
from tests.ledger_rows import ledger_row

# The row of the pictures of a page. Every other text in tests is made of random words.
EXAMPLE = ledger_row(
    0,
    reason=None,
    system=None,
    instruction="When does $ax^2 + bx + c = 0$ (with $a \\ne 0$) have two real solutions, and what "
    "are they? Give a function in Python, too.",
    criteria="- gives the condition for two solutions\n- the function returns nothing otherwise",
    draft="""\
The solutions of a quadratic equation are

\\[ x = \\frac{-b \\pm \\sqrt{b^2 - 4ac}}{2a} \\]

There are **two** of them.

```python
def solve(a, b, c):
    root = (b**2 - 4*a*c) ** 0.5
    return (-b - root) / (2*a), (-b + root) / (2*a)
```
""",
    refinement="""\
The solutions of a quadratic equation are

\\[ x = \\frac{-b \\pm \\sqrt{b^2 - 4ac}}{2a} \\]

There are **two** of them if the discriminant $D = b^2 - 4ac$ is positive:

| $D$ | real solutions |
|---|---|
| $> 0$ | two |
| $= 0$ | one |
| $< 0$ | none |

```python
def solve(a, b, c):
    discriminant = b**2 - 4*a*c
    if discriminant <= 0:
        return None
    root = discriminant ** 0.5
    return (-b - root) / (2*a), (-b + root) / (2*a)
```
""",
    critique={
        "weaknesses": [
            "It does not say that $b^2 - 4ac$ must be positive.",
            "`solve` returns complex numbers, or the same solution twice.",
        ],
        "suggestions": ["Name the discriminant, and return nothing unless it is positive."],
        "score": 5,
    },
)

_WIDEST = 1200
# About what a page on the Hub looks like.
_STYLE = """
body {font: 16px/1.5 sans-serif; color: #1f2328; margin: 0}
main {padding: 8px 20px; overflow: auto}
h1, h2 {border-bottom: 1px solid #d1d9e0; padding-bottom: .3em}
table {border-collapse: collapse; margin: 16px 0; font-size: 14px; white-space: nowrap}
th, td {border: 1px solid #d1d9e0; padding: 5px 10px}
tr:nth-child(even) td {background: #f6f8fa}
img {max-width: 800px}
code {background: #eff1f3; border-radius: 4px; padding: 2px 4px}
"""


def take(browser: webdriver.Chrome, path: Path, element: str | None = None) -> None:
    """Write what the browser shows, or one element of it (a CSS selector), as a PNG."""
    box = "document.documentElement.getBoundingClientRect()"
    if element:
        box = f"document.querySelector('{element}').getBoundingClientRect()"
    left, top, width, height = browser.execute_script(
        f"const box = {box}; return [box.x + scrollX, box.y + scrollY, box.width, box.height]"
    )
    clip = {"x": left, "y": top, "width": width, "height": height}
    shot = browser.execute_cdp_cmd(
        "Page.captureScreenshot",
        {"captureBeyondViewport": True, "clip": {**clip, "scale": min(1, _WIDEST / width)}},
    )
    picture = Image.open(io.BytesIO(base64.b64decode(shot["data"]))).convert("RGB")
    # A palette makes half the file, and no difference to be seen.
    small = picture.quantize(method=Image.Quantize.FASTOCTREE, dither=Image.Dither.NONE)
    small.save(path, optimize=True)


def take_pages(browser: webdriver.Chrome, annotator: Annotator, page: str, folder: Path) -> None:
    """Take the pictures of the page at which an annotator's review starts."""
    resize(browser, 1280, 1100)
    annotator.open(page)
    annotator.press("Mark differing words")
    take(browser, folder / "review-page.png")
    annotator.guidelines()
    take(browser, folder / "review-guidelines.png")


def take_phone(browser: webdriver.Chrome, annotator: Annotator, page: str, folder: Path) -> None:
    """Take the picture of that page on a phone; Argilla keeps the layout that it opened with."""
    resize(browser, 390, 1400)
    annotator.open(page)
    take(browser, folder / "review-phone.png")


def show_section(browser: webdriver.Chrome, document: Path, heading: str, upto: str) -> None:
    """Show the part of a Markdown file from `## heading` to just before `upto`."""
    text = document.read_text(encoding="utf-8")
    part = f"## {heading}" + text.split(f"\n## {heading}", 1)[1].split(upto, 1)[0]
    page = MarkdownIt("commonmark").enable("table").render(part)
    where = document.with_name(f"{document.stem}.html")
    where.write_text(
        f"<!doctype html><meta charset=utf-8><style>{_STYLE}</style><main>{page}</main>",
        encoding="utf-8",
    )
    browser.get(where.as_uri())
    where.unlink()
