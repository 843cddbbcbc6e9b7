"""A free teacher: instructions whose right answers can be computed.

`generate` draws problems. `check` checks any draft of an answer to one of them: it reads the
draft, finds its weaknesses, scores it with the rubric in `rubric.py` and returns the right
refinement. A score of 7 or more means that the draft is right. So the effect of training can be
measured without a paid critic, also on families that were never trained on.

    from builders.verifiable import check, generate

    for problem in generate(seed=0, count=1000):
        draft = model(problem.instruction)
        checked = check(problem.task, draft)

To add problems of your own, `register` a `Family`:

    def make(rng):
        number = rng.randint(2, 999)
        return Problem("prime", {"number": number}, f"Is {number} a prime number?")

    def check_prime(args, draft):
        right = "yes" if is_prime(args["number"]) else "no"
        ...
        return assess(draft, Grade.WRONG, [Fault(weakness, suggestion)], refinement)

    register(Family("prime", make, check_prime))

Every family follows these rules:

- `make` draws only from the given `Random`, and stores in `args`, as plain JSON, everything that
  the check needs. Different phrasings of a problem have the same `args`. The key `form` is ignored
  when a problem is assigned to `train` or `test`.
- `check` accepts any text, however long or odd. It returns a draft that leaves nothing to improve
  unchanged, with a score of 10.
- The refinement passes the family's own check with a score of 10.
- Weaknesses name what is wrong in this draft; suggestions say how to get it right. `pick` varies
  the wording by the task.

`assess` makes the `CheckedDraft` from a `Grade` and `Fault`s. For short answers, `check_answer`
and `check_number` do so from an `AnswerKey`; `check_number` also reads the draft. `final_number`
reads the number that a free text gives as its answer.
"""

from builders.verifiable.problem import Args, CheckedDraft, Family, Problem
from builders.verifiable.reading.answers import final_number, read_number
from builders.verifiable.registry import SPLITS, check, families, generate, register, split_of
from builders.verifiable.rubric import Fault, Grade, assess, score
from builders.verifiable.short_answer import AnswerKey, ReadAnswer, check_answer, check_number
from builders.verifiable.wording import pick

__all__ = [
    "SPLITS",
    "AnswerKey",
    "Args",
    "CheckedDraft",
    "Family",
    "Fault",
    "Grade",
    "Problem",
    "ReadAnswer",
    "assess",
    "check",
    "check_answer",
    "check_number",
    "families",
    "final_number",
    "generate",
    "pick",
    "read_number",
    "register",
    "score",
    "split_of",
]
