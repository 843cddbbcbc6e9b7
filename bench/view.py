"""Opening a release in `srt view` and filtering its rows, beside pandas reading the same files.

    python -m bench.view --sizes 10000,100000,1000000

Each measurement runs in its own process, in which everything is imported. `open` is the time until
the page has its first answers: counts, and the first hundred rows. `whole` is the time until all
filters work, which is later for large releases. `filter` is the slowest of some filters that
nobody has asked for before, counts and a hundred rows included; `row` is the slowest of some rows
anywhere in the release, with everything that the page shows; `search` reads every text for a word
that it has not been asked for. pandas reads the columns that the page needs for its list, draft and
refinement included, and then filters and takes the same rows.
"""

import json
import random
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from bench.common import in_child, numbers, options, show, spending, verdict
from bench.ledgers import ledger_tables
from builders.manifest import Manifest, write_manifest
from builders.release.parquet import SplitWriter
from builders.rows.schema import LEDGER, SCHEMA_VERSION

_PANDAS_COLUMNS = [
    "id",
    "source",
    "status",
    "reason",
    "draft_score",
    "refinement_score",
    "instruction",
    "draft",
    "refinement",
]
_FILTERS = (
    [("reason", "margin")],
    [("status", "kept"), ("draft_score", "3..5")],
    [("sort", "-margin")],
    [("refinement_length", "500..900"), ("sort", "draft_length")],
    [("model", "example/model-7b"), ("margin", "1..3"), ("sort", "cost")],
)


def make_release(folder: Path, size: int) -> None:
    """A release of that many candidates, with its ledger alone."""
    writer = SplitWriter(folder / "ledger", "train", LEDGER)
    for rows in ledger_tables(size):
        writer.write(rows)
    written = writer.close()
    manifest = Manifest.model_validate(
        {
            "name": "bench",
            "version": "1.0.0",
            "schema_version": SCHEMA_VERSION,
            "stage": 1,
            "license": "cc0-1.0",
            "language": ["en"],
            "configs": {
                "ledger": {
                    "train": {
                        "rows": written.rows,
                        "files": [path.relative_to(folder).as_posix() for path in written.files],
                    }
                }
            },
            "files": {},
        }
    )
    write_manifest(folder, manifest)


def _slowest(*works: Callable[[], Any]) -> dict[str, float]:
    """The seconds of the slowest, and the CPU seconds of the one that took most."""
    spents = []
    for work in works:
        with spending() as spent:
            work()
        spents.append(spent)
    return {
        "seconds": max(spent.seconds for spent in spents),
        "cpu": max(spent.cpu for spent in spents),
    }


def ours(folder: Path) -> dict[str, Any]:
    from builders.view.filters import read_filters
    from builders.view.opening import open_source
    from builders.view.view import View

    view: View | None = None

    def ask(query: list[tuple[str, str]]) -> None:
        filters = read_filters(query)
        view.summary(filters)
        view.listed(filters, 0, 100)

    def open_view() -> None:
        nonlocal view
        view = View(open_source(folder))
        ask([])

    opened = _slowest(open_view)
    completed = _slowest(lambda: view.is_whole or view.complete())
    rows = view.summary(read_filters([]))["rows"]
    anywhere = [random.Random(number).randrange(rows) for number in range(20)]
    return {
        "open": opened,
        "whole": {key: opened[key] + completed[key] for key in opened},
        "filter": _slowest(*(lambda query=query: ask(query) for query in _FILTERS)),
        "row": _slowest(*(lambda number=number: view.row(number) for number in anywhere)),
        "search": _slowest(lambda: ask([("q", "etaoin shrdlu")])),
    }


def pandas(folder: Path) -> dict[str, Any]:
    import pandas as pd

    files = sorted((folder / "ledger").glob("*.parquet"))
    table = pd.DataFrame()

    def open_table() -> None:
        nonlocal table
        table = pd.concat([pd.read_parquet(file, columns=_PANDAS_COLUMNS) for file in files])
        table.head(100).to_dict("records")

    def by_reason() -> None:
        chosen = table[table["reason"] == "margin"]
        chosen.groupby(["draft_score", "refinement_score"]).size()
        chosen.head(100).to_dict("records")

    def by_length() -> None:
        long = table["refinement"].str.len().between(500, 900)
        table[long].head(100).to_dict("records")

    def search() -> None:
        found = pd.Series(data=False, index=table.index)
        for name in ("instruction", "draft", "refinement"):
            has = table[name].str.contains("etaoin shrdlu", case=False, regex=False, na=False)
            found |= has.astype(bool)
        table[found].head(100).to_dict("records")

    opened = _slowest(open_table)
    return {
        "open": opened,
        "whole": opened,
        "filter": _slowest(by_reason, by_length),
        "row": _slowest(lambda: table.iloc[len(table) // 2].to_dict()),
        "search": _slowest(search),
    }


_WORK = {"ours": ours, "pandas": pandas}


def measure(size: int, at: Path | None) -> tuple[list[list[Any]], tuple[float, float, float]]:
    """A line of the table for each of `_WORK`; our seconds to open and to filter, and peak MB."""
    with tempfile.TemporaryDirectory(dir=at) as name:
        folder = Path(name) / "bench@v1.0.0"
        make_release(folder, size)
        megabytes = sum(path.stat().st_size for path in folder.rglob("*.parquet")) / 2**20
        lines, facts = [], {}
        for work in _WORK:
            child = in_child("bench.view", {"work": work, "folder": str(folder)}, timeout=1800)
            spent = [child.facts[key] for key in ("open", "whole", "filter", "row", "search")]
            seconds = [f"{one['seconds']:.3g} ({one['cpu']:.3g})" for one in spent]
            line = [work, size, *seconds, child.peak / 2**20, megabytes]
            lines.append(line)
            facts[work] = (spent[0]["seconds"], spent[2]["seconds"], child.peak / 2**20)
        return lines, facts["ours"]


def main() -> None:
    parser = options(__doc__)
    parser.add_argument("--sizes", type=numbers, default=[10_000, 100_000, 1_000_000])
    parser.add_argument("--folder", type=Path, help="a folder on the disk to measure")
    arguments = parser.parse_args()
    if arguments.one:
        what = json.loads(arguments.one)
        print(json.dumps(_WORK[what["work"]](Path(what["folder"]))))
        return
    sizes = [300] if arguments.smoke else arguments.sizes
    measured = [measure(size, arguments.folder) for size in sizes]
    header = ["", "rows", "open", "whole", "filter", "row", "search", "peak MB", "MB of parquet"]
    lines = [line for lines, _ in measured for line in lines]
    show("Looking at a release: seconds, and CPU seconds in brackets", header, lines)
    print()
    (_, figures), size = measured[-1], sizes[-1]
    names, targets = ("seconds to open", "seconds to filter", "peak MB"), (2, 0.3, 1000)
    for name, value, most in zip(names, figures, targets, strict=True):
        verdict(f"{name} at {size:,}", value, f"<= {most:,}", value <= most)


if __name__ == "__main__":
    main()
