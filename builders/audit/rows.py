"""The columns of an audit's tables."""

import math

from builders.rows.kinds import Bool, Choice, ListOf, Real, Struct, Text, Whole
from builders.rows.row_type import RowType
from builders.rows.schema import HISTORY

ANSWERS = ("a", "b")
CHOICES = ("a", "b", "tie")

_TEXT, _FILLED = Text(), Text(filled=True)
_OPTIONAL_TEXT, _OPTIONAL_FILLED = Text(optional=True), Text(filled=True, optional=True)
_SCORE = Real(meaning="a score", least=-math.inf, most=math.inf, optional=True, whole=True)
_COUNT = Whole(dtype="int32", least=0, most=2**31 - 1, optional=True)
_CHANCE = Real(meaning="above 0 and at most 1", least=0, most=1, above=True)

# What one person said of a pair: `shown_first` is the answer that they saw first, null if unknown.
_CHOICE = Struct(
    fields={
        "person": _FILLED,
        "better": Choice(choices=CHOICES),
        "score_a": _SCORE,
        "score_b": _SCORE,
        "shown_first": Choice(choices=ANSWERS, optional=True),
    }
)

# What another scorer gave both answers before.
_CONTROL = Struct(fields={"model": _FILLED, "score_a": _SCORE, "score_b": _SCORE})

# A pair of answers to one instruction, and people's choices. `writer_a` and `writer_b` are the
# models that wrote the answers, null if unknown; `score_a` and `score_b` what a scorer gave them
# before, null if nobody did, and `control_scores` what the ledger has of other scorers. In a set
# made from rows, A is the draft and B the refinement.
PAIR_ROWS = RowType(
    "pairs",
    {
        "id": _FILLED,
        "instruction": _FILLED,
        "system": _OPTIONAL_TEXT,
        "history": HISTORY,
        "criteria": _OPTIONAL_FILLED,
        "task": _OPTIONAL_TEXT,
        "source": _TEXT,
        "license": _TEXT,
        "answer_a": _FILLED,
        "answer_b": _FILLED,
        "writer_a": _OPTIONAL_FILLED,
        "writer_b": _OPTIONAL_FILLED,
        "choices": ListOf(item=_CHOICE, name="choices"),
        "score_a": _SCORE,
        "score_b": _SCORE,
        "control_scores": ListOf(item=_CONTROL, name="control scores"),
        "stratum": _OPTIONAL_TEXT,
        "stratum_rows": Whole(dtype="int32", least=1, most=2**31 - 1, optional=True),
        "inclusion_probability": _CHANCE,
    },
)

# A judge's scores of a pair. `share` is the share of the people who chose who chose B, null if
# nobody did; `cluster` numbers the instruction. `leaked`: the pair was in training data, and counts
# for nothing. `times` is 2 for the second pass.
JUDGMENT_ROWS = RowType(
    "judgments",
    {
        "id": _FILLED,
        "judge": _FILLED,
        "role": Choice(choices=("model", "against", "first audit", "control")),
        "times": Whole(dtype="int8", least=1, most=2),
        "score_a": _SCORE,
        "score_b": _SCORE,
        "share": Real(meaning="a share", least=0, most=1, optional=True),
        "cluster": Whole(dtype="int32", least=0, most=2**31 - 1),
        "weight": Real(meaning="a weight", least=0, most=math.inf, above=True),
        "leaked": Bool(),
    },
)

# A judge's reply about one answer: its score, or why there is none. `score_probability` is how
# likely the model was to give any score, where the score is an expectation.
ANSWER_ROWS = RowType(
    "answers",
    {
        "pair": _FILLED,
        "side": Choice(choices=ANSWERS),
        "times": Whole(dtype="int8", least=1, most=2),
        "score": _SCORE,
        "score_probability": Real(meaning="a probability", least=0, most=1, optional=True),
        "reason": _OPTIONAL_TEXT,
        "detail": _OPTIONAL_TEXT,
        "model": _OPTIONAL_TEXT,
        "template": _OPTIONAL_TEXT,
        "tokens_in": _COUNT,
        "tokens_out": _COUNT,
        "cost": _SCORE,
        "latency": _SCORE,
        "finish_reason": _OPTIONAL_TEXT,
    },
)

# The config `audits` of a release: the judgments of several audits.
RELEASED_JUDGMENT_ROWS = RowType("audits", {"audit": _FILLED, **JUDGMENT_ROWS.columns})
