"""The Python interface: build, release, check, publish, verify and load feedback datasets.

The `srt` commands do the same. Everything outside this package is private and changes without
notice. Every function raises one of the errors below, with a message of one line that says what
is wrong and where; `srt` exits with the error's `exit_code`.

>>> import srt_feedback
>>> run = srt_feedback.build("my-feedback.yaml")
>>> release = srt_feedback.release(run, name="my-feedback", version="1.0.0")
>>> release
PosixPath('releases/my-feedback@v1.0.0')
"""

from collections.abc import Callable, Iterable, Mapping
from importlib.metadata import version as _version
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from builders.errors import BadInput, GateRefused, RunFailed, SrtError
from srt_feedback import review

if TYPE_CHECKING:
    from datasets import Dataset, DatasetDict

__all__ = [
    "BadInput",
    "GateRefused",
    "RunFailed",
    "SrtError",
    "__version__",
    "build",
    "check",
    "load",
    "publish",
    "release",
    "review",
    "verify",
]

__version__ = _version("srt-feedback")


def load(
    release: str | Path, config: str | None = None, split: str | None = None
) -> "Dataset | DatasetDict":
    """The rows of one config of a release: of `split`, or a `DatasetDict` of all splits.

    `release` is `ORG/NAME@vX.Y.Z` on the Hub, `ORG/NAME@COMMIT`, or a release's folder. `config`
    defaults to the release's default, `feedback` or `preferences`.

    The Hub is asked which commit the tag is on, that commit is downloaded, and every file is
    compared with the SHA-256 in its manifest. `datasets.load_dataset(repo, revision=tag)` can
    return another version when the Hub cannot be reached (docs/consuming.md); this raises
    `BadInput` then, and where release, config or split do not exist.

    >>> feedback = srt_feedback.load("my-org/my-feedback@v1.0.0", "feedback", split="train")
    >>> sorted(feedback[0]["critique"])
    ['score', 'suggestions', 'weaknesses']
    """
    from srt_feedback._load import load_release

    return load_release(release, config, split)


def build(
    recipe: str | Path,
    out: str | Path | None = None,
    *,
    stage: Literal[1, 2] | None = None,
    model: str | None = None,
    limit: int | None = None,
    overrides: Mapping[str, Any] | None = None,
    notify: Callable[[str], None] | None = None,
) -> Path:
    """Build the run that a recipe describes, or continue it; the run's folder (`srt build`).

    `out` defaults to `runs/NAME`. `stage` is checked against the recipe's. `model` is the
    checkpoint of stage 2. At most `limit` rows are generated; the next call without it does the
    rest. `overrides` replace keys of the recipe: `{"critic.model": "gpt-4.1"}`. `notify` is called
    with one-line messages: a key that has a new name, a batch that was submitted.

    Raises `BadInput` before anything is written, and `RunFailed` where the run stopped: the same
    call continues it, and nothing is paid for twice.

    >>> srt_feedback.build("my-feedback.yaml", limit=20, overrides={"seed": 7}, out="runs/seed-7")
    PosixPath('runs/seed-7')
    """
    from pipelines.build import build as build_recipe

    run = build_recipe(
        recipe,
        out,
        stage=stage,
        model=model,
        limit=limit,
        overrides=overrides or {},
        notify=notify,
    )
    return run.folder


def release(
    runs: str | Path | Iterable[str | Path],
    *,
    name: str,
    version: str,
    out: str | Path = "releases",
    parent: str | Path | None = None,
    reviews: Iterable[str | Path] = (),
    audits: Iterable[str | Path] = (),
    evaluations: Iterable[str | Path] = (),
    evaluation_sets: Iterable[str] = (),
    allow: Mapping[str, str] | None = None,
    rename: bool = False,
) -> Path:
    """Write the release `out/NAME@vVERSION` of one or several complete runs (`srt release`).

    `parent` is the release before this one, or `"none"`; by default the latest of its name in
    `out`. With `rename` the parent has another name, and its history goes on under this one.
    `reviews` are review folders whose verdicts go along. `audits` and `evaluations` are folders of
    `srt audit run` and `srt evaluate`, of models that made these rows or were trained on a version
    of them: the card shows what they found. No kept row may repeat their instructions, or those of
    `evaluation_sets`, FILE or FILE:FIELD. `allow` lets checks of the gate fail, each with a reason
    that the card prints: `{"licenses": "they agreed in writing"}`.

    Raises `GateRefused` where a check fails. The folder is written whole or not at all.

    >>> srt_feedback.release("runs/my-feedback", name="my-feedback", version="1.1.0")
    PosixPath('releases/my-feedback@v1.1.0')
    """
    from pipelines.release import release as release_folders

    folders = [runs] if isinstance(runs, str | Path) else runs
    return release_folders(
        [Path(folder) for folder in folders],
        name=name,
        version=version,
        out=Path(out),
        parent=parent if parent in (None, "none") else Path(parent),
        reviews=[Path(folder) for folder in reviews],
        audits=[Path(folder) for folder in audits],
        evaluations=[Path(folder) for folder in evaluations],
        evaluation_sets=list(evaluation_sets),
        allowed=allow,
        rename=rename,
    )


def check(
    release: str | Path,
    *,
    evaluation_sets: Iterable[str] = (),
    allow: Mapping[str, str] | None = None,
) -> list[dict[str, Any]]:
    """What each check of the gate finds in a release's folder (`srt check`).

    `evaluation_sets` are FILE or FILE:FIELD, beside those of the release's own settings. A check
    has the keys `name`, `status` (pass, warn or fail), `sentence`, figures, and `allowed`, the
    reason where it is allowed to fail. Raises `GateRefused` where another one fails.

    >>> checks = srt_feedback.check("releases/my-feedback@v1.0.0")
    >>> {check["name"]: check["status"] for check in checks}["schema"]
    'pass'
    """
    from builders.gate.gate import recheck

    checked = recheck(Path(release), evaluation_sets=list(evaluation_sets), allowed=allow)
    checked.refuse()
    return list(checked.facts["checks"])


def publish(
    folder: str | Path,
    repo: str,
    *,
    tag: str | None = None,
    private: bool = False,
    replace: bool = False,
    replace_card: bool = False,
) -> dict[str, Any]:
    """Publish a release's or checkpoint's folder to `ORG/NAME` (`srt publish`).

    One commit, downloaded again and compared, and the tag last; the same call completes what was
    cut. A release has its own tag, a checkpoint takes `tag`. The result has `commit` and `url`.
    The token is the one of `hf auth login` or HF_TOKEN; HF_ENDPOINT names another Hub.

    Files in the repository that no version of it published stay, unless `replace` deletes them. A
    card that is not the last version's raises `BadInput`, unless `replace_card`.

    >>> published = srt_feedback.publish("releases/my-feedback@v1.0.0", "my-org/my-feedback")
    >>> len(published["commit"])
    40
    """
    from pipelines.hub.publication import plan_publication

    publication = plan_publication(
        Path(folder), repo, tag=tag, private=private, replace=replace, replace_card=replace_card
    )
    return publication.facts(publication.carry_out())


def verify(release: str, folder: str | Path | None = None) -> dict[str, Any]:
    """Download `ORG/NAME@vX.Y.Z` and compare every file and row with its manifest (`srt verify`).

    `folder` keeps the files. Raises `GateRefused` where something does not hold, naming it.

    >>> srt_feedback.verify("my-org/my-feedback@v1.0.0")["repo"]
    'my-org/my-feedback'
    """
    from pipelines.hub.verify import verify as verify_release

    verified = verify_release(release, None if folder is None else Path(folder))
    verified.refuse()
    return verified.facts()
