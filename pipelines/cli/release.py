"""`srt release`: from complete runs to an immutable folder."""

import json
from pathlib import Path
from typing import Annotated

import typer

from pipelines.cli.check import print_checks
from pipelines.cli.options import EXECUTION_KEYS, AllowedChecks, AsJson, Reasons, allowances


def release(
    runs_and_settings: Annotated[
        list[str],
        typer.Argument(
            metavar="RUN|KEY=VALUE",
            help="Complete run folders of one stage; then `execution` as in a recipe: "
            "execution.kind=ray execution.replicas=8.",
        ),
    ],
    name: Annotated[str, typer.Option(help="The dataset's name.")],
    version: Annotated[str, typer.Option(help="A semantic version, such as 1.0.0.")],
    out: Annotated[Path, typer.Option(help="The folder of all releases.")] = Path("releases"),
    parent: Annotated[
        str | None,
        typer.Option(
            help="The release before this one, as a folder or its name in OUT, or 'none'.",
            show_default="the latest of its name in OUT",
        ),
    ] = None,
    rename: Annotated[
        bool,
        typer.Option(
            "--rename", help="The parent has another name; its history goes on under this one."
        ),
    ] = False,
    review: Annotated[
        list[Path] | None,
        typer.Option(
            help="A review folder, or the run or release that was reviewed; may be repeated.",
            show_default=False,
        ),
    ] = None,
    audit: Annotated[
        list[Path] | None,
        typer.Option(
            help="An audit of a model that made these rows; its set is kept out of training.",
            show_default=False,
        ),
    ] = None,
    evaluation: Annotated[
        list[str] | None,
        typer.Option(
            metavar="EVALUATION|FILE[:FIELD]",
            help="An evaluation by `srt evaluate` of a model that made these rows or was trained "
            "on a version of them: the card shows its win rates. Or prompts that models are "
            "evaluated on, beside the recipe's. No kept row may repeat either; may be repeated.",
            show_default=False,
        ),
    ] = None,
    allow: AllowedChecks = None,
    reason: Reasons = None,
    as_json: AsJson = False,
) -> None:
    """Write NAME@vVERSION (parquet, card, changelog, manifest) if it passes the gate.

    The verdicts of each --review are included, and rows that people found wrong are dropped or
    corrected, as the recipe's `review:` block says. The exit status is 3 if the gate refuses.
    """
    from builders.manifest import read_manifest
    from builders.release.reviews.people import notes_on_people
    from builders.review.folder import EVALUATION, open_review
    from pipelines import release as releases
    from pipelines.cli import console
    from pipelines.recipe.file import execution_settings

    settings = [str(one) for one in runs_and_settings if str(one).startswith(EXECUTION_KEYS)]
    runs = [Path(one) for one in runs_and_settings if str(one) not in settings]
    execution = execution_settings(settings).execution
    for note in notes_on_people([open_review(folder) for folder in review or []]):
        console.notify(f"note: {note}")
    evaluations = [Path(one) for one in evaluation or [] if (Path(one) / EVALUATION).is_file()]
    total = releases.rows_of(runs)
    stages = {"splitting": total, "writing": total, "checking": None}
    with console.RowsProgress(stages) as progress:
        folder = releases.release(
            runs,
            name=name,
            version=version,
            out=out,
            parent=Path(parent) if parent not in (None, "none") else parent,
            reviews=review or [],
            audits=audit or [],
            evaluations=evaluations,
            evaluation_sets=[one for one in evaluation or [] if Path(one) not in evaluations],
            allowed=allowances(allow, reason),
            progress=progress,
            rename=rename,
            execution=execution,
        )
    checks = read_manifest(folder).facts["gate"]["checks"]
    if as_json:
        console.print_json({"release": str(folder), "checks": checks})
        return
    print_checks(checks)
    console.out.print(f"release: {folder}")
    print_loading(folder)


def print_loading(release: Path) -> None:
    """The lines of Python that load a release."""
    from builders.manifest import read_manifest
    from pipelines.cli.console import out

    stage = read_manifest(release).stage
    config, column = {1: ("feedback", "critique"), 2: ("preferences", "chosen")}[stage]
    out.print("load it with:")
    out.print("  from datasets import load_dataset")
    path = json.dumps(str(release.resolve()), ensure_ascii=False)
    out.print(f'  {config} = load_dataset({path}, "{config}", split="train")')
    out.print(f'  print({config}[0]["{column}"])')
