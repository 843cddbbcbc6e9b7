"""What a path names, or an address on the Hub."""

import fnmatch
from pathlib import Path

from builders.errors import BadInput
from builders.files.hashes import sha256_of_file
from builders.manifest import read_manifest
from builders.view.opening import open_source
from builders.view.source import Source
from builders.view.view import View

# What of a release is looked at.
_FILES = ("manifest.json", "ledger/*.parquet", "verdicts/*.parquet")


def open_view(path: str, beside: str | None = None) -> View:
    """The rows at `path`, a folder or ORG/NAME@vX.Y.Z, and those of another one beside them.

    BadInput if one of them cannot be shown.
    """
    return View(_source(path), None if beside is None else _source(beside))


def complete(view: View) -> None:
    """Read what a large source left out when it was opened."""
    if not view.is_whole:
        view.complete()


def _source(path: str) -> Source:
    folder = Path(path).expanduser()
    if path and "@" in path and not folder.exists():
        folder = _downloaded(path)
    return open_source(folder)


def _downloaded(address: str) -> Path:
    """The files of a release on the Hub that are looked at, in the Hub client's own cache.

    BadInput if one of them is not the one that the manifest names.
    """
    from pipelines.hub.client import connect
    from pipelines.hub.errors import hub_errors
    from pipelines.hub.verify import read_address

    repo, tag = read_address(address)
    api = connect()
    with hub_errors(api, repo):
        # For a tag, the client may give another version if the Hub cannot be reached.
        commit = api.dataset_info(repo, revision=tag).sha
        folder = Path(
            api.snapshot_download(
                repo, repo_type="dataset", revision=commit, allow_patterns=list(_FILES)
            )
        )
    manifest = read_manifest(folder)
    if manifest.tag != tag:
        raise BadInput(f"{address}: the commit there holds version {manifest.version}")
    for pattern in _FILES[1:]:
        for name in fnmatch.filter(manifest.files, pattern):
            path = folder / name
            if not path.is_file() or sha256_of_file(path) != manifest.files[name].sha256:
                raise BadInput(f"{address}: {name} is not the file that the manifest names")
    return folder
