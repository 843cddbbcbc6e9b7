"""The rubric: the one place where a score is made.

| score | the draft |
|---|---|
| 1 | is empty |
| 2 | gives no answer: nothing that could be one, a refusal, or another subject |
| 3 | gives a wrong answer, far from the right one |
| 4 | gives a wrong answer close to the right one, or ends on a wrong answer after the right one |
| 3–6 | meets some of the demands on a text: 3 + floor(4 × share met), and never 7 |
| 5 | ends on the right answer, but commits itself to another one as well |
| 7–9 | is right, less the costs of its faults (never below 7) |
| 10 | is right and leaves nothing to improve |

Costs of a fault in a right answer: 1 for a small one (it repeats itself, is far too long, breaks
off); 2 for a breach of the form that was asked for, or a false step in the working; 3 where the
answer alone was asked for and is buried in text.

"Close" means a share of at least one half. For a number, that is within a tenth or 1 of the
right one, the right digits with a wrong sign, order or decimal point, or a division left to be
carried out; for a list, half of the items in their places; for a word, half of the letters; for a
date or weekday, at most three days or one day off; for a detail of a text, a part of it, or a copy
of the whole text.

The share met, of a text:

- bullet points: 1 - |points - wanted| / wanted, counting different ones;
- capitals: the share of words in capitals, times 3/4 if the number of sentences is wrong;
- without a letter: 1 - 2 × the share of words that have it, since every second word has an e;
- so many words: 1 - |words - wanted| / wanted; 3/4 where it only speaks of the task;
- with given words: the share that is there; 3/4 if they are spread over sentences, 1/2 if there is
  nothing else;
- JSON: the share of pairs that are right, times 3/4 if it is no valid JSON, half of it if no object
  can be read at all; 1/4 if the pairs are inside another object.

A text that goes on with the same few words has a share of 0.

So a score of 7 or more says that the answer is right, and only then; a fault more, a demand
less or a smaller share never raises a score.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from math import floor

from builders.verifiable.problem import Check
from builders.verifiable.wording import sentence

MOST_REMARKS = 3


class Outcome(Enum):
    EMPTY = "empty"
    NO_ANSWER = "no answer"
    WRONG = "wrong"
    PARTIAL = "partial"
    CONTRADICTION = "contradiction"
    RIGHT = "right"


@dataclass(frozen=True)
class Fault:
    """What is wrong, how to mend it, and what it costs a draft that is right all the same."""

    weakness: str
    suggestion: str
    cost: int = 1


def score(outcome: Outcome, share: float = 0.0, cost: int = 0) -> int:
    """`share` is 0 to 1: how close a wrong answer comes, or how much of the demands is met."""
    if outcome is Outcome.RIGHT:
        return max(7, 10 - cost)
    if outcome is Outcome.PARTIAL:
        return min(6, 3 + floor(4 * share))
    if outcome is Outcome.WRONG:
        return 4 if share >= 0.5 else 3
    return {Outcome.EMPTY: 1, Outcome.NO_ANSWER: 2, Outcome.CONTRADICTION: 5}[outcome]


def assess(
    draft: str,
    outcome: Outcome,
    faults: Sequence[Fault],
    refinement: str,
    share: float = 0.0,
) -> Check:
    """The first faults are the ones reported; all of them count."""
    if outcome is Outcome.RIGHT and not faults:
        return Check([], [], 10, draft, True)
    # dict.fromkeys drops doubles and keeps the order.
    weaknesses = list(dict.fromkeys(sentence(fault.weakness) for fault in faults))
    suggestions = list(dict.fromkeys(sentence(fault.suggestion) for fault in faults))
    return Check(
        weaknesses=weaknesses[:MOST_REMARKS],
        suggestions=suggestions[:MOST_REMARKS],
        score=score(outcome, share, sum(fault.cost for fault in faults)),
        refinement=refinement,
        correct=outcome is Outcome.RIGHT,
    )
