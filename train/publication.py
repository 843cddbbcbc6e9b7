"""What `push_to_hub` asks for: the finished checkpoint, published by `srt publish`.

The keys are those of TRL and transformers, and `hub_tag`. Their own pushing is left off: it
commits while training is under way, and gives no tag.
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

_REPO = re.compile(r"[\w.-]+/[\w.-]+", re.ASCII)
_TAG = re.compile(r"v(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)", re.ASCII)


@dataclass(frozen=True)
class Publication:
    repo: str
    tag: str
    private: bool = False

    def command(self, folder: Path) -> list[str]:
        """The `srt` command, without its first word."""
        words = ["publish", str(folder), "--repo", self.repo, "--tag", self.tag]
        return [*words, "--private"] if self.private else words


def publication(values: Mapping[str, Any]) -> Publication | None:
    """What a recipe's `values` ask for; BadInput, with the key, where they do not say enough."""
    if not values.get("push_to_hub"):
        return None
    repo, tag = values.get("hub_model_id"), values.get("hub_tag")
    if not isinstance(repo, str) or not _REPO.fullmatch(repo):
        raise BadInput(f"hub_model_id: push_to_hub wants the ORG/NAME to publish to, not {repo!r}")
    if not isinstance(tag, str) or not _TAG.fullmatch(tag):
        raise BadInput(f"hub_tag: push_to_hub wants the tag to give, such as v1.0.0, not {tag!r}")
    return Publication(repo, tag, bool(values.get("hub_private_repo")))


def publish(folder: Path, wanted: Publication) -> None:
    """Publish the checkpoint in `folder`; RunFailed, with the command that does it, otherwise."""
    words = wanted.command(folder.resolve())
    command = [sys.executable, "-m", "pipelines", *words, "--yes"]
    status = subprocess.run(command, check=False, stdout=sys.stderr).returncode  # noqa: S603
    if status != 0:
        raise RunFailed(
            f"{folder} is finished and is not published; this publishes it: srt {shlex.join(words)}"
        )
