"""The pictures of docs/review.md: a page of Argilla, a report and a card in a browser."""

import base64
import io
from pathlib import Path

from markdown_it import MarkdownIt
from PIL import Image
from selenium import webdriver

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
