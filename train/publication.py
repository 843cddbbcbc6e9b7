"""`push_to_hub`: publishes the finished checkpoint with `srt publish`.

The keys are those of TRL and transformers, and `hub_tag`. The trainer's own push is not used,
because it commits during training and does not create a tag.
"""

import re
import shlex
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from builders.errors import BadInput, RunFailed
from builders.versions import version_of_tag

_REPO = re.compile(r"[\w.-]+/[\w.-]+", re.ASCII)


@dataclass(frozen=True)
class Publication:
    repo: str
    tag: str
    private: bool = False

    def command(self, folder: Path) -> list[str]:
        """The arguments of `srt`."""
        words = ["publish", str(folder), "--repo", self.repo, "--tag", self.tag]
        return [*words, "--private"] if self.private else words


def read_publication(values: Mapping[str, Any]) -> Publication | None:
    """The publication in a recipe's `values`, if any; BadInput if keys are missing or invalid."""
    if not values.get("push_to_hub"):
        return None
    repo, tag = values.get("hub_model_id"), values.get("hub_tag")
    if not isinstance(repo, str) or not _REPO.fullmatch(repo):
        raise BadInput(f"hub_model_id: push_to_hub needs the ORG/NAME to publish to, not {repo!r}")
    if not isinstance(tag, str) or version_of_tag(tag) is None:
        raise BadInput(f"hub_tag: push_to_hub needs a tag such as v1.0.0, not {tag!r}")
    return Publication(repo, tag, bool(values.get("hub_private_repo")))


def publish(folder: Path, publication: Publication) -> None:
    """Publish the checkpoint in `folder`; RunFailed, with the command to retry, if that fails."""
    words = publication.command(folder.resolve())
    command = [sys.executable, "-m", "pipelines", *words, "--yes"]
    status = subprocess.run(command, check=False, stdout=sys.stderr).returncode  # noqa: S603
    if status != 0:
        raise RunFailed(
            f"{folder} is trained but not published; to publish it: srt {shlex.join(words)}"
        )
