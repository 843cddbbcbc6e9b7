"""From run folders to a release that has passed the gate."""

from collections.abc import Mapping, Sequence
from concurrent.futures import Executor
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from builders.errors import BadInput
from builders.ledger.run import open_complete_run
from builders.progress import Progress
from pipelines.recipe.execution import AnyExecution, BatchExecution, LocalExecution, RayExecution

if TYPE_CHECKING:
    from builders.gate.gate import Recheck

HERE = LocalExecution()

RELEASES = Path("releases")


def release(
    runs: Sequence[Path],
    *,
    name: str,
    version: str,
    out: Path = RELEASES,
    parent: Path | Literal["none"] | None = None,
    reviews: Sequence[Path] = (),
    audits: Sequence[Path] = (),
    evaluations: Sequence[Path] = (),
    evaluation_sets: Sequence[str] = (),
    allowed: Mapping[str, str] | None = None,
    progress: Progress | None = None,
    rename: bool = False,
    execution: AnyExecution = HERE,
) -> Path:
    """Write the release `out/NAME@vVERSION` of complete run folders, and return its folder.

    `parent` is the release before this one: by default the latest of its name in `out`; with
    `rename`, one of another name. `reviews` are review folders, or the runs or releases that were
    reviewed. `audits` are folders that `srt audit run` made, and `evaluations` those that
    `srt evaluate` made, of models that made these rows or were trained on a version of them; no
    kept row may repeat their instructions. `evaluation_sets` are FILE or FILE:FIELD, beside those
    of the runs' recipes. `allowed` has a reason for each check of the gate that may fail.
    `progress` is called with the stage (splitting, writing, checking) and the rows done in it.
    `execution` is where the work is done: in this process, or as tasks on a Ray.

    Raises BadInput where an argument is wrong, GateRefused where the gate refuses the release,
    and RunFailed where the folder cannot be written. The release is there whole or not at all.
    """
    # Imported here: whoever wants to know where releases are need not wait for the gate.
    from builders.gate.checks.evaluation_sets import has_pairs
    from builders.gate.gate import ReleaseGate
    from builders.release.make import release_runs
    from builders.review.folder import open_review

    opened = [open_complete_run(run) for run in runs]
    if not opened:
        raise BadInput("a release needs a run: no folder is given")
    with pool_for(execution) as pool:
        gate = ReleaseGate(
            # The runs agree in their settings, or `release_runs` refuses them.
            opened[0][1].gate,
            evaluation_sets=[
                *evaluation_sets,
                *(str(one) for one in evaluations if has_pairs(one)),
            ],
            allowed=allowed,
            progress=progress,
            pool=pool,
        )
        return release_runs(
            opened,
            name=name,
            version=version,
            # Workers have other working directories.
            out=out.absolute() if pool else out,
            parent=parent,
            reviews=[open_review(folder) for folder in reviews],
            audits=audits,
            evaluations=evaluations,
            redact=gate.redact,
            check=gate.check,
            progress=progress,
            rename=rename,
            pool=pool,
        )


def check(
    release: Path,
    *,
    evaluation_sets: Sequence[str] = (),
    allowed: Mapping[str, str] | None = None,
    execution: AnyExecution = HERE,
) -> "Recheck":
    """`builders.gate.gate.recheck`, in this process or as tasks on a Ray."""
    from builders.gate.gate import recheck

    with pool_for(execution) as pool:
        folder = release.absolute() if pool else release
        return recheck(folder, evaluation_sets=evaluation_sets, allowed=allowed, pool=pool)


def pool_for(execution: AnyExecution) -> AbstractContextManager[Executor | None]:
    """A pool of tasks on a Ray, or None for this process. BadInput if there is no such Ray."""
    match execution:
        case RayExecution():
            from pipelines.on_ray.pool import ray_pool

            return ray_pool(execution)
        case BatchExecution():
            raise BadInput("execution.kind: batch asks models, and this asks none")
    return nullcontext()


def rows_of(runs: Sequence[Path]) -> int:
    """How many ledger rows the complete runs have together, for a progress bar."""
    return sum(open_complete_run(run)[1].funnel.rows for run in runs)
