"""A commit as a consumer gets it: downloaded by its SHA into an empty folder, and checked."""

import glob
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
from huggingface_hub import HfApi

from builders.errors import reason_of
from builders.files.folder import files_in
from builders.files.parquet import open_parquet
from builders.manifest import ReleasedSplit
from builders.wording import counted
from cards.eval_results import FOLDER as EVAL_RESULTS
from cards.front_matter import FrontMatterError, read_front_matter
from pipelines.hub.package import hashed

_BATCH_ROWS = 1000
# What `datasets` calls a file of YAML with the configs.
_IN_PLACE_OF_THE_CARD = ".huggingface.yaml"


def download(
    api: HfApi,
    repo: str,
    repo_type: str,
    commit: str,
    folder: Path,
    without: Collection[str] = (),
) -> Path:
    """Download the files of `commit` into `folder`, `without` some.

    `commit` is a SHA: for a tag, the client may give another version if the Hub is unreachable.
    """
    return Path(
        api.snapshot_download(
            repo,
            repo_type=repo_type,
            revision=commit,
            local_dir=folder,
            ignore_patterns=[glob.escape(name) for name in without] or None,
        )
    )


def wrong_files(snapshot: Path, hashes: Mapping[str, str]) -> Iterator[str]:
    """A sentence for each file that is missing, differs, or is not expected."""
    files = _files(snapshot)
    for name, sha256 in hashes.items():
        if name not in files:
            yield f"{name} is missing"
        elif hashed(files[name]).sha256 != sha256:
            yield f"{name} is another file"
    for name in sorted(files.keys() - hashes.keys()):
        yield f"{name} is not in the manifest"


def _files(snapshot: Path) -> dict[str, Path]:
    """The files by name, without what is hidden: the Hub's rules and the client's own notes."""
    return dict(files_in(snapshot, also=(EVAL_RESULTS,)))


def loaded_beside(snapshot: Path, foreign: Collection[str], folder: Path) -> Iterator[str]:
    """A sentence for each file that the card in `snapshot` would load beside those of the release.

    `foreign` are the other files of the repository, of which only the names count. `folder` is an
    empty one, for a tree of empty files.
    """
    from datasets import get_dataset_config_names, load_dataset_builder

    if not foreign:
        return
    listed = _files(snapshot).keys()
    for name in (*listed, *foreign):
        path = folder / name
        if not path.resolve().is_relative_to(folder.resolve()):
            yield f"{name} is outside the repository"
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    (folder / "README.md").write_bytes((snapshot / "README.md").read_bytes())
    try:
        for config in get_dataset_config_names(str(folder)):
            builder = load_dataset_builder(
                str(folder), config, cache_dir=str(folder.with_name("listing-cache"))
            )
            for split, paths in (builder.config.data_files or {}).items():
                loaded = {
                    Path(path).resolve().relative_to(folder.resolve()).as_posix() for path in paths
                }
                for name in sorted(loaded - listed):
                    yield f"{name} is not of the release, and is loaded as rows of {config}/{split}"
    except Exception as error:
        yield f"README.md: beside the repository's other files, it is not read ({reason_of(error)})"


def wrong_configs(
    snapshot: Path, configs: Mapping[str, Mapping[str, ReleasedSplit]], cache: Path
) -> Iterator[str]:
    """A sentence for each config that `load_dataset` would not load as the manifest describes it.

    `datasets` itself reads the card and finds the files of each split. Each file is then read to
    its end, so that a consumer gets all rows and columns and no page is broken.
    """
    from datasets import get_dataset_config_names, load_dataset_builder

    try:
        _check_card(snapshot)
        offered = set(get_dataset_config_names(str(snapshot)))
    except Exception as error:
        yield f"README.md: its configs cannot be read ({reason_of(error)})"
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
            yield f"{config} does not load ({reason_of(error)})"
            continue
        yield from _wrong_splits(snapshot, config, splits, builder)


def _check_card(snapshot: Path) -> None:
    """FrontMatterError where `datasets` would take minutes to parse a card, or fetch its files.

    The card may name files at any address, which `datasets` asks for when it is loaded.
    """
    if (snapshot / _IN_PLACE_OF_THE_CARD).exists():
        raise FrontMatterError(f"{_IN_PLACE_OF_THE_CARD} is read in place of the card")
    if (snapshot / "README.md").is_file():
        configs = read_front_matter(snapshot / "README.md").get("configs")
        named = [text for text in _texts(configs) if ":" in text]
        if named:
            raise FrontMatterError(f"{named[0]!r:.200} is not a file of the repository")


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, Mapping):
        value = [*value.keys(), *value.values()]
    if isinstance(value, list):
        for inner in value:
            yield from _texts(inner)
    elif isinstance(value, str):
        yield value


def _wrong_splits(
    snapshot: Path, config: str, splits: Mapping[str, ReleasedSplit], builder: Any
) -> Iterator[str]:
    files = {str(name): paths for name, paths in (builder.config.data_files or {}).items()}
    if files.keys() != splits.keys():
        yield f"{config} has the splits {sorted(files)} and not {sorted(splits)}"
        return
    if builder.info.features is None:
        yield f"{config}: its columns are missing on the card"
        return
    for split, released in splits.items():
        title = f"{config}/{split}"
        stated = (builder.info.splits or {}).get(split)
        if stated is None or stated.num_examples != released.rows:
            yield f"{title}: card and manifest have different numbers of rows"
        named = [Path(path).resolve() for path in files[split]]
        # A card and a manifest may agree on files outside the repository.
        if named != [(snapshot / name).resolve() for name in released.files] or not all(
            path.is_relative_to(snapshot.resolve()) for path in named
        ):
            yield f"{title}: card and manifest name different files"
            continue
        yield from _wrong_rows(snapshot, title, released, builder.info.features.arrow_schema)


def _wrong_rows(
    snapshot: Path, title: str, released: ReleasedSplit, schema: pa.Schema
) -> Iterator[str]:
    rows = 0
    for name in released.files:
        try:
            with open_parquet(snapshot / name) as file:
                if file.schema_arrow.remove_metadata() != schema.remove_metadata():
                    yield f"{name}: its columns are not those on the card"
                rows += sum(batch.num_rows for batch in file.iter_batches(batch_size=_BATCH_ROWS))
        except (OSError, pa.ArrowException) as error:
            yield f"{name} cannot be read ({reason_of(error)})"
            return
    if rows != released.rows:
        yield f"{title} has {counted(rows, 'row')}, but {released.rows:,} in the manifest"
