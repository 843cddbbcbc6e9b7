"""What a card's first lines say: what people, audits and evaluations found, each in a line."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from cards.audit_sentences import stand_in
from cards.evaluation_report import parts_of, share

_NOBODY = "nobody was asked about these rows"


def people_line(review: Mapping[str, Any] | None) -> str:
    """What people found, with its interval; `review` has the figures on their verdicts."""
    if review is None or not review["counts"]["verdicts"]:
        return _NOBODY
    counts, pair = review["counts"], review["trust"]["pairwise"]
    asked = (
        f"{_counted(counts['verdicts'], 'verdict')} by "
        f"{_counted(counts['annotators'], 'person', 'people')} on "
        f"{_counted(counts['records'], 'row')}"
    )
    if pair["weighted"]["value"] is None:
        return f"{asked}, too few to say how far the model agrees with people"
    return (
        f"the model agrees with people on {share(pair['weighted'])} of pairs of answers, the rule "
        f'"the refinement is always better" on {share(pair["always_refinement"])}; {asked}'
    )


def audit_lines(audits: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """How far each audited model agrees with people; one line where there is no audit."""
    if not audits:
        yield "none: the model's judgment was not compared with people's"
    for audit in audits:
        raw, pairs = audit["agreement"]["raw"], audit["pairs"]
        line = f"{audit['model']['name']} agrees with {stand_in(audit)} on {share(raw)} of "
        parts = [line + _counted(raw["of"], "pair")]
        parts += [
            f"{one['figures']['verdict']} against {one['judge']['name']}"
            for one in audit["comparisons"]
        ]
        if unreadable := sum(pairs["unreadable"].values()):
            # Their pairs count half: so does a coin.
            parts.append(f"{unreadable:,} of {pairs['answers']:,} answers got no readable score")
        yield "; ".join(parts)


def win_rate_lines(evaluations: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """The win rate of what each model answers in the end."""
    for evaluation in evaluations:
        part = parts_of(evaluation)[-1]
        figures = evaluation["parts"][part]
        controlled = figures["length_controlled"]["value"]
        line = f"{evaluation['model']['name']}: its {part} is preferred to "
        line += f"{evaluation['reference']['name']}'s answer in {share(figures['raw'])} of cases"
        if controlled["value"] is not None:
            line += f", at equal length in {share(controlled)}"
        yield f"{line}; judge: {evaluation['judge']['name']}"


def _counted(count: int, one: str, many: str | None = None) -> str:
    return f"{count:,} {one if count == 1 else many or f'{one}s'}"
