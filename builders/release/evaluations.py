"""The evaluations that a release carries: read, written as a config, and described."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from builders.errors import BadInput
from builders.evaluation.rows import RELEASED_JUDGED_ROWS
from builders.files.documents import read_yaml
from builders.files.parquet import open_parquet
from builders.release.parquet import SplitWriter, WrittenSplit
from builders.release.runs import CompleteRun
from builders.rows import Row

if TYPE_CHECKING:
    from builders.evaluation.result import Evaluation

CONFIG, SPLIT = "evaluations", "test"


@dataclass(frozen=True)
class ReleaseEvaluation:
    """An evaluation in a folder, by which it is named, and what its model has to do with the rows:
    it `made` some, or was `trained` on an earlier version of them."""

    name: str
    evaluation: "Evaluation"
    judgments: Sequence[Row]
    relation: str


def read_release_evaluations(
    folders: Sequence[Path], runs: Sequence[CompleteRun], name: str
) -> list[ReleaseEvaluation]:
    """The evaluations in `folders`, for a release `name` of `runs`.

    BadInput if one is none, is given twice, or is of a model that is no checkpoint of the release.
    """
    if not folders:
        return []
    # Imports scipy, which other releases do not need.
    from builders.evaluation.result import read_evaluation, read_judgments

    makers = {weights for run, _ in runs for weights in _checkpoints(run.recipe_path)}
    evaluations: dict[str, ReleaseEvaluation] = {}
    for folder in folders:
        found = read_evaluation(folder)
        relation = _relation(found, makers, name)
        if relation is None:
            raise BadInput(
                f"{folder}: an evaluation of {found.model.name}, a model that neither made rows of "
                f"this release nor was trained on a version of {name}"
            )
        own = folder.resolve().name
        if own in evaluations:
            raise BadInput(f"{folder}: an evaluation named {own} is given twice")
        evaluations[own] = ReleaseEvaluation(own, found, read_judgments(folder), relation)
    return list(evaluations.values())


def _relation(found: "Evaluation", makers: set[str], name: str) -> str | None:
    if found.model.weights in makers:
        return "made"
    trained_on = found.model.trained_on or ""
    return "trained" if trained_on.rpartition("@")[0] == name else None


def _checkpoints(recipe: Path) -> Iterator[str]:
    """The SHA-256 of the training.json of each checkpoint that a run's recipe names."""

    def search(value: Any) -> Iterator[str]:
        if isinstance(value, Mapping):
            if isinstance(sha256 := value.get("training_sha256"), str):
                yield sha256
            value = list(value.values())
        if isinstance(value, list):
            for one in value:
                yield from search(one)

    yield from search(read_yaml(recipe))


def write_evaluations(
    evaluations: Sequence[ReleaseEvaluation], folder: Path
) -> dict[str, dict[str, WrittenSplit]]:
    """Write the config `evaluations` and the pictures into the release; what was written."""
    if not evaluations:
        return {}
    # Imported here: matplotlib takes a second, which `srt check` need not wait for.
    from cards.evaluation_plot import plot_evaluation

    rows = [
        {"evaluation": one.name, "id": row["item"], **{k: row[k] for k in row if k != "item"}}
        for one in evaluations
        for row in one.judgments
    ]
    # The rows of an id follow each other, as in every config.
    rows.sort(key=lambda row: (row["id"], row["evaluation"], row["part"]))
    writer = SplitWriter(folder / CONFIG, SPLIT, RELEASED_JUDGED_ROWS.features)
    writer.write(pa.Table.from_pylist(rows, schema=RELEASED_JUDGED_ROWS.schema))
    for number, one in enumerate(evaluations, start=1):
        picture = folder / "assets" / f"evaluate-{number}.png"
        plot_evaluation(one.evaluation.model_dump(mode="json"), picture)
    return {CONFIG: {SPLIT: writer.close()}}


def describe_evaluations(evaluations: Sequence[ReleaseEvaluation]) -> list[dict[str, Any]] | None:
    """What the manifest says of the evaluations; None without any."""
    return [
        {
            "name": one.name,
            "relation": one.relation,
            **one.evaluation.model_dump(mode="json", by_alias=True),
        }
        for one in evaluations
    ] or None


def raw_win_rates(folder: Path) -> dict[tuple[str, str], float]:
    """The raw win rates of a release's judgments, by evaluation and part."""
    preferences: dict[tuple[str, str], list[float]] = {}
    for path in sorted((folder / CONFIG).glob("*.parquet")):
        # Read as it is: the check `schema` looks at its columns.
        columns = ["evaluation", "part", "preference"]
        with open_parquet(path) as file:
            rows = chain.from_iterable(
                batch.to_pylist() for batch in file.iter_batches(columns=columns)
            )
            for row in rows:
                if row["preference"] is not None:
                    key = row["evaluation"], row["part"]
                    preferences.setdefault(key, []).append(row["preference"])
    return {key: sum(values) / len(values) for key, values in preferences.items()}
