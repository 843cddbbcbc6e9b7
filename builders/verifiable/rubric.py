"""The rubric: the only place where a score is computed.

| score | the draft |
|---|---|
| 1 | is empty |
| 2 | gives no answer: nothing that could be one, a refusal, or a different subject |
| 3 | gives a wrong answer, far from the right one |
| 4 | gives a wrong answer close to the right one, or ends with a wrong answer after the right one |
| 3–6 | meets some of the requirements on a text: 3 + floor(4 × share met), and never 7 |
| 5 | ends with the right answer, but also commits to a different one |
| 7–9 | is right, minus the cost of its faults (never below 7) |
| 10 | is right and leaves nothing to improve |

Cost of a fault in a right answer: 1 for a small one (it repeats itself, is far too long, breaks
off); 2 if it breaks the requested form or has a false step in the working; 3 if only the answer
was asked for and it is buried in text.

"Close" means a share of at least one half. For a number: within a tenth or 1 of the right one, the
right digits with a wrong sign, order or decimal point, or a division that is not carried out. For
a list: half of the items in their places. For a word: half of the letters. For a date: at most
three days off; for a day of the week, one. For a detail of a text: part of it, or a copy of the
whole text.

The share of the requirements that a text meets:

- bullet points: 1 - |points - required| / required, counting different ones;
- capitals: the share of words in capitals, times 3/4 if the number of sentences is wrong;
- without a letter: 1 - 2 × the share of words that have it, since every second word has an e;
- an exact number of words: 1 - |words - required| / required; 3/4 if it only talks about the task;
- with certain words: the share that appears; 3/4 if they are spread over sentences, 1/2 if there
  is nothing else;
- JSON: the share of pairs that are right, times 3/4 if it is not valid JSON, half of it if no
  object can be read at all; 1/4 if the pairs are inside another object.

A text that repeats the same few words has a share of 0.

So a score of 7 or more means that the answer is right, and nothing else does; another fault, a
requirement less or a smaller share never raises a score.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from math import floor

from builders.verifiable.problem import CheckedDraft
from builders.verifiable.wording import capitalize_first

MAX_REMARKS = 3


class Grade(Enum):
    EMPTY = "empty"
    NO_ANSWER = "no answer"
    WRONG = "wrong"
    PARTIAL = "partial"
    CONTRADICTION = "contradiction"
    RIGHT = "right"


@dataclass(frozen=True)
class Fault:
    """What is wrong, how to fix it, and the points it costs in a draft that is otherwise right."""

    weakness: str
    suggestion: str
    cost: int = 1


def score(grade: Grade, share: float = 0.0, cost: int = 0) -> int:
    """`share` (0 to 1) is how close a wrong answer comes, or how many requirements are met."""
    if grade is Grade.RIGHT:
        return max(7, 10 - cost)
    if grade is Grade.PARTIAL:
        return min(6, 3 + floor(4 * share))
    if grade is Grade.WRONG:
        return 4 if share >= 0.5 else 3
    return {Grade.EMPTY: 1, Grade.NO_ANSWER: 2, Grade.CONTRADICTION: 5}[grade]


def assess(
    draft: str,
    grade: Grade,
    faults: Sequence[Fault],
    refinement: str,
    share: float = 0.0,
) -> CheckedDraft:
    """Only the first `MAX_REMARKS` faults are reported; all of them count."""
    if grade is Grade.RIGHT and not faults:
        return CheckedDraft([], [], 10, draft, True)
    # dict.fromkeys drops duplicates and keeps the order.
    weaknesses = list(dict.fromkeys(capitalize_first(fault.weakness) for fault in faults))
    suggestions = list(dict.fromkeys(capitalize_first(fault.suggestion) for fault in faults))
    return CheckedDraft(
        weaknesses=weaknesses[:MAX_REMARKS],
        suggestions=suggestions[:MAX_REMARKS],
        score=score(grade, share, sum(fault.cost for fault in faults)),
        refinement=refinement,
        correct=grade is Grade.RIGHT,
    )
