"""The columns of every table and their rules."""

import math
import sys

from builders.rows import Row, rules
from builders.rows.conversations import Answer, History, Prompt
from builders.rows.kinds import Absent, Bool, Choice, Kind, ListOf, Real, Struct, Text, Time, Whole
from builders.rows.reasons import REASONS
from builders.rows.row_type import RowType, When
from builders.rows.scorers import MOST_SCORERS, score_step

# The second number goes up when something is added, the first when something is removed or changes
# its meaning. 1.1 added `human_verdict` to `feedback`, and the config `verdicts`. 2.0 renamed
# columns and added `history`, `criteria`, `reasoning`, `tokens_reasoning`, `stratum` and
# `stratum_rows`. 2.1 added `control_scores` and `calls.system`. `builders.rows.older` reads what is
# older.
SCHEMA_VERSION = "2.1"
# The versions whose runs can be released.
LEDGER_VERSIONS = ("1.0", "1.1", "2.0", "2.1")

# The `source` of a row that a person wrote, and the `endpoint` of the call that stands for them.
HUMAN = "human"

STEPS = (
    "draft",
    "critique",
    *(
        score_step(part, number)
        for number in range(1, MOST_SCORERS + 1)
        for part in ("draft", "refinement")
    ),
)
ORDERS = ("draft_first", "refinement_first")
BETTER = ("draft", "refinement", "tie")
WEAKNESSES_REAL = ("all", "some", "none")
VERDICT_STATUSES = ("submitted", "discarded")

_TEXT, _OPTIONAL_TEXT = Text(), Text(optional=True)
_FILLED, _OPTIONAL_FILLED = Text(filled=True), Text(filled=True, optional=True)
HISTORY = History()
_TEXTS = ListOf(item=_FILLED, name="texts")
_SCORE = Whole(dtype="int8", least=1, most=10)
_OPTIONAL_SCORE = Whole(dtype="int8", least=1, most=10, optional=True)
_COUNT = Whole(dtype="int32", least=0, most=2**31 - 1, optional=True)
_MEASURE = Real(meaning="a number of at least 0", least=0, most=math.inf, optional=True, whole=True)
_CHANCE = Real(meaning="above 0 and at most 1", least=0, most=1, above=True)
_OPTIONAL_ROWS = Whole(dtype="int32", least=1, most=2**31 - 1, optional=True)
_MEAN = Real(meaning="a mean of scores from 1 to 10", least=1, most=10, optional=True)


def _critique(*, optional: bool = False, scored: bool = True) -> Struct:
    score = _SCORE if scored else _OPTIONAL_SCORE
    fields = {"weaknesses": _TEXTS, "suggestions": _TEXTS, "score": score}
    return Struct(fields=fields, optional=optional)


# Provenance of one model call. `cost` is in the currency of the recipe's price; `latency` is in
# seconds and includes retries; where an endpoint does not report tokens they are null, and the cost
# is the most that it can be; `failures` has the reason for each failed attempt before the last
# one. `reasoning` is what the model thought before it answered, where the endpoint returns that,
# and `tokens_reasoning` its share of `tokens_out`. `system` is the recipe's system prompt for the
# step, where it was sent: a row's own takes its place, and is in the row's column.
CALL: dict[str, Kind] = {
    "step": Choice(choices=STEPS),
    "model": _TEXT,
    "endpoint": _TEXT,
    "template": _OPTIONAL_TEXT,
    "system": _OPTIONAL_TEXT,
    "temperature": _MEASURE,
    "top_p": _MEASURE,
    "max_new_tokens": _COUNT,
    "seed": Whole(dtype="int64", least=0, most=2**63 - 1, optional=True),
    "tokens_in": _COUNT,
    "tokens_out": _COUNT,
    "tokens_reasoning": _COUNT,
    "cost": _MEASURE,
    "latency": _MEASURE,
    "attempts": _COUNT,
    "failures": _TEXTS,
    "finish_reason": _OPTIONAL_TEXT,
    "reasoning": _OPTIONAL_TEXT,
}

# What the scorers after the first gave both answers, each alone. A score that could not be read is
# null, and `detail` says why.
CONTROL_SCORES = ListOf(
    item=Struct(
        fields={
            "model": _FILLED,
            "draft_score": _OPTIONAL_SCORE,
            "refinement_score": _OPTIONAL_SCORE,
            "detail": _OPTIONAL_TEXT,
        }
    ),
    name="control scores",
)

# One candidate, kept or dropped. `history` has the turns before the instruction; `criteria` says
# what a good answer has to do, null if that is unknown. `task` is the JSON of a verifiable problem;
# `detail` says what was found where `reason` applies.
LEDGER_ROWS = RowType(
    "ledger",
    {
        "id": _TEXT,
        "source": _TEXT,
        "license": _TEXT,
        "task": _OPTIONAL_TEXT,
        "system": _OPTIONAL_TEXT,
        "history": HISTORY,
        "instruction": _TEXT,
        "criteria": _OPTIONAL_FILLED,
        "draft": _OPTIONAL_TEXT,
        "critic_reply": _OPTIONAL_TEXT,
        "critique": _critique(optional=True, scored=False),
        "refinement": _OPTIONAL_TEXT,
        "draft_assessment": _critique(optional=True, scored=False),
        "refinement_assessment": _critique(optional=True, scored=False),
        "draft_score": _OPTIONAL_SCORE,
        "refinement_score": _OPTIONAL_SCORE,
        "control_scores": CONTROL_SCORES,
        "status": Choice(choices=("kept", "dropped")),
        "reason": _OPTIONAL_TEXT,
        "detail": _OPTIONAL_TEXT,
        "calls": ListOf(item=Struct(fields=CALL), name="calls"),
    },
    [
        rules.score_of_assessment("draft"),
        rules.score_of_assessment("refinement"),
        When("status", "dropped", {"reason": Choice(choices=tuple(REASONS))}),
        When(
            "status",
            "kept",
            {
                "reason": Absent(owner="a kept row"),
                "critique": _critique(),
                **dict.fromkeys(("id", "instruction", "draft", "refinement"), _FILLED),
                **dict.fromkeys(("draft_score", "refinement_score"), _SCORE),
            },
        ),
    ],
)

# A summary of people's verdicts on a row, those that count (`builders.review.verdicts`): how many
# there are, the answer that most of them found better (null if none has a majority), and the mean
# scores.
_HUMAN_VERDICT = {
    "verdicts": Whole(dtype="int32", least=1, most=2**31 - 1),
    "better": Choice(choices=BETTER, optional=True),
    "draft_score": _MEAN,
    "refinement_score": _MEAN,
}

# The default config of a stage-1 release: the kept rows, without the details of how they were made.
# `human_verdict` is null if nobody was asked.
FEEDBACK_ROWS = RowType(
    "feedback",
    {
        "id": _FILLED,
        "instruction": _FILLED,
        "draft": _FILLED,
        "critique": _critique(),
        "refinement": _FILLED,
        "draft_score": _SCORE,
        "refinement_score": _SCORE,
        "control_scores": CONTROL_SCORES,
        "system": _OPTIONAL_TEXT,
        "history": HISTORY,
        "criteria": _OPTIONAL_FILLED,
        "task": _OPTIONAL_TEXT,
        "source": _TEXT,
        "license": _TEXT,
        "draft_model": _OPTIONAL_TEXT,
        "critic_model": _TEXT,
        "critique_template": _OPTIONAL_TEXT,
        "human_verdict": Struct(fields=_HUMAN_VERDICT, optional=True),
    },
)

# Training rows, in TRL's prompt/completion form: the loss falls on `completion` alone. The prompt
# has the system prompt, the history and the instruction.
SFT_ROWS = RowType("sft", {"id": _TEXT, "turn": _TEXT, "prompt": Prompt(), "completion": Answer()})

# The same as whole conversations, the form that other trainers read: the answers to learn are the
# last two turns.
SFT_MESSAGE_ROWS = RowType("sft-messages", {"id": _TEXT, "messages": Prompt(last="assistant")})

# Answers by themselves, in TRL's form for KTO: `label` says whether `completion`, which is the
# `turn` of the ledger row, is desirable. `score` is its independent score.
KTO_ROWS = RowType(
    "kto",
    {
        "id": _TEXT,
        "turn": Choice(choices=("draft", "refinement")),
        "prompt": Prompt(),
        "completion": Answer(),
        "label": Bool(),
        "score": _SCORE,
    },
)

# The default config of a stage-2 release, in TRL's conversational form: the refinement is
# preferred to the draft. Scores are the independent ones, `margin` their difference.
PREFERENCE_ROWS = RowType(
    "preferences",
    {
        "id": _TEXT,
        "prompt": Prompt(),
        "chosen": Answer(),
        "rejected": Answer(),
        "chosen_score": _SCORE,
        "rejected_score": _SCORE,
        "margin": Whole(dtype="int8", least=-9, most=9),
        "task": _OPTIONAL_TEXT,
        "source": _TEXT,
        "license": _TEXT,
        "draft_model": _OPTIONAL_TEXT,
        "critic_model": _OPTIONAL_TEXT,
    },
    [rules.CHOSEN_DIFFERS, rules.MARGIN],
)

# One annotator's verdict on one record. `id` is that of the ledger row, and `record` the review's
# own key; `annotator` is a pseudonym. `order` says which answer was shown first. `assisted`: the
# model's own verdict was shown beside the question. `calibration`: one of the records that everyone
# answers first. `inclusion_probability` is that of the record under the design that drew it.
# `stratum` is the stratum that it was drawn from, which had `stratum_rows` rows; both are null if
# unknown. A question that was not answered is null; so is `started_at` if only the submission was
# recorded.
VERDICT_ROWS = RowType(
    "verdicts",
    {
        "id": _FILLED,
        "record": _FILLED,
        "annotator": _FILLED,
        "order": Choice(choices=ORDERS),
        "better": Choice(choices=BETTER, optional=True),
        "draft_score": _OPTIONAL_SCORE,
        "refinement_score": _OPTIONAL_SCORE,
        "weaknesses_real": Choice(choices=WEAKNESSES_REAL, optional=True),
        "suggestions_actionable": Bool(optional=True),
        "refinement_introduces_error": Bool(optional=True),
        "corrected_critique": _OPTIONAL_TEXT,
        "corrected_refinement": _OPTIONAL_TEXT,
        "assisted": Bool(),
        "calibration": Bool(),
        "inclusion_probability": _CHANCE,
        "stratum": _OPTIONAL_TEXT,
        "stratum_rows": _OPTIONAL_ROWS,
        "status": Choice(choices=VERDICT_STATUSES),
        "started_at": Time(optional=True),
        "submitted_at": Time(optional=True),
        "seconds": Real(
            meaning="a number of seconds", least=0, most=sys.float_info.max, optional=True
        ),
    },
    [
        When("status", "submitted", {"submitted_at": Time()}),
        rules.STARTED_BEFORE_SUBMITTED,
        rules.STRATUM_ROWS_NEED_A_STRATUM,
    ],
)

# The records of a review. `record` is the review's own key, and the record's external id on the
# server; `id` is that of the ledger row. `stratum_rows` is the number of rows that the stratum had
# when the sample was drawn, null if an older version pushed the review.
DRAWN_ROWS = RowType(
    "drawn",
    {
        "record": _FILLED,
        "id": _FILLED,
        "order": Choice(choices=ORDERS),
        "stratum": _TEXT,
        "stratum_rows": _OPTIONAL_ROWS,
        "inclusion_probability": _CHANCE,
        "calibration": Bool(),
    },
)

# A verdict that was read from a file. `file` is the file's name without names of people, and
# `file_digest` a hash of its bytes, keyed as pseudonyms are.
IMPORTED_ROWS = RowType(
    "imported",
    {**VERDICT_ROWS.columns, "file": _FILLED, "file_digest": _FILLED},
    VERDICT_ROWS.rules,
)

# A ledger row with a correction; `corrects` is the id of the row that it can replace.
CORRECTION_ROWS = RowType(
    "corrections", {"corrects": _FILLED, **LEDGER_ROWS.columns}, LEDGER_ROWS.rules
)

LEDGER = LEDGER_ROWS.features
FEEDBACK = FEEDBACK_ROWS.features
SFT = SFT_ROWS.features
SFT_MESSAGES = SFT_MESSAGE_ROWS.features
KTO = KTO_ROWS.features
PREFERENCES = PREFERENCE_ROWS.features
VERDICTS = VERDICT_ROWS.features
MESSAGES = SFT["prompt"]


validate_ledger_row = LEDGER_ROWS.validate
validate_feedback_row = FEEDBACK_ROWS.validate
validate_sft_row = SFT_ROWS.validate
validate_preference_row = PREFERENCE_ROWS.validate
validate_verdict_row = VERDICT_ROWS.validate


def new_ledger_row(**columns: object) -> Row:
    """A ledger row with these columns; every other one is null, or empty if it is a list."""
    lists = {"history": [], "control_scores": [], "calls": []}
    return {**dict.fromkeys(LEDGER), **lists, **columns}
