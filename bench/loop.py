"""The whole method on two cores, measured on held-out instructions: `make loop`.

The steps: a stage-1 release by the verifiable teacher with the embedded model's drafts, stage-1
training, a stage-2 release with the trained model's own critiques, and stage-2 training. Pairs of
held-out problems are frozen before, and each model is audited on them; a checker stands for people.
Then base, stage 1 and stage 2 answer, critique and refine the same unseen problems, and a program
that knows the answers checks them. Last comes the win rate of stage 2's drafts and refinements over
the base model's answers, judged by that program and by the stage-1 model itself.
`--other-problems` adds more problems of the same families, drawn with another seed;
`--other-families` adds families that no model was trained on. A larger `--model` needs `--families`
that it does not solve already, or there is nothing to refine, and a lower `--learning-rate`.

    python -m bench.loop [--smoke] [--other-problems] [--other-families] [--model DIR]
                         [--families NAME ...] [--learning-rate RATE] [--out DIR]
"""

import argparse
import json
import shutil
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from bench.heldout import measure, with_interval
from bench.plot_shares import plot_shares
from builders.audit.result import read_audit
from builders.evaluation.result import RESULT as EVALUATION
from builders.evaluation.result import read_evaluation
from builders.files.atomic import atomic_file, write_json
from builders.ledger.run import Run
from builders.verifiable.registry import families
from cards.audit_report import people_are
from cards.audit_sentences import stand_in, verdict_sentences
from cards.evaluation_report import table_lines
from pipelines.audit.run import PICTURE, REPORT
from pipelines.cli import app
from pipelines.cli.loop import EMBEDDED, Loop, assignments, in_this_process, run_loop

_MODELS = ("base", "stage 1", "stage 2")
# Families that a model with 135M parameters can learn from a few hundred rows, except arithmetic
# (docs/results.md). It does not learn counting letters, converting units or dates that fast either.
TRAINED = ("arithmetic", "capital", "comparison", "extraction", "json_object")
_OTHERS = tuple(name for name, family in families().items() if family.held_out)
_ROWS = {
    "critique_valid": "critique can be read",
    "score_right": "score on the right side of 7",
    "score_correlation": "rank correlation of score and truth",
    "draft_right": "draft right",
    "refinement_right": "refinement right",
    "draft_characters": "characters of the draft",
    "refinement_characters": "characters of the refinement",
}
# Critiques and refinements are the model's own, but the scores that select the pairs are not: after
# so little training, the model's scores are not informative and select no pairs (docs/results.md).
_SCORER = {"scorer": "{kind: verifiable}"}
# The teacher's longest critique with refinement has 202 tokens.
_REVIEW_TOKENS = 208
_DRAFT_TOKENS = 160
MODEL_HELP = "a folder of weights that transformers loads, in place of the embedded model"
RATE_HELP = "of stage 1, in place of the 1e-3 that fits the embedded model"
FAMILIES_OPTION: dict[str, Any] = {
    "nargs": "+",
    "choices": [name for name in families() if name not in _OTHERS],
    "metavar": "NAME",
    "help": "the families of problems to train on",
}
# Of figures that are not shares: the value, and the ends of its interval.
_FORMATS = {
    "score_correlation": (".2f", ".2f"),
    "draft_characters": (".0f", ".0f"),
    "refinement_characters": (".0f", ".0f"),
}
_SHARES = ("critique_valid", "score_right", "draft_right", "refinement_right")


@dataclass(frozen=True)
class ProblemSet:
    """Problems of the test split for all models, `each` of every family."""

    title: str
    families: Sequence[str]
    each: int
    seed: int = 0


def drafted_by(model: Path | None) -> dict[str, Any]:
    """Overrides of stage 1's recipe for drafts of the model in a folder."""
    return {"drafts.kind": "transformers", "drafts.model": model} if model else {}


def trained_from(model: Path | None, learning_rate: float | None) -> dict[str, Any]:
    """Overrides of the recipe of `train/stage1.py`, likewise."""
    values = {"model_name_or_path": model, "learning_rate": learning_rate}
    return {key: value for key, value in values.items() if value is not None}


def full(out: Path, trained: Sequence[str]) -> Loop:
    shared = _shared(trained, batch_size=600, draft_tokens=_DRAFT_TOKENS)
    reviews = {"critic.max_new_tokens": _REVIEW_TOKENS, **_SCORER}
    return Loop(
        out,
        # Greedy, like the drafts that the model will critique. Sampled drafts are correct far less
        # often, and a model trained on them criticizes correct answers, too (docs/results.md).
        stage1={"instructions.verifiable": 620, "drafts.temperature": 0, **shared},
        stage2={"instructions.verifiable": 200, **reviews, **shared},
        # Batches of 2: with so few rows, more steps help (docs/results.md).
        train1={"num_train_epochs": 1, "per_device_train_batch_size": 2},
        train2={"gradient_accumulation_steps": 1},
        audited={"instructions.verifiable": 190, "drafts.temperature": 0, **shared},
        audit_tokens=_REVIEW_TOKENS,
    )


def smoke(out: Path, trained: Sequence[str]) -> Loop:
    """The same steps in a few minutes; the results are meaningless."""
    shared = _shared(trained, batch_size=48, draft_tokens=48)
    return Loop(
        out,
        stage1={"instructions.verifiable": 48, **shared},
        stage2={"instructions.verifiable": 24, "critic.max_new_tokens": 96, **_SCORER, **shared},
        train1={"num_train_epochs": 2},
        audited={"instructions.verifiable": 24, "drafts.temperature": 0, **shared},
        audit_tokens=24,
    )


def _shared(trained: Sequence[str], batch_size: int, draft_tokens: int) -> dict[str, Any]:
    return {
        "batch_size": batch_size,
        "drafts.max_new_tokens": draft_tokens,
        "instructions.families": json.dumps(trained),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=Path("loop"), help="folder for everything")
    parser.add_argument("--smoke", action="store_true", help="small, to check that it runs")
    parser.add_argument("--model", type=Path, help=MODEL_HELP)
    parser.add_argument("--families", default=TRAINED, **FAMILIES_OPTION)
    parser.add_argument("--learning-rate", type=float, help=RATE_HELP)
    parser.add_argument(
        "--other-problems", action="store_true", help="also measure on problems of another seed"
    )
    parser.add_argument(
        "--other-families", action="store_true", help="also measure on families never trained on"
    )
    arguments = parser.parse_args()
    out = arguments.out
    trained = tuple(arguments.families)
    loop = (smoke if arguments.smoke else full)(out, trained)
    drafts = drafted_by(arguments.model)
    loop = replace(
        loop,
        stage1=loop.stage1 | drafts,
        audited=loop.audited | drafts,
        train1=loop.train1 | trained_from(arguments.model, arguments.learning_rate),
        base=str(arguments.model or loop.base),
        run_srt=in_this_process(app),
    )
    started = time.monotonic()
    models = _MODELS
    if not run_loop(loop, say):
        print("\nthe model preferred none of its refinements, so there is no stage 2 to measure")
        models = _MODELS[:2]
    each, more = (2, 2) if arguments.smoke else (38, 48)
    tokens = (40, 64) if arguments.smoke else (_DRAFT_TOKENS, _REVIEW_TOKENS)
    unseen = "unseen problems of the families trained on"
    problem_sets = {"heldout": ProblemSet(unseen, trained, each)}
    if arguments.other_problems:
        problem_sets["other-problems"] = ProblemSet(f"other {unseen}", trained, more, seed=7)
    if arguments.other_families:
        title = "problems of families never trained on"
        problem_sets["other-families"] = ProblemSet(title, _OTHERS, each)
    for name, problems in problem_sets.items():
        runs = {model: out / name / model.replace(" ", "") for model in models}
        for model, run in runs.items():
            evaluate(loop, model, run, problems, *tokens)
        report(problems.title, runs, out / f"{name}.json")
    report_audits(loop, models)
    if len(models) == len(_MODELS):
        report_win_rates(loop, tokens[1])
    print(f"took {(time.monotonic() - started) / 60:.1f} minutes")


def say(command: str) -> None:
    print(f"\n$ {command}", flush=True)


def evaluate(
    loop: Loop,
    model: str,
    folder: Path,
    problems: ProblemSet,
    draft_tokens: int,
    review_tokens: int,
) -> None:
    """Run a model on held-out problems, with so many tokens at most for a draft, and for a
    critique with its refinement."""
    if Run(folder).read_manifest() is not None:
        return
    values: dict[str, Any] = {
        "instructions.verifiable": problems.each * len(problems.families),
        "instructions.seed": problems.seed,
        "instructions.families": json.dumps(problems.families),
        "drafts.max_new_tokens": draft_tokens,
        "critic.max_new_tokens": review_tokens,
    }
    asked = loop.base if model == "base" else str(loop.checkpoint(int(model[-1])))
    checkpoint = []
    if asked != EMBEDDED:
        values |= {"drafts.kind": "transformers", "critic.kind": "transformers"}
        checkpoint = ["--model", asked]
    trained_on = [str(path) for path in (loop.release(1), loop.release(2)) if path.exists()]
    values["disjoint_from"] = json.dumps(trained_on)
    recipe = str(Path(__file__).with_name("heldout.yaml"))
    given = [*assignments(values), *checkpoint, "--out", str(folder)]
    loop.srt(say, "build", "stage2", recipe, *given)


def report(title: str, runs: Mapping[str, Path], path: Path) -> None:
    """Print the table, and write it to `path` and a plot of the same name next to it."""
    columns = ["task", "draft", "critique", "refinement", "reason"]
    measured = {model: measure(Run(folder).iter_rows(columns)) for model, folder in runs.items()}
    print(f"\n{title}\n\n{table(measured)}")
    write_json(path, measured)
    plot = path.with_suffix(".png")
    plot_shares(
        {
            _ROWS[key]: {model: figures[key] for model, figures in measured.items()}
            for key in _SHARES
        },
        plot,
    )
    print(f"\nfigures: {path}, plot: {plot}")


def report_audits(loop: Loop, models: Sequence[str]) -> None:
    """Print a table of the audits and their verdicts, and copy it and the pictures to the folder.

    The picture of the last audit has every model: base, the one before, and itself.
    """
    audits = {
        model: read_audit(loop.audit(stage)).model_dump(mode="json")
        for stage, model in enumerate(models)
    }
    frozen = next(iter(audits.values()))["set"]
    text = audit_table(audits)
    print(f"\naudits on {frozen['pairs']} pairs, judged by {people_are({'set': frozen})}\n\n{text}")
    with atomic_file(loop.out / "audits.md") as temporary:
        temporary.write_text(text + "\n", encoding="utf-8")
    for stage, model in enumerate(models):
        picture = loop.out / f"audit-{model.replace(' ', '')}.png"
        with atomic_file(picture) as temporary:
            shutil.copyfile(loop.audit(stage) / PICTURE, temporary)
    print(f"\ntable: {loop.out / 'audits.md'}, pictures: {loop.out / 'audit-*.png'}")
    print("reports: " + ", ".join(str(loop.audit(stage) / REPORT) for stage in range(len(models))))


def report_win_rates(loop: Loop, tokens: int) -> None:
    """Stage 2 against the base model's answers, by the checker and by the stage-1 model itself.

    What both say of the same answers is in one table, also written to win-rates.md.
    """
    answers = [str(loop.out / "heldout" / name) for name in ("stage2", "base")]
    evaluations = {}
    for name, judge in (("the checker", "verifiable"), ("stage 1", str(loop.checkpoint(1)))):
        folder = loop.out / "evaluations" / name.split()[-1]
        if not (folder / EVALUATION).exists():
            model, reference = answers
            options = ["--max-new-tokens", str(tokens), "--out", str(folder)]
            loop.srt(say, "evaluate", model, "--reference", reference, "--judge", judge, *options)
        evaluations[name] = read_evaluation(folder).model_dump(mode="json")
    text = win_rate_table(evaluations)
    print(f"\nwin rates of stage 2 over the base model's answers\n\n{text}")
    with atomic_file(loop.out / "win-rates.md") as temporary:
        temporary.write_text(text + "\n", encoding="utf-8")
    print(f"\ntable: {loop.out / 'win-rates.md'}, reports: {loop.out / 'evaluations'}")


def win_rate_table(evaluations: Mapping[str, Mapping[str, Any]]) -> str:
    """Markdown: a row for each judge and kind of win rate, with draft, refinement, difference."""
    lines = ["| judge | win rate | draft | refinement | refinement − draft, points |"]
    lines.append("|---|---|--:|--:|--:|")
    for judge, evaluation in evaluations.items():
        for line in list(table_lines(evaluation))[:2]:
            cells = " | ".join([line.name, *line.cells, line.difference])
            lines.append(f"| {judge} | {cells} |")
    return "\n".join(lines)


def audit_table(audits: Mapping[str, Mapping[str, Any]]) -> str:
    """Markdown: a row for each model and rule with its agreement, then a sentence a verdict."""
    who = stand_in(next(iter(audits.values())))
    lines = [f"| | agreement with {who} | replies with a score |", "|---|--:|--:|"]
    for model, audit in audits.items():
        pairs = audit["pairs"]
        readable = pairs["answers"] - sum(pairs["unreadable"].values())
        agreement = with_interval(audit["agreement"]["raw"], ".1%", ".0%")
        lines.append(f"| {model} | {agreement} | {readable} of {pairs['answers']} |")
    for name, agreement in next(iter(audits.values()))["baselines"].items():
        lines.append(f"| rule: {name} | {with_interval(agreement, '.1%', '.0%')} | – |")
    sentences = [sentence for audit in audits.values() for sentence in verdict_sentences(audit)]
    return "\n".join([*lines, "", *(f"- {sentence}" for sentence in sentences)])


def table(measured: dict[str, dict[str, Any]]) -> str:
    """Markdown: a row for each figure, a column for each model, 95% intervals in parentheses."""
    of = next(iter(measured.values()))["draft_right"]["of"]
    lines = [f"| of {of} | {' | '.join(measured)} |", "|---" + "|--:" * len(measured) + "|"]
    for key, label in _ROWS.items():
        formats = _FORMATS.get(key, (".1%", ".0%"))
        cells = [with_interval(figures[key], *formats) for figures in measured.values()]
        lines.append(f"| {label} | {' | '.join(cells)} |")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
