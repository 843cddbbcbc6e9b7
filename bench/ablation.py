"""The paper's ablation on problems with a computable answer: `make ablation`.

Trains one model for each training config and seed on the same stage-1 release, and lets it answer
the same unseen problems (arXiv 2406.07168, Table 4, does this with AlpacaEval). The final answer
counts: the refinement, or the only answer of a model that was not trained to refine. Every model is
compared, problem by problem, with the model that was not trained, and with `refinement only`.

    python -m bench.ablation [--rows 240] [--seeds 3] [--model DIR] [--families NAME ...]
                             [--learning-rate RATE] [--out loop]
"""

import argparse
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypedDict

import numpy as np

from bench.heldout import with_interval
from bench.loop import (
    FAMILIES_OPTION,
    MODEL_HELP,
    RATE_HELP,
    TRAINED,
    drafted_by,
    say,
    trained_from,
)
from builders.audit.statistics.clusters import share_with_interval, z_of
from builders.audit.statistics.paired import center_and_error
from builders.files.atomic import atomic_file, write_json
from builders.training.sft import SFT_FORMS, SftForm, review_turns
from builders.verifiable import Problem, check, generate
from cards.evaluation_report import points
from pipelines.cli.loop import Loop, ensure_checkpoint, ensure_release
from pipelines.llms.messages import Request
from services.model.embedded import checkpoint_path

_BASE, _REFINEMENT_ONLY = "base", "sft-refinement-only"
# In the paper's order, with its names; `sft-balanced` is not an ablation.
_NAMES = {
    "sft": "full",
    "sft-no-score": "− score",
    "sft-no-suggestions": "− suggestions",
    "sft-no-weaknesses": "− weaknesses",
    "sft-no-feedback": "− all feedback",
    _REFINEMENT_ONLY: "refinement only",
    "sft-draft-masked": "draft masked",
}
# The loop's families and `unit`, for which the table in docs/results.md was measured.
_FAMILIES = (*TRAINED, "unit")
_IMPROVED = "### Improved Response"
_DRAFT_TOKENS, _REVIEW_TOKENS = 160, 256


class Measured(TypedDict):
    """Which drafts and final answers of a model are right, problem by problem."""

    draft: list[bool]
    final: list[bool]
    final_characters: float


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=Path("loop"), help="folder for everything")
    parser.add_argument("--rows", type=int, default=240, help="instructions for stage 1")
    parser.add_argument("--heldout", type=int, default=120, help="unseen problems to answer")
    parser.add_argument("--seeds", type=int, default=3, help="models per config")
    parser.add_argument("--epochs", type=float, default=1, help="passes over the rows")
    parser.add_argument("--model", type=Path, help=MODEL_HELP)
    parser.add_argument("--families", default=_FAMILIES, **FAMILIES_OPTION)
    parser.add_argument("--learning-rate", type=float, help=RATE_HELP)
    parser.add_argument("--configs", nargs="+", default=list(_NAMES), choices=list(_NAMES))
    arguments = parser.parse_args()
    values = {
        "instructions.verifiable": arguments.rows,
        "instructions.families": json.dumps(arguments.families),
        "drafts.max_new_tokens": _DRAFT_TOKENS,
        "batch_size": 160,
        **drafted_by(arguments.model),
    }
    loop = Loop(arguments.out / "ablation", stage1=values)
    ensure_release(loop, 1, say)
    base = arguments.model or checkpoint_path()
    problems = list(generate(0, arguments.heldout, arguments.families, "test"))
    answers_only = SFT_FORMS[_REFINEMENT_ONLY]
    measured = {_BASE: [measure(loop, _BASE, base, answers_only, problems)]}
    for seed in range(1, arguments.seeds + 1):
        for config in arguments.configs:
            name = f"{config}-{seed}"
            checkpoint = train(loop, config, seed, arguments)
            found = measure(loop, name, checkpoint, SFT_FORMS[config], problems)
            measured.setdefault(config, []).append(found)
    text = table(measured)
    with atomic_file(loop.out / "ablation.md") as temporary:
        temporary.write_text(text + "\n", encoding="utf-8")
    print(f"\n{text}")


def train(loop: Loop, config: str, seed: int, arguments: argparse.Namespace) -> Path:
    """The checkpoint of a config and seed; trained unless it exists."""
    checkpoint = loop.out / "checkpoints" / f"{config}-{seed}"
    values = {
        "release": loop.release(1),
        "dataset_config": config,
        "num_train_epochs": arguments.epochs,
        # With so few rows, more steps help.
        "per_device_train_batch_size": 4,
        "seed": seed,
        **trained_from(arguments.model, arguments.learning_rate),
    }
    ensure_checkpoint(checkpoint, 1, values, say)
    return checkpoint


def measure(
    loop: Loop, name: str, model: Path, form: SftForm, problems: Sequence[Problem]
) -> Measured:
    """What a model answers, judged; stored, so that this runs only once."""
    path = loop.out / "judged" / f"{name}-{len(problems)}.json"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        write_json(path, judge(model, form, problems))
    found = json.loads(path.read_text())
    right = {key: sum(found[key]) for key in ("draft", "final")}
    print(json.dumps({"model": name, "of": len(problems), "right": right}), flush=True)
    return found


def judge(path: Path, form: SftForm, problems: Sequence[Problem]) -> Measured:
    """Greedy drafts of the held-out problems and their refinements: which are correct."""
    from pipelines.llms.weights.local import TransformersLLM

    model = TransformersLLM(model=str(path))
    model.max_new_tokens = _DRAFT_TOKENS
    prompts = [[{"role": "user", "content": problem.instruction}] for problem in problems]
    drafts = _texts(model, prompts)
    finals = drafts
    if not form.refine_only:
        model.max_new_tokens = _REVIEW_TOKENS
        reviews = _texts(
            model,
            [
                review_turns(problem.instruction, draft, parts=form.parts)
                for problem, draft in zip(problems, drafts, strict=True)
            ],
        )
        finals = [
            review.partition(_IMPROVED)[2].strip() or draft
            for review, draft in zip(reviews, drafts, strict=True)
        ]

    def correct(answers: Sequence[str]) -> list[bool]:
        pairs = zip(problems, answers, strict=True)
        return [check(problem.task, answer).correct for problem, answer in pairs]

    return {
        "draft": correct(drafts),
        "final": correct(finals),
        "final_characters": sum(map(len, finals)) / len(finals),
    }


def _texts(model: Any, conversations: list[list[dict[str, str]]]) -> list[str]:
    requests = [Request(messages, seed=0) for messages in conversations]
    return [(completion.text or "").strip() for completion in model.complete(requests)]


def table(measured: Mapping[str, Sequence[Measured]]) -> str:
    """Markdown, a row for each config: shares over all seeds with Wilson's 95% interval.

    The differences are of final answers, in percentage points.
    """
    of, seeds = len(measured[_BASE][0]["final"]), max(map(len, measured.values()))
    lines = [
        f"| {of} problems, {seeds} seed{'s'[: seeds != 1]} | draft right | final answer right "
        "| by seed | points above base | points above refinement only | length |",
        "|---|--:|--:|---|--:|--:|--:|",
    ]
    for config, by_seed in measured.items():
        each = ", ".join(f"{np.mean(found['final']):.1%}" for found in by_seed)
        shares = [_share([found[key] for found in by_seed]) for key in ("draft", "final")]
        above = [
            _difference(by_seed, measured[other]) if other in measured and other != config else "–"
            for other in (_BASE, _REFINEMENT_ONLY)
        ]
        length = np.mean([found["final_characters"] for found in by_seed])
        cells = [_NAMES.get(config, config), *shares, each, *above, f"{length:.0f}"]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def _share(right: Sequence[Sequence[bool]]) -> str:
    """The share over all seeds; each problem is one cluster."""
    values = np.array(right, float)
    problems = np.tile(np.arange(values.shape[1]), len(values))
    return with_interval(share_with_interval(values.ravel(), problems))


def _difference(ours: Sequence[Measured], theirs: Sequence[Measured]) -> str:
    """How many points more of the final answers are right, with Bonett and Price's 95% interval.

    Each problem is one cluster: its mean over the seeds of one config, less that of the other.
    """
    finals = [
        np.array([found["final"] for found in by_seed], float).mean(axis=0)
        for by_seed in (ours, theirs)
    ]
    d = finals[0] - finals[1]
    center, error = center_and_error(d, np.arange(len(d)))
    half = z_of(0.025) * error
    return points({"value": d.mean(), "low": center - half, "high": center + half})


if __name__ == "__main__":
    main()
