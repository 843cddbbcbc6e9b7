"""The rows on a dataset's page on a Hub of this machine: the page of `srt view`, and tables."""

import threading
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from services.hub.http.preview import Preview

if TYPE_CHECKING:
    from builders.view.table import TextTable
    from pipelines.view.page import Page


def _page_of_release(folder: Path) -> "Page":
    # Imported here: a Hub that nobody looks at starts without DuckDB.
    from builders.view.opening import open_source
    from builders.view.view import View
    from pipelines.view.opening import complete
    from pipelines.view.page import served_page

    view = View(open_source(folder))
    threading.Thread(target=complete, args=(view,), daemon=True).start()
    return served_page(view, view.title, ancestors="'self'")


def _table(paths: Sequence[Path], first: int, most: int) -> "TextTable":
    from builders.view.table import text_table

    return text_table(paths, first, most)


PREVIEW = Preview(
    needed="ledger/*.parquet",
    patterns=("manifest.json", "ledger/*.parquet", "verdicts/*.parquet"),
    page=_page_of_release,
    table=_table,
)
