"""What people's verdicts make of a release: rows dropped or corrected, and what is told of each.

Verdicts are of rows, and a release tells rows by their ids. So each review is bound to the very
rows that it asked about. Where another row stands for such an id in the release, because an earlier
run has kept one, the verdicts on the one that was asked about are left out.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from builders.errors import BadInput
from builders.funnel import Funnel
from builders.release.agreement import review_of
from builders.release.ledgers import LEDGER_SCHEMA, Drop, Ledgers
from builders.release.reviews import ASKED_COLUMNS, Opinions, content_of
from builders.release.verdicts import (
    WRITTEN,
    ReviewSettings,
    Row,
    Told,
    can_be_asked,
    found_wrong,
    human_verdict,
    standing,
)
from builders.review.counted import Verdict, unassisted


class People:
    """What people said of the rows of a release's runs.

    In this order: the ledgers `with_corrections`, the rows to be dropped (`drops`), and what is
    `told` once all that are dropped are known.
    """

    def __init__(self, opinions: Sequence[Opinions], settings: ReviewSettings) -> None:
        self._opinions = opinions
        self._settings = settings
        by_id: dict[str, list[Verdict]] = {}
        for one in opinions:
            for row in one.verdicts:
                by_id.setdefault(row["id"], []).append(row)
        # By the id of the row that each corrects; a row of several reviews has the latest.
        self._corrections: dict[str, Row] = {}
        if settings.wrong == "correct":
            self._corrections = {
                row_id: _latest(opinions, row_id)
                for row_id in sorted({row_id for one in opinions for row_id in one.corrections})
                if _calls_for_correction(by_id[row_id])
            }
        # The rows of the ids that were asked about, and of corrections, by id.
        self._rows: dict[str, list[Row]] = {}
        # Verdicts by the number of the row that they are of.
        self._said: dict[int, list[Verdict]] = {}

    def funnel(self) -> Row:
        """The facts of a funnel of the corrections that are put into the ledger."""
        return Funnel.of(self._corrections.values()).as_facts()

    def with_corrections(self, ledgers: Ledgers, folder: Path) -> Ledgers:
        """The ledgers, and after each run the corrections of its rows, as if of a run.

        An instruction of several runs is the first one's, and so is a correction of its row.
        """
        homes, parts = self._homes(ledgers), []
        for run, files in enumerate(ledgers.parts):
            rows = [row for corrects, row in self._corrections.items() if homes[corrects] == run]
            path = folder / f"corrections-{run}.parquet"
            pq.write_table(pa.Table.from_pylist(rows, LEDGER_SCHEMA), path)
            parts += [files, [path]]
        return Ledgers(parts)

    @staticmethod
    def names(runs: Sequence[str]) -> list[str]:
        """The names of the runs and of their corrections."""
        return [name for name in runs for _ in range(2)]

    def _homes(self, ledgers: Ledgers) -> dict[str, int]:
        """The run of each row that is corrected; 0 for one that no run has."""
        runs: dict[str, int] = {}
        for _, run, row in _rows_of(ledgers, self._corrections, ["id"]):
            runs.setdefault(row["id"], run)
        known = -1
        # A correction can be corrected in its turn.
        while len(runs) > known:
            known = len(runs)
            for corrects, row in self._corrections.items():
                if corrects in runs:
                    runs.setdefault(row["id"], runs[corrects])
        return {corrects: runs.get(corrects, 0) for corrects in self._corrections}

    def drops(self, ledgers: Ledgers) -> dict[int, Drop]:
        """The kept rows that people found wrong, by number; BadInput where one is not there."""
        ids = {row["id"] for one in self._opinions for row in one.verdicts}
        ids.update(row["id"] for row in self._corrections.values())
        for number, run, row in _rows_of(ledgers, ids, ASKED_COLUMNS):
            seen = {key: row[key] for key in ("id", "status", "reason")}
            seen |= {"number": number, "run": run, "content": None}
            if can_be_asked(row):
                seen["content"] = content_of(row)
            self._rows.setdefault(row["id"], []).append(seen)
        for one in self._opinions:
            for verdict in one.verdicts:
                number = self._asked(one, verdict["id"])["number"]
                self._said.setdefault(number, []).append(verdict)
        found: dict[int, Drop] = {}
        for rows in self._rows.values():
            found.update(self._fates(rows))
        return found

    def _asked(self, one: Opinions, row_id: str) -> Row:
        """The row that a review has asked about."""
        rows = self._rows.get(row_id)
        if not rows:
            raise BadInput(f"{one.folder}: row {row_id} is in none of the runs given")
        if one.run is None:
            rows = [row for row in rows if row["content"] == one.contents[row_id]]
        else:
            rows = [row for row in rows if row["run"] == 2 * one.run]
        if not rows:
            raise BadInput(f"{one.folder}: row {row_id} is not in the runs as people were shown it")
        return min(rows, key=lambda row: row["status"] != "kept")

    def _fates(self, rows: Sequence[Row]) -> Iterator[tuple[int, Drop]]:
        """Which of the rows of one id are dropped. What follows a run that keeps one is not."""
        keeps = None
        for row in rows:
            if row["status"] != "kept":
                continue
            if keeps is not None and row["run"] > keeps:
                return
            if (fate := self._fate(row)) is not None:
                yield row["number"], fate
            else:
                keeps = row["run"]

    def _fate(self, row: Row) -> Drop | None:
        verdicts = self._said.get(row["number"], [])
        if self._settings.wrong == "keep" or not verdicts:
            return None
        said, correction = found_wrong(verdicts), self._corrections.get(row["id"])
        if correction and any(one["status"] == "kept" for one in self._rows[correction["id"]]):
            said = f"{said}; " if said else ""
            return "corrected_by_people", f"{said}the correction is row {correction['id']}"
        return ("rejected_by_people", said) if said else None

    def told(self, drops: Mapping[int, Drop], transform: Callable[[Row], Row] | None) -> Told:
        """What the release has of the verdicts, once all its `drops` are known.

        `transform` changes what people have written, as it does the ledger's rows.
        """
        summaries: dict[str, Row] = {}
        told: dict[str, list[Verdict]] = {}
        for row_id, rows in self._rows.items():
            row = standing([_dropped(one, drops) for one in rows if one["content"] is not None])
            if row is None or row["number"] not in self._said:
                continue
            verdicts = _in_order(self._said[row["number"]])
            told[row_id] = [_public(verdict, transform) for verdict in verdicts]
            if row["status"] == "kept" and (summary := human_verdict(verdicts)):
                summaries[row_id] = summary
        given = sum(len(one.verdicts) for one in self._opinions)
        return Told(summaries, told, given - sum(map(len, told.values())))

    def facts(self, folder: Path, told: Told) -> Row | None:
        """What the manifest has of the reviews, beside `review_of` of the release in `folder`.

        `wrong` is the recipe's rule, `reviews` says how each was made, and `left_out` how many of
        their verdicts are not in the release. None where none is.
        """
        found = review_of(folder)
        if found is None:
            return None
        reviews = [one.design for one in self._opinions]
        return {**found, **asdict(self._settings), "reviews": reviews, "left_out": told.left_out}


def _calls_for_correction(verdicts: Sequence[Verdict]) -> bool:
    """Whether people found the row wrong, or nobody judged it without the model's verdict."""
    return found_wrong(verdicts) is not None or not unassisted(verdicts)


def _latest(opinions: Sequence[Opinions], row_id: str) -> Row:
    """The correction of the review in which a correction of the row was submitted last."""

    def submitted(one: Opinions) -> list[Any]:
        return sorted(
            row["submitted_at"]
            for row in one.verdicts
            if row["id"] == row_id
            and row["status"] == "submitted"
            and any(row[name] is not None for name in WRITTEN)
        )[-1:]

    having = [one for one in opinions if row_id in one.corrections]
    return max(having, key=submitted).corrections[row_id]


def _rows_of(ledgers: Ledgers, ids: Any, columns: list[str]) -> Iterator[tuple[int, int, Row]]:
    """The number, run and columns of the rows of these ids."""
    wanted, first = pa.array(sorted(ids), pa.string()), 0
    for run, table in ledgers.tables(columns):
        chosen = pc.is_in(table["id"], wanted)
        numbers = (first + np.flatnonzero(chosen.to_numpy())).tolist()
        for number, row in zip(numbers, table.filter(chosen).to_pylist(), strict=True):
            yield number, run, row
        first += len(table)


def _dropped(row: Row, drops: Mapping[int, Drop]) -> Row:
    drop = drops.get(row["number"])
    return row if drop is None else {**row, "status": "dropped", "reason": drop[0]}


def _in_order(verdicts: Sequence[Verdict]) -> list[Verdict]:
    return sorted(verdicts, key=lambda row: (row["record"], row["annotator"]))


def _public(verdict: Verdict, transform: Callable[[Row], Row] | None) -> Verdict:
    if transform is None:
        return verdict
    written = transform({key: verdict[key] for key in ("status", *WRITTEN)})
    return {**verdict, **{key: written[key] for key in WRITTEN}}
