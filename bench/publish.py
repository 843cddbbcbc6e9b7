"""The upload size of a new version: ours compared with the same rows as plain parquet.

    python -m bench.publish --rows 20000

The bench makes two versions of a release, the second from a run with 1% more rows at random
positions. `srt publish` itself publishes both to the embedded Hub, which for this offers Xet with a
folder as its store: the Hub's Xet client splits files into content-defined chunks of 64 KiB on
average and sends only new ones, as it would to huggingface.co. Counted are the bytes that it is
handed and those that it sends; cards and other files that are not large go by git, whole.

The same rows are also uploaded by that client as plain parquet, with the same file names and order,
written with pyarrow's defaults (snappy, no content-defined chunking) and with zstd, which ours
uses. This and `ours, chunks` count the same: bytes of chunks that were new, before the client packs
them.

The texts are drawn from a large vocabulary by Zipf's law, so that they compress about as well as
English: the chunks are cut from compressed data.
"""

import hashlib
import random
import re
import sys
import tempfile
from collections.abc import Iterable
from itertools import accumulate
from pathlib import Path
from typing import Any

import hf_xet
import pyarrow.parquet as pq
from huggingface_hub import constants

from bench.common import options, show, verdict
from builders.release.make import release_runs
from pipelines.hub.client import connect
from pipelines.hub.publication import plan_publication
from tests.ledger_rows import ledger_row, make_run
from tests.running_hub import running_hub
from tests.xet_hub import xet_hub

_ENOUGH = 0.10
_ADDED = 0.01
_LISTS = ("weaknesses", "suggestions")
_CONSONANTS, _VOWELS = "bdfgklmnprstvz", "aeiou"
_PLAIN = {
    "plain parquet (snappy)": {},
    "plain parquet (zstd)": {"compression": "zstd"},
}


class Prose:
    """Generates texts of words with one to three syllables, a few of them very frequent."""

    def __init__(self, vocabulary: int = 20_000) -> None:
        draw = random.Random(0)
        syllables = [first + second for first in _CONSONANTS for second in _VOWELS]
        self._words = ["".join(draw.choices(syllables, k=1 + n % 3)) for n in range(vocabulary)]
        self._weights = list(accumulate(1 / rank for rank in range(1, vocabulary + 1)))

    def __call__(self, draw: random.Random, words: int) -> str:
        return " ".join(draw.choices(self._words, cum_weights=self._weights, k=words))


def row(number: int, prose: Prose) -> dict[str, Any]:
    """A ledger row with the outcome and scores of `tests.ledger_rows`, and texts from `prose`."""
    ledger, draw = ledger_row(number), random.Random(number)
    lengths = {"instruction": (8, 60), "draft": (40, 250), "critic_reply": (150, 400)}
    lengths["refinement"] = (60, 350)
    for column, span in lengths.items():
        if ledger[column] is not None:
            ledger[column] = prose(draw, draw.randint(*span))
    if ledger["reason"] == "no_change":
        ledger["refinement"] = ledger["draft"]
    if ledger["critique"]:
        parts = {key: [prose(draw, 20) for _ in ledger["critique"][key]] for key in _LISTS}
        ledger["critique"] = {**ledger["critique"], **parts}
    ledger["id"] = hashlib.sha256(ledger["instruction"].encode()).hexdigest()[:20]
    return ledger


def ledgers(rows: int) -> tuple[list[int], list[int]]:
    """The row numbers of both versions in order; the second has 1% more rows."""
    before, draw = list(range(rows)), random.Random(0)
    after = list(before)
    for number in range(rows, rows + max(1, int(rows * _ADDED))):
        after.insert(draw.randrange(len(after) + 1), number)
    return before, after


def as_plain(release: Path, folder: Path, **settings: Any) -> Path:
    """Rewrite the release's parquet files with pyarrow, with the same rows in the same order."""
    for path in parquet_of(release):
        target = folder / path.relative_to(release)
        target.parent.mkdir(parents=True, exist_ok=True)
        pq.write_table(pq.read_table(path), target, **settings)
    return folder


def parquet_of(folder: Path) -> list[Path]:
    return sorted(folder.rglob("*.parquet"))


def uploaded(files: Iterable[Path], store: Path) -> tuple[int, int]:
    """(bytes of the files, bytes of their chunks that were new to `store`)."""
    commit = hf_xet.XetSession().new_upload_commit(endpoint=f"local://{store}")
    for path in files:
        commit.start_upload_file(str(path))
    metrics = commit.wait_to_finish().dedup_metrics
    return metrics.total_bytes, metrics.new_bytes


class Sent:
    """A publication's observer that keeps how many bytes were handed over and how many were new."""

    def __init__(self) -> None:
        self.handed, self.new = 0, 0

    def stage(self, sentence: str) -> None:
        if found := re.fullmatch(r"of ([\d,]+) bytes, ([\d,]+) were new to the Hub", sentence):
            self.handed, self.new = (int(number.replace(",", "")) for number in found.groups())

    def sent(self, name: str, total: int) -> None: ...


def published(releases: Iterable[Path], folder: Path) -> Sent:
    """What the last of these releases takes, when `srt publish` publishes them all."""
    # This is about Xet, whatever the user or the tests have switched off.
    constants.HF_HUB_DISABLE_XET = False
    sent = Sent()
    with running_hub(folder / "hub") as hub, xet_hub(hub, folder / "store") as with_xet:
        api = connect(with_xet.url)
        for release in releases:
            sent = Sent()
            with_xet.expect(path for path in release.rglob("*") if path.is_file())
            plan_publication(release, "bench/release", api=api).carry_out(sent)
    return sent


def versions(rows: int, folder: Path) -> list[Path]:
    """Both releases, in `folder`."""
    prose, releases = Prose(), []
    for version, numbers in zip(("1.0.0", "1.1.0"), ledgers(rows), strict=True):
        run = make_run(folder / f"run-{version}", (row(number, prose) for number in numbers))
        releases.append(release_runs([run], name="bench", version=version, out=folder))
        print(f"made {releases[-1].name}", file=sys.stderr)
    return releases


def main() -> None:
    parser = options(__doc__)
    parser.add_argument("--rows", type=int, default=20_000, help="rows in the ledger")
    arguments = parser.parse_args()
    lines = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        releases = versions(300 if arguments.smoke else arguments.rows, folder)
        sent = published(releases, folder)
        variants = {"ours, chunks": releases}
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
    whole = [
        "ours, by srt publish",
        sent.handed / 1e6,
        sent.new / 1e6,
        100 * sent.new / sent.handed,
    ]
    lines.insert(0, whole)
    header = ["", "v1.1.0, MB", "to send, MB", "% to send"]
    show(f"The next version, with {_ADDED:.0%} more rows", header, lines)
    print(f"\nplain parquet sends {lines[2][2] / lines[1][2]:.1f} times as much")
    print("the Hub's own store was not there: a folder took its place, for the same client")
    share = lines[0][3] / 100
    verdict("share of v1.1.0 to send", share, f"<= {_ENOUGH:.0%}", share <= _ENOUGH)


if __name__ == "__main__":
    main()
