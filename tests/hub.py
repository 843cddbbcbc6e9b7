"""A real Hub for tests: the embedded server as a child process.

`running_hub(folder)` gives `.url`, `.env` for clients in processes of their own, and `.kill()` and
`.start()` to end it as a power cut would and bring it back on the same port.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from huggingface_hub import CommitOperationAdd, HfApi, constants

from tests.running_hub import RunningHub, running_hub

__all__ = ["RunningHub", "commit_files", "published", "running_hub"]


def commit_files(url: str, repo: str, files: dict[str, bytes], tag: str) -> str:
    """Commit and tag `files` in a dataset, which is created if needed; returns the commit's id."""
    # The client read the environment when it was imported, which may have been long ago.
    constants.HF_HUB_DISABLE_XET = True
    api = HfApi(endpoint=url, token=False)
    named = {"repo_id": repo, "repo_type": "dataset"}
    api.create_repo(**named, exist_ok=True)
    operations = [CommitOperationAdd(path, content) for path, content in files.items()]
    made = api.create_commit(**named, operations=operations, commit_message=tag)
    api.create_tag(**named, tag=tag)
    return made.oid


@contextmanager
def published(
    folder: Path, repo: str, tag: str, files: dict[str, bytes]
) -> Iterator[tuple[RunningHub, str]]:
    """A running Hub with one dataset, and the commit of its tag."""
    with running_hub(folder) as hub:
        yield hub, commit_files(hub.url, repo, files, tag)
