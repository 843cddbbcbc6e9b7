"""A commit as a stranger gets it: downloaded by its SHA into a fresh folder, and looked at."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from huggingface_hub import HfApi

from builders.release.manifest import ReleasedSplit
from pipelines.hub.package import hashed

_BATCH_ROWS = 1000


def download(api: HfApi, repo: str, repo_type: str, commit: str, folder: Path) -> Path:
    """The files of `commit` in `folder`.

    `commit` is a SHA: asked for a tag, the client may answer with another version when the Hub
    cannot be reached.
    """
    return Path(api.snapshot_download(repo, repo_type=repo_type, revision=commit, local_dir=folder))


def wrong_files(snapshot: Path, hashes: Mapping[str, str]) -> Iterator[str]:
    """A sentence for each file that is not there, is another one, or has not been named."""
    there = _files(snapshot)
    for name, sha256 in hashes.items():
        if name not in there:
            yield f"{name} is missing"
        elif hashed(there[name]).sha256 != sha256:
            yield f"{name} is another file"
    for name in sorted(there.keys() - hashes.keys()):
        yield f"{name} is not in the manifest"


def _files(snapshot: Path) -> dict[str, Path]:
    """All but the Hub's own file and the notes of the client that downloaded it."""
    return {
        path.relative_to(snapshot).as_posix(): path
        for path in sorted(snapshot.rglob("*"))
        if path.is_file()
        and path.relative_to(snapshot).parts[0] != ".cache"
        and path != snapshot / ".gitattributes"
    }


def wrong_configs(
    snapshot: Path, configs: Mapping[str, Mapping[str, ReleasedSplit]], cache: Path
) -> Iterator[str]:
    """A sentence for each config that `load_dataset` would not give as the manifest has it.

    `datasets` itself reads the card and finds the files of each split. They are then read to
    their ends, so that the rows and columns are those a reader gets and no page is broken.
    """
    from datasets import get_dataset_config_names, load_dataset_builder

    try:
        offered = set(get_dataset_config_names(str(snapshot)))
    except Exception as error:
        yield f"README.md: its configs cannot be read ({_one_line(error)})"
        return
    for config in sorted(offered - configs.keys()):
        yield f"{config} is on the card and not in the manifest"
    for config, splits in configs.items():
        if config not in offered:
            yield f"{config} is not on the card"
            continue
        try:
            builder = load_dataset_builder(str(snapshot), config, cache_dir=str(cache))
        except Exception as error:
            yield f"{config} does not load ({_one_line(error)})"
            continue
        yield from _wrong_splits(snapshot, config, splits, builder)


def _wrong_splits(
    snapshot: Path, config: str, splits: Mapping[str, ReleasedSplit], builder: Any
) -> Iterator[str]:
    found = {str(name): files for name, files in (builder.config.data_files or {}).items()}
    if found.keys() != splits.keys():
        yield f"{config} has the splits {sorted(found)} and not {sorted(splits)}"
        return
    if builder.info.features is None:
        yield f"{config}: the card says nothing of its columns"
        return
    for split, released in splits.items():
        title = f"{config}/{split}"
        stated = (builder.info.splits or {}).get(split)
        if stated is None or stated.num_examples != released.rows:
            yield f"{title}: the card and the manifest have other numbers of rows"
        named = [Path(path).resolve() for path in found[split]]
        # A stranger's card and manifest may agree on files that are not the repository's.
        if named != [(snapshot / name).resolve() for name in released.files] or not all(
            path.is_relative_to(snapshot.resolve()) for path in named
        ):
            yield f"{title}: the card names other files than the manifest"
            continue
        yield from _wrong_rows(snapshot, title, released, builder.info.features.arrow_schema)


def _wrong_rows(
    snapshot: Path, title: str, released: ReleasedSplit, schema: pa.Schema
) -> Iterator[str]:
    rows = 0
    for name in released.files:
        try:
            with pq.ParquetFile(snapshot / name) as file:
                if file.schema_arrow.remove_metadata() != schema.remove_metadata():
                    yield f"{name} has other columns than the card says"
                rows += sum(batch.num_rows for batch in file.iter_batches(batch_size=_BATCH_ROWS))
        except (OSError, pa.ArrowException) as error:
            yield f"{name} cannot be read ({_one_line(error)})"
            return
    if rows != released.rows:
        yield f"{title} has {rows:,} rows, and {released.rows:,} by the manifest"


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())[:200] or type(error).__name__
