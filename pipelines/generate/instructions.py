"""From the `instructions:` of a recipe to sources; datasets of the Hub are downloaded here."""

from collections.abc import Sequence
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

from builders.errors import BadInput, SrtError
from builders.files.tables import ENDINGS
from builders.instructions.file_source import FileSource
from builders.instructions.sources import (
    BuiltinSource,
    Source,
    VerifiableSource,
    refinement_sources,
)
from builders.ledger.run import open_complete_run
from pipelines.recipe.instructions import (
    BuiltinInstructions,
    FileInstructions,
    HubInstructions,
    RefinementInstructions,
    VerifiableInstructions,
)


def make_sources(blocks: Sequence[Any]) -> list[Source]:
    """The sources of a recipe's blocks, in the same order. Datasets of the Hub are downloaded."""
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
    return FileSource(
        path, name, block.license, block.columns, block.ignore, block.bad_rows, block.limit
    )


def _hub_sources(block: HubInstructions) -> list[Source]:
    """The data files of a dataset, downloaded.

    The tag or branch is resolved to a commit first: for a tag, `load_dataset` can load another
    version without a word.
    """
    from huggingface_hub import HfApi

    from pipelines.hub.errors import hub_errors

    api = HfApi()
    try:
        with hub_errors(api, f"{block.hub}@{block.revision}"):
            info = api.dataset_info(block.hub, revision=block.revision)
            files = sorted(
                sibling.rfilename
                for sibling in info.siblings or []
                if sibling.rfilename.lower().endswith(ENDINGS)
                and fnmatch(sibling.rfilename, block.files)
            )
            if not files:
                raise BadInput(
                    f"{block.hub}@{block.revision}: no data file matches {block.files!r}"
                )
            folder = api.snapshot_download(
                block.hub, repo_type="dataset", revision=info.sha, allow_patterns=files
            )
    except SrtError as error:
        raise BadInput(f"instructions.hub: {error}") from None
    name = f"{block.hub}@{info.sha[:12]}"
    return [_file_source(block, Path(folder) / file, name) for file in files]
