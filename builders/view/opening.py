"""Which of the kinds a folder is, and its source."""

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

from builders.errors import BadInput
from builders.ledger.run import Run
from builders.manifest import read_manifest
from builders.review.folder import EVALUATION, FACTS, UNFINISHED, Review, open_review
from builders.rows import Row
from builders.rows.read import read_rows
from builders.rows.schema import VERDICT_ROWS
from builders.view.source import Source, by_id, majority, verdicts_of_review
from builders.wording import counted

# As `builders.audit` has them, whose statistics take half a second to import.
AUDIT, FROZEN_SET = "audit.json", "set.json"


def open_source(folder: Path) -> Source:
    """The rows of a run, also one that is being built, or of a release, review, audit, evaluation.

    BadInput if the folder is none of these, or what it says of itself cannot be read.
    """
    if not folder.is_dir():
        raise BadInput(f"{folder}: no such folder; a release on the Hub is ORG/NAME@vX.Y.Z")
    if (folder / "recipe.yaml").is_file():
        return _run(folder)
    if (folder / FACTS).exists() or (folder / UNFINISHED).exists():
        return _review(folder)
    if (folder / AUDIT).is_file():
        from builders.view.audited import audit_source

        return audit_source(folder)
    if (folder / EVALUATION).is_file():
        from builders.view.evaluated import evaluation_source

        return evaluation_source(folder)
    if (folder / "manifest.json").is_file():
        return _release(folder)
    if (folder / FROZEN_SET).is_file():
        raise BadInput(f"{folder}: a frozen set; name one of its audits, {folder}/audits/NAME")
    raise BadInput(f"{folder}: not a run, a release, a review, an audit or an evaluation")


def _run(folder: Path) -> Source:
    run = Run(folder)
    facts: list[str] = []
    verdicts: dict[str, list[Row]] = {}
    if manifest := run.read_manifest():
        facts = [
            f"stage {manifest.stage}",
            f"{manifest.license}, {', '.join(manifest.language)}",
            f"seed {manifest.seed}",
        ]
        verdicts = verdicts_of_review(folder)
    return Source(
        kind="run",
        title=folder.resolve().name,
        folder=folder,
        parts=run.parts,
        is_complete=run.manifest_path.exists,
        facts=facts,
        verdicts=verdicts,
    )


def _release(folder: Path) -> Source:
    manifest = read_manifest(folder)
    facts = [
        f"stage {manifest.stage}",
        f"{manifest.license}, {', '.join(manifest.language)}",
        f"schema {manifest.schema_version}",
    ]
    if manifest.parent_version:
        facts.append(f"after {manifest.parent_version}")
    said: list[Row] = []
    for path in sorted((folder / "verdicts").glob("*.parquet")):
        said += read_rows(path, VERDICT_ROWS)

    def parts() -> list[Path]:
        # Their rows come in the order of the manifest: train before test.
        return sorted((folder / "ledger").glob("*.parquet"), key=_train_first)

    return Source(
        kind="release",
        title=f"{manifest.name} {manifest.tag}",
        folder=folder,
        parts=parts,
        facts=facts,
        verdicts=by_id(said) or verdicts_of_review(folder),
    )


def _train_first(path: Path) -> tuple[bool, str]:
    return not path.name.startswith("train"), path.name


def _review(folder: Path) -> Source:
    review = open_review(folder)
    drawn = [row["id"] for row in review.drawn()]
    verdicts = by_id(review.included_verdicts())
    source = open_source(review.source)
    asked = len(dict.fromkeys(drawn))
    return Source(
        kind="review",
        title=review.facts.name,
        folder=folder,
        parts=source.parts,
        facts=[f"of {source.kind} {source.title}", *_said(review, asked, verdicts)],
        labels=source.labels,
        verdicts=verdicts,
        outcomes=source.outcomes,
        notes=source.notes,
        only=list(dict.fromkeys(drawn)),
    )


def _said(review: Review, asked: int, verdicts: Mapping[str, Sequence[Row]]) -> list[str]:
    people = {row["annotator"] for rows in verdicts.values() for row in rows}
    found = Counter(filter(None, (majority(rows) for rows in verdicts.values())))
    lines = [f"{counted(asked, 'row')} drawn ({review.facts.strategy})"]
    lines.append(f"{counted(len(people), 'annotator')}" if people else "nobody has answered yet")
    if found:
        lines.append(
            "better: " + ", ".join(f"{name} {count:,}" for name, count in found.most_common())
        )
    return lines
