"""Review folders as push and pull leave them, for tests; no server is asked."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from builders.review.folder import (
    CORRECTIONS,
    DRAWN,
    FACTS,
    REVIEW_SCHEMA,
    Review,
    ReviewFacts,
    digest_of,
    open_review,
    write_facts,
    write_rows,
)
from builders.rows.schema import VERDICTS


def review_json(source: Path, folder: Path, **facts: Any) -> dict[str, Any]:
    """The review.json of a review in `folder` of the run or release in `source`."""
    is_run = (source / "recipe.yaml").exists()
    return {
        "schema": REVIEW_SCHEMA,
        "name": folder.name,
        "source": {
            "kind": "run" if is_run else "release",
            "path": str(source.absolute()),
            "name": source.name,
            "version": None if is_run else "1.0.0",
            "digest": digest_of(source),
        },
        "stage": 1,
        "rows": "scored",
        "strategy": "uniform",
        "seed": 0,
        "sample": 200,
        "overlap": 3,
        "calibration": 0,
        "assisted": False,
        "url": "http://127.0.0.1:6900",
        "workspace": "people",
        "datasets": {"sample": folder.name, "calibration": None},
        **facts,
    }


def make_review(
    folder: Path,
    source: Path,
    verdicts: Iterable[Mapping[str, Any]],
    corrections: Iterable[Mapping[str, Any]] = (),
    **facts: Any,
) -> Review:
    """A review of `source` with these verdicts, whose records are the rows drawn."""
    verdicts = list(verdicts)
    folder.mkdir(parents=True)
    stratum = {"stratum": "all", "stratum_rows": 400}
    drawn = {row["record"]: {name: {**stratum, **row}[name] for name in DRAWN} for row in verdicts}
    write_rows(folder / "drawn.parquet", drawn.values(), DRAWN)
    write_rows(folder / "verdicts.parquet", verdicts, VERDICTS)
    write_rows(folder / "corrections.parquet", corrections, CORRECTIONS)
    write_facts(folder / FACTS, ReviewFacts.model_validate(review_json(source, folder, **facts)))
    return open_review(folder)
