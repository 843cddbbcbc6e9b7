"""`srt view`: the rows in the browser."""

import os
import sys
import tempfile
import threading
import webbrowser
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

# Rows in an exported file: more make it slow to open.
MOST_EXPORTED = 2000


def view(
    path: Annotated[
        str,
        typer.Argument(
            help="A folder of a run, also one that is still being built, of a release, a review, "
            "an audit or an evaluation; or ORG/NAME@vX.Y.Z on the Hub."
        ),
    ],
    beside: Annotated[
        str | None,
        typer.Option(
            metavar="PATH",
            help="Show the rows of another one beside those with the same id, and what changed.",
            show_default=False,
        ),
    ] = None,
    export: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help=f"Write up to {MOST_EXPORTED:,} rows into one HTML file that opens without a "
            "server, and end.",
            show_default=False,
        ),
    ] = None,
    filters: Annotated[
        str | None,
        typer.Option(
            "--filter",
            metavar="FILTERS",
            help="Begin with these filters, as the page's address has them after #: "
            "'reason=margin&draft_score=2..5'; --export writes these rows.",
            show_default=False,
        ),
    ] = None,
    port: Annotated[int, typer.Option(help="The port; 0 takes a free one.", min=0, max=65535)] = 0,
    no_open: Annotated[
        bool, typer.Option("--no-open", help="Print the address, and open no browser.")
    ] = False,
) -> None:
    """Look at rows in the browser: filter, search and compare them, on this machine only.

    The address has a random token; whoever has it can read the rows while the command runs.
    """
    from urllib.parse import parse_qsl, urlencode

    from builders.view.filters import read_filters
    from pipelines.cli.console import notify, working
    from pipelines.view.opening import complete, open_view
    from pipelines.view.page import page_in_file, served_page
    from services.view.server import serve

    chosen = parse_qsl((filters or "").removeprefix("#"), keep_blank_values=True)
    wanted = read_filters([item for item in chosen if item[0] != "row"])
    with working(f"opening {path}"):
        opened = open_view(path, beside)
    if export is not None:
        from builders.files.atomic import atomic_file

        complete(opened)
        html, rows = page_in_file(opened, wanted, MOST_EXPORTED)
        with atomic_file(export) as temporary:
            temporary.write_text(html, encoding="utf-8")
        notify(
            f"{export}: {rows:,} rows, {export.stat().st_size / 1e6:.1f} MB; open it in a browser"
        )
        return
    with _opener() as open_browser:

        def ready(url: str) -> None:
            address = url + (f"#{urlencode(chosen)}" if chosen else "")
            # Plain print: the console could wrap the line, which then could not be pasted.
            print(f"view: {address} (Ctrl-C stops it)", flush=True)
            if not no_open:
                open_browser(address)

        # The page is there at once; what takes long to read follows.
        threading.Thread(target=complete, args=(opened,), daemon=True).start()
        serve(served_page(opened, opened.title), port, ready)


@contextmanager
def _opener() -> "Iterator":
    """A function that opens an address in the user's browser, if there is one on a screen.

    Other users of the machine can read the arguments of every process, so the browser gets a file
    of the user's own, which leads to the address with the token. It is deleted in the end.
    """
    with tempfile.TemporaryDirectory(prefix="srt-view-") as folder:

        def open_browser(address: str) -> None:
            # Without a screen, a browser for terminals would take the terminal away.
            if sys.platform.startswith("linux") and not any(
                os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY", "BROWSER")
            ):
                return
            file = Path(folder) / "open.html"
            file.touch(mode=0o600)
            file.write_text(_REDIRECT.format(address=address.replace("&", "&amp;")))
            webbrowser.open(file.as_uri())

        yield open_browser


_REDIRECT = (
    '<!doctype html><meta charset="utf-8"><meta http-equiv="refresh" content="0; url={address}">'
    '<p><a href="{address}">srt view</a></p>\n'
)
