"""From a recipe's `instructions` to the sources that read them; Hub datasets are fetched here."""

from collections.abc import Sequence
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

from builders.errors import BadInput
from builders.run import open_complete_run
from builders.sources import (
    BuiltinSource,
    FileSource,
    Source,
    VerifiableSource,
    refinement_sources,
)
from pipelines.recipe import (
    BuiltinInstructions,
    FileInstructions,
    HubInstructions,
    RefinementInstructions,
    VerifiableInstructions,
)

_TABLES = (".parquet", ".jsonl", ".jsonl.gz", ".json", ".csv")


def make_sources(blocks: Sequence[Any]) -> list[Source]:
    """The sources of a recipe's blocks, in their order. Hub datasets are downloaded first."""
    return [source for block in blocks for source in _sources_of(block)]


def _sources_of(block: Any) -> list[Source]:
    match block:
        case BuiltinInstructions():
            half = {"stage1": 1, "stage2": 2}[block.builtin]
            languages = tuple(block.languages) if block.languages else None
            return [BuiltinSource(half, languages, block.limit)]
        case VerifiableInstructions():
            families = tuple(block.families) if block.families else None
            return [VerifiableSource(block.verifiable, block.seed, families, block.split)]
        case FileInstructions():
            return [_file_source(block, block.path, block.name or block.path.name)]
        case HubInstructions():
            return _hub_sources(block)
        case RefinementInstructions():
            return refinement_sources(open_complete_run(block.refinements)[0])
    raise TypeError(block)


def _file_source(block: FileInstructions | HubInstructions, path: Path, name: str) -> FileSource:
    return FileSource(path, name, block.licence, block.columns, block.bad_rows, block.limit)


def _hub_sources(block: HubInstructions) -> list[Source]:
    """The data files of a dataset's snapshot. The tag or branch is resolved to a commit first:
    `load_dataset(revision=...)` can fall back to another version without saying so."""
    from huggingface_hub import HfApi, snapshot_download
    from huggingface_hub.errors import RepositoryNotFoundError, RevisionNotFoundError

    where = f"instructions.hub: {block.hub}@{block.revision}"
    try:
        info = HfApi().dataset_info(block.hub, revision=block.revision)
        files = sorted(
            sibling.rfilename
            for sibling in info.siblings or []
            if sibling.rfilename.lower().endswith(_TABLES)
            and fnmatch(sibling.rfilename, block.files)
        )
        if not files:
            raise BadInput(f"{where}: no data file matches {block.files!r}")
        folder = snapshot_download(
            block.hub, repo_type="dataset", revision=info.sha, allow_patterns=files
        )
    except RevisionNotFoundError:
        raise BadInput(f"{where}: there is no such revision") from None
    except RepositoryNotFoundError:
        raise BadInput(f"{where}: no such dataset, or the token may not read it") from None
    except BadInput:
        raise
    # The transport below the Hub's client has exceptions of its own.
    except Exception as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        raise BadInput(f"{where}: {reason}") from None
    name = f"{block.hub}@{info.sha[:12]}"
    return [_file_source(block, Path(folder) / file, name) for file in files]
