"""What people said becomes a frozen set: of a review, of a release, of a run, or in a file."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from builders.audit.frozen import CHECKER, FrozenSet, SetSource, write_set
from builders.audit.pair_files import Format, read_pairs
from builders.errors import BadInput
from builders.files.hashes import sha256_of_file
from builders.ledger.models import public_name
from builders.ledger.rows import ledger_rows
from builders.ledger.run import open_complete_run
from builders.manifest import read_manifest
from builders.review.folder import FACTS as REVIEW_FACTS
from builders.review.folder import Review, digest_of, open_review, review_folder
from builders.review.reviewable import is_reviewable
from builders.review.verdicts import Verdict, unassisted_sample, valid_verdicts
from builders.rows import InvalidRow, Row
from builders.rows.read import read_rows
from builders.rows.schema import VERDICT_ROWS

_ANSWER = {"draft": "a", "refinement": "b", "tie": "tie"}
# The columns of a ledger row that a pair is made of.
_COLUMNS = [
    "id",
    "source",
    "license",
    "task",
    "system",
    "history",
    "instruction",
    "criteria",
    "draft",
    "critique",
    "refinement",
    "draft_score",
    "refinement_score",
    "control_scores",
    "status",
    "reason",
    "calls",
]


def freeze_file(path: Path, folder: Path, *, form: Format = "auto", license: str) -> FrozenSet:
    """Freeze the pairs of a file; see `builders.audit.pair_files`."""
    pairs, left_out = read_pairs(path, form, license)
    return write_set(
        folder,
        pairs,
        source=SetSource(kind="pairs", name=path.name, digest=sha256_of_file(path)),
        license=_license(pairs, license),
        answers="two answers",
        design=[{"strategy": "all"}],
        left_out=left_out,
    )


def freeze(source: Path, folder: Path) -> FrozenSet:
    """Freeze what people said about the rows of a review, of a release, or of a reviewed run.

    In a run of verifiable problems that nobody reviewed, the checker stands for people. BadInput if
    nobody judged the source, or it has changed since.
    """
    if (source / REVIEW_FACTS).is_file():
        return _freeze_review(open_review(source), folder)
    if (source / "recipe.yaml").is_file():
        if (review_folder(source) / REVIEW_FACTS).is_file():
            return _freeze_review(open_review(source), folder)
        return _freeze_checked(source, folder)
    if (source / "manifest.json").is_file():
        return _freeze_release(source, folder)
    if not source.exists():
        raise BadInput(f"{source}: no such folder; a file of pairs is given with --pairs")
    raise BadInput(f"{source}: neither a run, nor a review, nor a release")


def _freeze_review(review: Review, folder: Path) -> FrozenSet:
    if not review.source.is_dir() or digest_of(review.source) != review.facts.source.digest:
        raise BadInput(f"{review.source} is missing or has changed since {review.folder} was made")
    verdicts = _valid(review.verdicts(), review.folder)
    facts = review.facts.model_dump()
    design = {key: facts[key] for key in ("strategy", "seed", "sample", "calibration", "assisted")}
    return _freeze_verdicts(
        review.source,
        verdicts,
        folder,
        SetSource(
            kind="review",
            name=facts["name"],
            version=facts["source"]["version"],
            digest=facts["source"]["digest"],
        ),
        [{"rows": facts["source"]["name"], **design}],
    )


def _freeze_release(release: Path, folder: Path) -> FrozenSet:
    manifest = read_manifest(release)
    files = [
        release / file
        for split in manifest.configs.get("verdicts", {}).values()
        for file in split.files
    ]
    verdicts = _valid([row for file in files for row in read_rows(file, VERDICT_ROWS)], release)
    reviews = (manifest.review or {}).get("reviews", [])
    return _freeze_verdicts(
        release,
        verdicts,
        folder,
        SetSource(
            kind="release",
            name=manifest.name,
            version=manifest.version,
            digest=digest_of(release),
        ),
        reviews,
    )


def _valid(verdicts: Iterable[Verdict], where: Path) -> list[Verdict]:
    try:
        valid = valid_verdicts(verdicts)
    except InvalidRow as error:
        raise BadInput(f"{where}: {error}") from None
    if not valid:
        raise BadInput(f"{where}: it has no verdicts; people have to judge first (`srt review`)")
    return valid


def _freeze_verdicts(
    rows_in: Path,
    verdicts: Sequence[Verdict],
    folder: Path,
    source: SetSource,
    design: Sequence[Mapping[str, Any]],
) -> FrozenSet:
    """The pairs with a verdict that counts: unassisted, and on the sample that was drawn."""
    by_id: dict[str, list[Verdict]] = {}
    for verdict in unassisted_sample(verdicts):
        by_id.setdefault(verdict["id"], []).append(verdict)
    rows = _rows_by_id(rows_in, by_id.keys())
    left_out = Counter(unjudged=len({verdict["id"] for verdict in verdicts} - by_id.keys()))
    pairs = []
    for row_id, own in sorted(by_id.items()):
        choices = list(_choices(own))
        if row_id not in rows:
            raise BadInput(f"{rows_in}: row {row_id} has verdicts and no two answers")
        if not choices:
            left_out["no_preference"] += 1
            continue
        draw = {key: own[0][key] for key in ("stratum", "stratum_rows", "inclusion_probability")}
        pairs.append({**_pair(rows[row_id], choices), **draw})
    return write_set(
        folder,
        pairs,
        source=source,
        license=_license(pairs, "unknown"),
        answers="draft and refinement",
        design=design,
        left_out=left_out,
    )


def _choices(verdicts: Iterable[Verdict]) -> Iterator[Row]:
    for verdict in verdicts:
        if verdict["better"] is not None:
            yield {
                "person": verdict["annotator"],
                "better": _ANSWER[verdict["better"]],
                "score_a": verdict["draft_score"],
                "score_b": verdict["refinement_score"],
                "shown_first": "a" if verdict["order"] == "draft_first" else "b",
            }


def _freeze_checked(run: Path, folder: Path) -> FrozenSet:
    """All pairs of a run of verifiable problems, judged by the program that knows the answers."""
    open_complete_run(run)
    pairs, left_out = [], Counter[str]()
    for row in ledger_rows(run, _COLUMNS):
        if None in (row["draft"], row["refinement"]):
            left_out["no_two_answers"] += 1
        elif row["draft"] == row["refinement"]:
            left_out["equal_answers"] += 1
        elif row["task"] is None:
            raise BadInput(
                f"{run}: nobody has judged its rows; `srt review push {run}` asks people"
            )
        else:
            pairs.append({**_pair(row, [_checked(row)]), **_CENSUS})
    return write_set(
        folder,
        pairs,
        source=SetSource(kind="run", name=run.resolve().name, digest=digest_of(run)),
        license=_license(pairs, "unknown"),
        answers="draft and refinement",
        design=[{"strategy": "all"}],
        left_out=left_out,
    )


_CENSUS = {"stratum": None, "stratum_rows": None, "inclusion_probability": 1.0}


def _checked(row: Row) -> Row:
    """What the checker says: the answer that its rubric scores higher."""
    from builders.verifiable.registry import check

    scores = [check(row["task"], row[part]).score for part in ("draft", "refinement")]
    better = "tie" if scores[0] == scores[1] else "ab"[scores[1] > scores[0]]
    return {
        "person": CHECKER,
        "better": better,
        "score_a": scores[0],
        "score_b": scores[1],
        "shown_first": None,
    }


def _rows_by_id(folder: Path, ids: Iterable[str]) -> dict[str, Row]:
    """The ledger rows that people were shown; of several with one id, not the duplicate."""
    wanted, rows = set(ids), {}
    for row in ledger_rows(folder, _COLUMNS):
        if row["id"] in wanted and is_reviewable(row):
            earlier = rows.get(row["id"])
            if earlier is None or earlier["reason"] == "duplicate":
                rows[row["id"]] = row
    return rows


def _pair(row: Row, choices: Sequence[Row]) -> Row:
    """The pair that a ledger row is, but for how it was drawn."""
    conversation = {
        key: row[key] for key in ("id", "license", "task", "system", "history", "criteria")
    }
    return {
        **conversation,
        "source": public_name(row["source"]),
        "instruction": row["instruction"],
        "answer_a": row["draft"],
        "answer_b": row["refinement"],
        "writer_a": _writer(row, "draft"),
        "writer_b": _writer(row, "critique"),
        "choices": list(choices),
        "score_a": row["draft_score"],
        "score_b": row["refinement_score"],
        "control_scores": [
            {
                "model": public_name(control["model"]),
                "score_a": control["draft_score"],
                "score_b": control["refinement_score"],
            }
            for control in row["control_scores"]
        ],
    }


def _writer(row: Row, step: str) -> str | None:
    """The model of the last call of `step`."""
    models = [call["model"] for call in row["calls"] if call["step"] == step]
    return public_name(models[-1]) if models else None


def _license(pairs: Sequence[Row], otherwise: str) -> str:
    """The license of all pairs, or `mixed`; each pair keeps its own."""
    licenses = {pair["license"] for pair in pairs}
    return (licenses.pop() if licenses else otherwise) if len(licenses) < 2 else "mixed"
