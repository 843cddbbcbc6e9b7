"""How many people's verdicts an evaluation needs."""

from pathlib import Path

from builders.errors import BadInput
from builders.evaluation.result import read_evaluation
from builders.evaluation.statistics.people import verdicts_needed


def people_needed(folder: Path, half_width: float) -> int:
    """The instructions to ask people about for a corrected win rate of ± `half_width` (a share).

    From the correlation of the judge with people so far; without people, as if the judge were of no
    use. BadInput if no number is enough.
    """
    evaluation = read_evaluation(folder)
    needed = []
    for one in evaluation.parts.values():
        correlation = one.corrected["correlation"] if one.corrected else None
        needed.append(verdicts_needed(half_width, one.answers, correlation))
    if None in needed:
        raise BadInput(
            f"{folder}: ±{100 * half_width:g} points cannot be had with "
            f"{evaluation.instructions.count:,} instructions, however many people answer"
        )
    return max(needed)
