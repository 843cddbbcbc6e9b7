"""What a new version costs to upload: ours against the same rows as plain parquet.

    python -m bench.publish --rows 20000

Two versions of a release are made, the second of a run with 1 % more rows, put in anywhere. The
Hub's own Xet client then uploads both, into a folder and otherwise as to the Hub: it cuts files
into chunks of 64 KiB on average where their content says so, and sends those that are new to it.
The same rows are uploaded as plain parquet too, files of the same names and order written with
pyarrow's defaults (snappy, no content-defined chunks), and with zstd as ours are.

The texts are drawn from a large vocabulary by Zipf's law: they compress about as English does,
and it is compressed bytes that are cut into chunks.
"""

import hashlib
import random
import sys
import tempfile
from collections.abc import Iterable
from itertools import accumulate
from pathlib import Path
from typing import Any

import hf_xet
import pyarrow.parquet as pq

from bench.common import options, show, verdict
from builders.release.make import make_release
from tests.ledger_rows import ledger_row, make_run

_ENOUGH = 0.10
_ADDED = 0.01
_LISTS = ("weaknesses", "suggestions")
_CONSONANTS, _VOWELS = "bdfgklmnprstvz", "aeiou"
_PLAIN = {
    "plain parquet (snappy)": {},
    "plain parquet (zstd)": {"compression": "zstd"},
}


class Prose:
    """Text by the word, of words of one to three syllables of which few are frequent."""

    def __init__(self, vocabulary: int = 20_000) -> None:
        draw = random.Random(0)
        syllables = [first + second for first in _CONSONANTS for second in _VOWELS]
        self._words = ["".join(draw.choices(syllables, k=1 + n % 3)) for n in range(vocabulary)]
        self._weights = list(accumulate(1 / rank for rank in range(1, vocabulary + 1)))

    def __call__(self, draw: random.Random, words: int) -> str:
        return " ".join(draw.choices(self._words, cum_weights=self._weights, k=words))


def row(number: int, prose: Prose) -> dict[str, Any]:
    """A ledger row with the fate and scores of `tests.ledger_rows`, and texts of our own."""
    made, draw = ledger_row(number), random.Random(number)
    lengths = {"instruction": (8, 60), "draft": (40, 250), "critic_reply": (150, 400)}
    lengths["refinement"] = (60, 350)
    for column, span in lengths.items():
        if made[column] is not None:
            made[column] = prose(draw, draw.randint(*span))
    if made["reason"] == "no_change":
        made["refinement"] = made["draft"]
    if made["critique"]:
        parts = {key: [prose(draw, 20) for _ in made["critique"][key]] for key in _LISTS}
        made["critique"] = {**made["critique"], **parts}
    made["id"] = hashlib.sha256(made["instruction"].encode()).hexdigest()[:20]
    return made


def ledgers(rows: int) -> tuple[list[int], list[int]]:
    """The numbers of both versions' rows in order; the second has the first's and 1 % more."""
    before, draw = list(range(rows)), random.Random(0)
    after = list(before)
    for number in range(rows, rows + max(1, int(rows * _ADDED))):
        after.insert(draw.randrange(len(after) + 1), number)
    return before, after


def as_plain(release: Path, folder: Path, **settings: Any) -> Path:
    """The release's parquet files with the same rows in the same order, written anew."""
    for path in parquet_of(release):
        target = folder / path.relative_to(release)
        target.parent.mkdir(parents=True, exist_ok=True)
        pq.write_table(pq.read_table(path), target, **settings)
    return folder


def parquet_of(folder: Path) -> list[Path]:
    return sorted(folder.rglob("*.parquet"))


def uploaded(files: Iterable[Path], store: Path) -> tuple[int, int]:
    """Bytes of the files, and of their chunks that `store` did not have and has now."""
    commit = hf_xet.XetSession().new_upload_commit(endpoint=f"local://{store}")
    for path in files:
        commit.start_upload_file(str(path))
    found = commit.wait_to_finish().dedup_metrics
    return found.total_bytes, found.new_bytes


def versions(rows: int, folder: Path) -> list[Path]:
    """Both releases, in `folder`."""
    prose, made = Prose(), []
    for version, numbers in zip(("1.0.0", "1.1.0"), ledgers(rows), strict=True):
        run = make_run(folder / f"run-{version}", (row(number, prose) for number in numbers))
        made.append(make_release(*run, name="bench", version=version, out=folder))
        print(f"made {made[-1].name}", file=sys.stderr)
    return made


def main() -> None:
    parser = options(__doc__)
    parser.add_argument("--rows", type=int, default=20_000, help="in the ledger")
    given = parser.parse_args()
    lines = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        releases = versions(300 if given.smoke else given.rows, folder)
        variants = {"ours": releases}
        for title, settings in _PLAIN.items():
            variants[title] = [
                as_plain(release, folder / title / release.name, **settings) for release in releases
            ]
        for number, (title, (before, after)) in enumerate(variants.items()):
            store = folder / f"store-{number}"
            store.mkdir()
            uploaded(parquet_of(before), store)
            size, new = uploaded(parquet_of(after), store)
            lines.append([title, size / 1e6, new / 1e6, 100 * new / size])
    header = ["", "v1.1.0, MB", "to send, MB", "% of it"]
    show(f"The next version, with {_ADDED:.0%} more rows", header, lines)
    print(f"\nplain parquet sends {lines[1][2] / lines[0][2]:.1f} times as much")
    share = lines[0][3] / 100
    verdict("share of v1.1.0 to send", share, f"<= {_ENOUGH:.0%}", share <= _ENOUGH)


if __name__ == "__main__":
    main()
