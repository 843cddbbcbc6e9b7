"""The configs of a release, and the table that each makes of ledger rows.

The first config of a release is its default.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, partial

import pyarrow as pa
import pyarrow.compute as pc
from datasets import Features

from builders.audit.rows import RELEASED_JUDGMENT_ROWS
from builders.critique.prompts import PARTS
from builders.evaluation.rows import RELEASED_JUDGED_ROWS
from builders.ledger.models import last_of_step
from builders.release.reviews.apply import ReleasedVerdicts
from builders.review.verdicts import Verdict
from builders.rows import Row
from builders.rows.schema import (
    FEEDBACK_ROWS,
    KTO_ROWS,
    LEDGER_ROWS,
    PREFERENCE_ROWS,
    SFT_MESSAGE_ROWS,
    SFT_ROWS,
    VERDICT_ROWS,
)
from builders.training.kto_table import kto_table
from builders.training.preferences import LengthMatch, to_preference
from builders.training.sft import SFT_FORMS, SftForm
from builders.training.sft_table import RowTexts, messages_table, sft_table

# The rows of each config.
ROW_TYPES = {
    "feedback": FEEDBACK_ROWS,
    **dict.fromkeys(SFT_FORMS, SFT_ROWS),
    "sft-messages": SFT_MESSAGE_ROWS,
    "kto": KTO_ROWS,
    "preferences": PREFERENCE_ROWS,
    "preferences-length-matched": PREFERENCE_ROWS,
    "ledger": LEDGER_ROWS,
    "verdicts": VERDICT_ROWS,
    "audits": RELEASED_JUDGMENT_ROWS,
    "evaluations": RELEASED_JUDGED_ROWS,
}
_SUMMARY = FEEDBACK_ROWS.schema.field("human_verdict").type


@dataclass(frozen=True)
class Batch:
    """Up to a thousand ledger rows of one split, in the order of the release."""

    ledger: pa.Table

    @cached_property
    def kept(self) -> pa.Table:
        return self.ledger.filter(pc.equal(self.ledger["status"], "kept"))

    @cached_property
    def texts(self) -> RowTexts:
        return RowTexts(self.kept)

    def last_call(self, step: str, key: str) -> pa.Array:
        """`key` of the kept rows' last call of `step`, or null."""
        return last_of_step(self.kept["calls"].combine_chunks(), step, key)


@dataclass(frozen=True)
class Config:
    """`table` makes the config's rows from a batch: none, one or several from each ledger row.

    It raises `InvalidRow`, naming the row, if one is not valid.
    """

    name: str
    description: str
    table: Callable[[Batch], pa.Table]

    @property
    def features(self) -> Features:
        return ROW_TYPES[self.name].features


def feedback_table(summaries: Mapping[str, Row], batch: Batch) -> pa.Table:
    """One row for each kept row; `summaries` are of people's verdicts on it, by id."""
    kept = batch.kept
    human_verdicts = pa.nulls(len(kept), _SUMMARY)
    if summaries:
        ids = kept["id"].to_pylist()
        human_verdicts = pa.array([summaries.get(row_id) for row_id in ids], _SUMMARY)
    computed = {
        "draft_model": batch.last_call("draft", "model"),
        "critic_model": batch.last_call("critique", "model"),
        "critique_template": batch.last_call("critique", "template"),
        "human_verdict": human_verdicts,
    }
    columns = [computed[name] if name in computed else kept[name] for name in FEEDBACK_ROWS.columns]
    return FEEDBACK_ROWS.check_table(pa.table(columns, schema=FEEDBACK_ROWS.schema))


def training_table(form: SftForm, batch: Batch) -> pa.Table:
    """The training rows of the kept rows."""
    return SFT_ROWS.check_table(sft_table(batch.texts, form))


def _messages_table(batch: Batch) -> pa.Table:
    return SFT_MESSAGE_ROWS.check_table(messages_table(batch.texts))


def _kto_table(batch: Batch) -> pa.Table:
    return KTO_ROWS.check_table(kto_table(batch.ledger))


def _ledger_table(batch: Batch) -> pa.Table:
    return batch.ledger


def describe_form(form: SftForm) -> str:
    """One sentence on what a training config teaches, for the card."""
    if form.refine_only:
        return "Training rows: the refinement as a direct answer, without draft and feedback."
    if form.critique_only:
        return "Training rows: the critique of a given answer alone, without a refinement."
    missing = [part for part in PARTS if part not in form.parts]
    if not form.parts:
        feedback = "the refinement without any feedback"
    elif missing:
        feedback = f"the feedback without its {' and '.join(missing)}, and the refinement"
    else:
        feedback = "the feedback and the refinement"
    draft = "the draft, then " if form.draft else ""
    balanced = ", then critiques that score good answers high" if form.balanced else ""
    masked = "" if form.draft else "; the draft is shown but not trained on"
    return f"Training rows: {draft}{feedback}{balanced}{masked}."


def release_configs(
    verdicts: ReleasedVerdicts, length_match: LengthMatch | None = None
) -> list[Config]:
    """The configs of a release, its default first.

    `length_match` has seen every kept row of a stage-2 release, and is None in stage 1.
    """
    if length_match is None:
        configs = _stage1_configs(verdicts.summaries)
    else:
        configs = _stage2_configs(length_match)
    configs.append(_ledger_config())
    if verdicts.were_given:
        configs.append(_verdict_config(verdicts.verdicts))
    return configs


_KTO_CONFIG = Config(
    "kto",
    "Single answers labeled as desirable (refinements of kept rows) or not (their drafts, and "
    "refinements that were dropped because they scored below their draft).",
    _kto_table,
)


def _stage1_configs(summaries: Mapping[str, Row]) -> list[Config]:
    return [
        Config(
            "feedback",
            "One row per kept candidate: draft, critique, refinement and scores.",
            partial(feedback_table, summaries),
        ),
        *(
            Config(name, describe_form(form), partial(training_table, form))
            for name, form in SFT_FORMS.items()
        ),
        Config(
            "sft-messages",
            "The conversations of `sft` in one column of messages, for trainers that read these; "
            "the answers to learn are the assistant's last two.",
            _messages_table,
        ),
        _KTO_CONFIG,
    ]


def _stage2_configs(match: LengthMatch) -> list[Config]:
    return [
        Config(
            "preferences",
            "One pair per kept candidate: the refinement, chosen over the draft.",
            partial(preference_table, lambda _: True),
        ),
        Config(
            "preferences-length-matched",
            "Pairs in which length does not tell which answer is better: in each band of the "
            "lengths' ratio, the chosen answer is longer in half of the pairs and shorter in half.",
            partial(preference_table, match.keeps),
        ),
        _KTO_CONFIG,
    ]


def preference_table(keeps: Callable[[Row], bool], batch: Batch) -> pa.Table:
    """A preference row for each kept row that `keeps` selects."""
    pairs = map(to_preference, filter(keeps, batch.kept.to_pylist()))
    table = pa.Table.from_pylist(list(pairs), schema=PREFERENCE_ROWS.schema)
    return PREFERENCE_ROWS.check_table(table)


# Written by `builders.release.audits`, whose rows are of no ledger row.
AUDITS_CONFIG = Config(
    "audits",
    "Judges' scores of pairs that models were audited by: ids and numbers, no text.",
    lambda _: RELEASED_JUDGMENT_ROWS.schema.empty_table(),
)


# Written by `builders.release.evaluations`, likewise.
EVALUATIONS_CONFIG = Config(
    "evaluations",
    "Judges' preferences in evaluations of this dataset's checkpoints: numbers, no text.",
    lambda _: RELEASED_JUDGED_ROWS.schema.empty_table(),
)


def _ledger_config() -> Config:
    return Config(
        "ledger",
        "Every candidate, kept or dropped with its reason, and each model call.",
        _ledger_table,
    )


def _verdict_config(verdicts: Mapping[str, Sequence[Verdict]]) -> Config:
    """The verdicts, given by id, in the order in which the ledger has the ids."""
    remaining = dict(verdicts)

    def table(batch: Batch) -> pa.Table:
        # An id can be on several ledger rows, which follow each other.
        ids = dict.fromkeys(batch.ledger["id"].to_pylist())
        rows = [verdict for row_id in ids for verdict in remaining.pop(row_id, ())]
        return pa.Table.from_pylist(rows, schema=VERDICT_ROWS.schema)

    return Config(
        "verdicts",
        "One person's answers about one row, under a pseudonym; includes verdicts that do not "
        "count.",
        table,
    )
