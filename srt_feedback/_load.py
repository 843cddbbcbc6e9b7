"""Rows of a release as a `datasets.Dataset`: of the commit that its tag is on, or not at all."""

import re
from pathlib import Path
from typing import TYPE_CHECKING

from builders.errors import BadInput
from train.released import open_release

if TYPE_CHECKING:
    from datasets import Dataset, DatasetDict

_ADDRESS = re.compile(
    r"(?P<repo>[\w.-]+/[\w.-]+)@(?P<revision>v\d+\.\d+\.\d+|[0-9a-f]{40})", re.ASCII
)


def load_release(
    release: str | Path, config: str | None, split: str | None
) -> "Dataset | DatasetDict":
    """See `srt_feedback.load`."""
    # An empty text would be the current folder.
    if str(release) and Path(release).expanduser().is_dir():
        found = open_release(str(release), None, config)
    elif address := _ADDRESS.fullmatch(str(release)):
        found = open_release(address["repo"], address["revision"], config)
        if address["revision"] not in (found.manifest.tag, found.commit):
            raise BadInput(f"{release}: the commit there holds version {found.manifest.version}")
    else:
        raise BadInput(f"release {str(release)!r}: neither a folder nor ORG/NAME@vX.Y.Z on the Hub")
    if split is not None and split not in found.splits:
        raise BadInput(
            f"{release}: {found.config} has no split {split!r}; it has {', '.join(found.splits)}"
        )
    # Imported last: it takes a second, and the checks above need none of it.
    from datasets import load_dataset

    files = {
        name: [str(found.folder / path) for path in found.files(name)]
        for name in found.splits
        if split in (None, name)
    }
    # By file, not by the card: of a folder whose card names its configs, `datasets` caches rows
    # by the folder's name, and would return those of a folder that was replaced.
    return load_dataset("parquet", data_files=files, split=split)
