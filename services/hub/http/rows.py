"""Which of a commit's files are rows of which config and split."""

import re
from collections.abc import Mapping, Sequence

from services.hub.storage.reading import Entry

_FILE = re.compile(r"(?:(?P<config>[^/]+)/)?(?P<split>\w+)-\d{5}-of-\d{5}\.parquet")

Splits = Mapping[tuple[str, str], Sequence[Entry]]


def splits_of(files: Sequence[Entry], order: Sequence[str] = ()) -> Splits:
    """The parquet files by config and split; configs in `order` come first, train before test."""
    found: dict[tuple[str, str], list[Entry]] = {}
    for entry in files:
        if match := _FILE.fullmatch(entry.path):
            found.setdefault((match["config"] or "default", match["split"]), []).append(entry)
    places = {name: place for place, name in enumerate(order)}

    def key(name: tuple[str, str]) -> tuple[int, str, bool, str]:
        return places.get(name[0], len(places)), name[0], name[1] != "train", name[1]

    return {name: found[name] for name in sorted(found, key=key)}
