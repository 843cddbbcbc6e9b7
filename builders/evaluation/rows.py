"""The columns of an evaluation's tables."""

import math

from builders.rows.kinds import Choice, Real, Text, Whole
from builders.rows.row_type import RowType
from builders.rows.schema import HISTORY

# What is compared with the reference: the two answers of a model that refines, or its only one.
PARTS = ("draft", "refinement", "answer")
# The place of the model's answer in a comparison.
SHOWN = ("first", "second")

_FILLED, _OPTIONAL_TEXT = Text(filled=True), Text(optional=True)
_COUNT = Whole(dtype="int32", least=0, most=2**31 - 1, optional=True)
_COST = Real(meaning="a cost", least=0, most=math.inf, optional=True, whole=True)
_LENGTH = Whole(dtype="int32", least=0, most=2**31 - 1)
_PREFERENCE = Real(meaning="a preference from 0 to 1", least=0, most=1, optional=True, whole=True)

# The judge's verdict on one answer of the model against the reference's. `item` stands for the
# instruction with its conversation; lengths are in characters. Preferences are for the model's
# answer: `shown_first` and `shown_second` where it came first and second, null if unreadable or not
# asked, and `preference` the mean of the two, null unless both are known (or the one that a file
# gives).
JUDGED_ROWS = RowType(
    "judgments",
    {
        "item": _FILLED,
        "part": Choice(choices=PARTS),
        "characters": _LENGTH,
        "reference_characters": _LENGTH,
        "shown_first": _PREFERENCE,
        "shown_second": _PREFERENCE,
        "preference": _PREFERENCE,
    },
)

# The config `evaluations` of a release: the judgments of several evaluations. `id` is the item.
RELEASED_JUDGED_ROWS = RowType(
    "evaluations",
    {
        "evaluation": _FILLED,
        "id": _FILLED,
        **{name: kind for name, kind in JUDGED_ROWS.columns.items() if name != "item"},
    },
)

# What a model answered: to `instruction` after its conversation. `refinement` is null where the
# model's critique could not be read (`reason`, `detail`) or it was only asked for a draft; `draft`
# is null where the call failed. `task` is the JSON of a verifiable problem, `criteria` what a good
# answer has to do.
ANSWER_ROWS = RowType(
    "answers",
    {
        "item": _FILLED,
        "instruction": _FILLED,
        "system": _OPTIONAL_TEXT,
        "history": HISTORY,
        "task": _OPTIONAL_TEXT,
        "criteria": _OPTIONAL_TEXT,
        "draft": _OPTIONAL_TEXT,
        "refinement": _OPTIONAL_TEXT,
        "reason": _OPTIONAL_TEXT,
        "detail": _OPTIONAL_TEXT,
        "tokens_in": _COUNT,
        "tokens_out": _COUNT,
        "cost": _COST,
    },
)

# A judge's reply to one pair in one order. `pair` stands for the two texts, so that a text that is
# the model's draft and its refinement is judged once. `shown` is the place of the model's answer;
# `preference` is for it, null if there is no reply or it is unreadable (`reason`, `detail`).
REPLY_ROWS = RowType(
    "replies",
    {
        "item": _FILLED,
        "pair": _FILLED,
        "shown": Choice(choices=SHOWN),
        "preference": _PREFERENCE,
        "reply": _OPTIONAL_TEXT,
        "reason": _OPTIONAL_TEXT,
        "detail": _OPTIONAL_TEXT,
        "tokens_in": _COUNT,
        "tokens_out": _COUNT,
        "cost": _COST,
    },
)

# A judge's score of one answer alone, for whose text `answer` stands. `score` is null if there is
# no reply or it is unreadable (`reason`, `detail`).
SCORE_ROWS = RowType(
    "scores",
    {
        "item": _FILLED,
        "answer": _FILLED,
        "score": Whole(dtype="int8", least=1, most=10, optional=True),
        "reason": _OPTIONAL_TEXT,
        "detail": _OPTIONAL_TEXT,
        "tokens_in": _COUNT,
        "tokens_out": _COUNT,
        "cost": _COST,
    },
)
