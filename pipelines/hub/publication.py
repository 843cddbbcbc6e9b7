"""Publishing a folder: planned first, so that the plan can be shown, then carried out."""

import dataclasses
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

from huggingface_hub import HfApi

from builders.errors import BadInput
from builders.gate.gate import recheck
from pipelines.hub.checkpoint_card import check_evaluation
from pipelines.hub.checkpoint_secrets import refuse_secrets
from pipelines.hub.client import check_repo, connect
from pipelines.hub.package import local_base_model, read_package
from pipelines.hub.plan import PublishPlan
from pipelines.hub.publish import (
    Gated,
    PublishObserver,
    RepositorySettings,
    check_card,
    plan_publishing,
    publish,
)


@dataclass(frozen=True)
class PlannedPublication:
    """A release or checkpoint compared with the repository it goes to; nothing is written yet."""

    api: HfApi
    plan: PublishPlan
    settings: RepositorySettings

    @property
    def tag(self) -> str:
        return self.plan.package.tag

    @property
    def url(self) -> str:
        """The repository's page."""
        prefix = "datasets/" if self.plan.package.repo_type == "dataset" else ""
        return f"{self.api.endpoint}/{prefix}{self.plan.repo}"

    @property
    def left_out(self) -> tuple[str, ...]:
        """What is in a checkpoint's folder and is not published, as no checkpoint is made of it."""
        return self.plan.released.left_out

    @property
    def local_base_model(self) -> str | None:
        """The folder of an adapter's base model, if only this machine has it."""
        return local_base_model(self.plan.package)

    def replacing_card(self) -> "PlannedPublication":
        """The same, with the user's word that the card that is there may be replaced."""
        return dataclasses.replace(
            self, settings=dataclasses.replace(self.settings, replace_card=True)
        )

    def check_card(self) -> None:
        """BadInput if a card that somebody else wrote would be replaced, and nobody said so."""
        check_card(self.plan, self.settings)

    def carry_out(self, observer: PublishObserver | None = None) -> str:
        """Do what the plan has left to do; the SHA of the tagged commit.

        RunFailed where the Hub, the connection or another publisher stopped it: planning and
        carrying it out again completes it.
        """
        return publish(self.api, self.plan, self.settings, observer or _Unobserved())

    def facts(self, commit: str | None = None) -> dict[str, Any]:
        """The plan for machines, and once it is carried out the commit and the page."""
        done = {"commit": commit, "url": self.url} if commit else {}
        return {**self.plan.facts(), **done}


def plan_publication(
    folder: Path,
    repo: str,
    *,
    tag: str | None = None,
    private: bool = False,
    gated: str | None = None,
    collection: str | None = None,
    replace: bool = False,
    replace_card: bool = False,
    api: HfApi | None = None,
) -> PlannedPublication:
    """Check `folder`, a release or a checkpoint, and compare it with the repository ORG/NAME.

    `tag` is a checkpoint's; a release has its own. `gated` is auto or manual. `api` defaults to
    the Hub at HF_ENDPOINT with the token that `hf auth login` stored, or HF_TOKEN. `replace`
    deletes and overwrites files in the repository that no version of it published, `replace_card`
    its card where that is not the last version's.

    Raises BadInput where an argument, the folder or the token is wrong or the tag is taken,
    GateRefused where a release does not pass the gate as it is now or a checkpoint's texts have a
    key, and RunFailed where the Hub cannot be reached.
    """
    check_repo(repo)
    if gated not in (None, *get_args(Gated)):
        raise BadInput(f"--gated: {gated!r} is neither auto nor manual")
    settings = RepositorySettings(private, gated, collection, replace, replace_card)
    api = api or connect()
    package = read_package(folder, tag)

    def check(folder: Path) -> None:
        if package.manifest is not None:
            recheck(folder).refuse()
        else:
            check_evaluation(folder)
            refuse_secrets(package)

    return PlannedPublication(api, plan_publishing(api, package, repo, settings, check), settings)


class _Unobserved:
    def stage(self, sentence: str) -> None: ...

    def sent(self, name: str, total: int) -> None: ...
