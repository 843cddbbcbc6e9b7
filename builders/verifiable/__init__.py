"""A teacher that costs nothing: instructions whose right answer can be computed.

`generate` draws instructions, and `check` reviews any draft of an answer to one of them: it reads
the draft, finds its weaknesses, scores it by the rubric in `rubric.py` and gives the right
refinement. A score of 7 or more means that the draft is right, so the effect of training can be
measured without a paid critic, and on families that were held out of training.

    from builders.verifiable import check, generate

    for problem in generate(seed=0, count=1000):
        draft = model(problem.instruction)
        found = check(problem.task, draft)

A domain of your own is a `Family`, made known by `register`:

    def make(rng):
        number = rng.randint(2, 999)
        return Problem("prime", {"number": number}, f"Is {number} a prime number?")

    def check_prime(args, draft):
        right = "yes" if is_prime(args["number"]) else "no"
        ...
        return assess(draft, Outcome.WRONG, [Fault(weakness, suggestion)], refinement)

    register(Family("prime", make, check_prime))

What a family has to keep to:

- `make` draws from the given `Random` alone, and puts into `args`, as plain JSON, all that the
  check needs; phrasings of one question share their `args`. A key `form` is left out when a
  problem is assigned to `train` or `test`.
- `check` takes any text, however long or odd, and any draft that leaves nothing to improve is
  returned as it is, with a score of 10.
- The refinement passes the family's own check with a score of 10.
- Remarks name what is wrong in this very draft; suggestions say how to get it right. `pick`
  varies their wording by the task.

`assess` makes the `Check` from an `Outcome` and `Fault`s. `Question` with `review` or
`review_number` does so for short answers and reads the draft as well; `final_number` reads the
number that a free text answers with.
"""

from builders.verifiable.problem import Args, Check, Family, Problem
from builders.verifiable.reading.answers import final_number, read_number
from builders.verifiable.registry import FAMILIES, SPLITS, check, generate, register, split_of
from builders.verifiable.rubric import Fault, Outcome, assess, score
from builders.verifiable.short_answer import Finding, Question, review, review_number
from builders.verifiable.wording import pick

__all__ = [
    "FAMILIES",
    "SPLITS",
    "Args",
    "Check",
    "Family",
    "Fault",
    "Finding",
    "Outcome",
    "Problem",
    "Question",
    "assess",
    "check",
    "final_number",
    "generate",
    "pick",
    "read_number",
    "register",
    "review",
    "review_number",
    "score",
    "split_of",
]
