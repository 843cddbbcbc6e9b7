"""The whole method on two cores, measured on held-out instructions: `make loop`.

A stage-1 release by the verifiable teacher over the embedded model's drafts, stage 1, a stage-2
release by the trained model's own critiques, stage 2; then base, stage 1 and stage 2 answer,
review and refine the same unseen problems, and a program that knows the answers judges them.
`--other-problems` asks them more of the same kinds, drawn with another seed, and
`--other-families` problems of kinds that none was trained on.

    python -m bench.loop [--smoke] [--other-problems] [--other-families] [--out DIR]
"""

import argparse
import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from builders.heldout import measure
from builders.run import Run, write_json
from builders.verifiable import FAMILIES
from cards.plots import plot_shares
from pipelines.loop import Loop, assignments, run_loop, srt

_MODELS = ("base", "stage 1", "stage 2")
# Kinds of problems that a model of 135 million parameters learns from a few hundred rows, but for
# arithmetic (docs/results.md); to count letters, to convert units and to reckon with dates it does
# not learn in that time either.
TRAINED = ("arithmetic", "capital", "comparison", "extraction", "json_object")
_OTHERS = tuple(name for name, family in FAMILIES.items() if family.held_out)
_ROWS = {
    "critique_valid": "critique can be read",
    "score_right": "score on the right side of 7",
    "score_correlation": "rank correlation of score and truth",
    "draft_right": "draft right",
    "refinement_right": "refinement right",
    "draft_characters": "characters of the draft",
    "refinement_characters": "characters of the refinement",
}
# The critiques and refinements are the model's own, the scores that choose the pairs are not:
# after so little training its own score says nothing (docs/results.md), and chooses no pairs.
_SCORER = {"scorer": "{kind: verifiable}"}
# The teacher's longest review has 202 tokens.
_REVIEW_TOKENS = 208
_SHARES = ("critique_valid", "score_right", "draft_right", "refinement_right")


@dataclass(frozen=True)
class Part:
    """Problems of the test split that all models are measured on, `each` of every family."""

    title: str
    families: Sequence[str]
    each: int
    seed: int = 0


def full(out: Path) -> Loop:
    shared = _shared(batch_size=600, draft_tokens=160)
    reviews = {"critic.max_new_tokens": _REVIEW_TOKENS, **_SCORER}
    return Loop(
        out,
        # Greedy drafts, like those that the model will judge: of sampled ones far fewer are right,
        # and a model that learns from them finds fault with right answers too (docs/results.md).
        stage1={"instructions.verifiable": 620, "drafts.temperature": 0, **shared},
        stage2={"instructions.verifiable": 200, **reviews, **shared},
        # Batches of 2: with so few rows, more steps teach more (docs/results.md).
        train1={"num_train_epochs": 1, "per_device_train_batch_size": 2},
        train2={"gradient_accumulation_steps": 1},
    )


def smoke(out: Path) -> Loop:
    """The same shape in a few minutes; its figures mean nothing."""
    shared = _shared(batch_size=48, draft_tokens=48)
    return Loop(
        out,
        stage1={"instructions.verifiable": 48, **shared},
        stage2={"instructions.verifiable": 24, "critic.max_new_tokens": 96, **_SCORER, **shared},
        train1={"num_train_epochs": 2},
    )


def _shared(batch_size: int, draft_tokens: int) -> dict[str, Any]:
    return {
        "batch_size": batch_size,
        "drafts.max_new_tokens": draft_tokens,
        "instructions.families": json.dumps(TRAINED),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=Path("loop"), help="where it is all kept")
    parser.add_argument("--smoke", action="store_true", help="small, to see that it runs")
    parser.add_argument(
        "--other-problems", action="store_true", help="measure on those of another seed, too"
    )
    parser.add_argument(
        "--other-families", action="store_true", help="measure on those never trained on, too"
    )
    arguments = parser.parse_args()
    out = arguments.out
    loop = smoke(out) if arguments.smoke else full(out)
    started = time.monotonic()
    models = _MODELS
    if not run_loop(loop, say):
        print("\nthe model preferred none of its refinements: there is no stage 2 to measure")
        models = _MODELS[:2]
    each, more, tokens = (3, 3, 96) if arguments.smoke else (38, 48, _REVIEW_TOKENS)
    unseen = "unseen problems of the families that were trained on"
    parts = {"heldout": Part(unseen, TRAINED, each)}
    if arguments.other_problems:
        parts["other-problems"] = Part(f"other {unseen}", TRAINED, more, seed=7)
    if arguments.other_families:
        title = "problems of families that were never trained on"
        parts["other-families"] = Part(title, _OTHERS, each)
    for name, part in parts.items():
        runs = {model: out / name / model.replace(" ", "") for model in models}
        for model, run in runs.items():
            evaluate(loop, model, run, part, tokens)
        report(part.title, runs, out / f"{name}.json")
    print(f"took {(time.monotonic() - started) / 60:.1f} minutes")


def say(command: str) -> None:
    print(f"\n$ {command}", flush=True)


def evaluate(loop: Loop, model: str, folder: Path, part: Part, tokens: int) -> None:
    """The run in which a model answers held-out problems, and reviews in at most `tokens`."""
    if Run(folder).read_manifest() is not None:
        return
    values: dict[str, Any] = {
        "instructions.verifiable": part.each * len(part.families),
        "instructions.seed": part.seed,
        "instructions.families": json.dumps(part.families),
        "critic.max_new_tokens": tokens,
    }
    checkpoint = []
    if model != "base":
        number = int(model[-1])
        values |= {"drafts.kind": "transformers", "critic.kind": "transformers"}
        checkpoint = ["--model", str(loop.checkpoint(number))]
    trained_on = [str(path) for path in (loop.release(1), loop.release(2)) if path.exists()]
    values["disjoint_from"] = json.dumps(trained_on)
    recipe = str(Path(__file__).with_name("heldout.yaml"))
    srt(say, "build", "stage2", recipe, *assignments(values), *checkpoint, "--out", str(folder))


def report(title: str, runs: Mapping[str, Path], path: Path) -> None:
    """Print the table, and write it to `path`, with a picture of the same name beside it."""
    columns = ["task", "draft", "critique", "refinement", "reason"]
    measured = {model: measure(Run(folder).iter_rows(columns)) for model, folder in runs.items()}
    print(f"\n{title}\n\n{table(measured)}")
    write_json(path, measured)
    picture = path.with_suffix(".png")
    plot_shares(
        {
            _ROWS[key]: {model: figures[key] for model, figures in measured.items()}
            for key in _SHARES
        },
        picture,
    )
    print(f"\nfigures: {path}, picture: {picture}")


def table(measured: dict[str, dict[str, Any]]) -> str:
    """Markdown: a line for each figure, a column for each model, 95 % intervals in brackets."""
    of = next(iter(measured.values()))["draft_right"]["of"]
    lines = [f"| of {of} | {' | '.join(measured)} |", "|---" + "|--:" * len(measured) + "|"]
    for key, label in _ROWS.items():
        cells = [_cell(key, figures[key]) for figures in measured.values()]
        lines.append(f"| {label} | {' | '.join(cells)} |")
    return "\n".join(lines)


def _cell(key: str, figure: dict[str, Any]) -> str:
    if figure["value"] is None:
        return "–"
    if key in _SHARES:
        form = "{:.1%} ({:.0%}–{:.0%})"
    elif key.endswith("characters"):
        form = "{:.0f} ({:.0f}–{:.0f})"
    else:
        form = "{:.2f} ({:.2f}–{:.2f})"
    return form.format(figure["value"], figure["low"], figure["high"])


if __name__ == "__main__":
    main()
