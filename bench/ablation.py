"""The paper's ablation on problems with a computable answer: `make ablation`.

Trains one model for each training config and seed on the same stage-1 release, and lets it answer
the same unseen problems (arXiv 2406.07168, Table 4, does this with AlpacaEval). The final answer
counts: the refinement, or the only answer of a model that was not trained to refine.

    python -m bench.ablation [--rows 240] [--seeds 3] [--model DIR] [--out loop]
"""

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bench.heldout import with_interval
from bench.loop import MODEL_HELP, TRAINED, drafted_by, say, trained_from
from builders.files.atomic import write_json
from builders.review.statistics.intervals import share
from builders.training.sft import SFT_FORMS, SftForm, review_turns
from builders.verifiable import check, generate
from pipelines.cli.loop import Loop, ensure_checkpoint, ensure_release
from pipelines.llms.messages import Request

# In the paper's order, with its names; `sft-balanced` is not an ablation.
_NAMES = {
    "sft": "full",
    "sft-no-score": "− score",
    "sft-no-suggestions": "− suggestions",
    "sft-no-weaknesses": "− weaknesses",
    "sft-no-feedback": "− all feedback",
    "sft-refinement-only": "refinement only",
    "sft-draft-masked": "draft masked",
}
# The loop's families and `unit`, for which the table in docs/results.md was measured.
_FAMILIES = (*TRAINED, "unit")
_IMPROVED = "### Improved Response"
_DRAFT_TOKENS, _REVIEW_TOKENS = 160, 256


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=Path("loop"), help="folder for everything")
    parser.add_argument("--rows", type=int, default=240, help="instructions for stage 1")
    parser.add_argument("--heldout", type=int, default=120, help="unseen problems to answer")
    parser.add_argument("--seeds", type=int, default=3, help="models per config")
    parser.add_argument("--epochs", type=float, default=1, help="passes over the rows")
    parser.add_argument("--model", type=Path, help=MODEL_HELP)
    parser.add_argument("--configs", nargs="+", default=list(_NAMES), choices=list(_NAMES))
    arguments = parser.parse_args()
    values = {
        "instructions.verifiable": arguments.rows,
        "instructions.families": json.dumps(_FAMILIES),
        "drafts.max_new_tokens": _DRAFT_TOKENS,
        "batch_size": 160,
        **drafted_by(arguments.model),
    }
    loop = Loop(arguments.out / "ablation", stage1=values)
    ensure_release(loop, 1, say)
    measured: dict[str, list[dict[str, Any]]] = {}
    for seed in range(1, arguments.seeds + 1):
        for config in arguments.configs:
            counts = measure(loop, config, seed, arguments)
            measured.setdefault(config, []).append(counts)
            print(json.dumps({"config": config, "seed": seed, **counts}), flush=True)
    text = table(measured)
    (loop.out / "ablation.md").write_text(text + "\n", encoding="utf-8")
    print(f"\n{text}")


def measure(loop: Loop, config: str, seed: int, arguments: argparse.Namespace) -> dict[str, Any]:
    """Train a model and count its correct answers; stored, so that this runs only once."""
    path = loop.out / "measured" / f"{config}-{seed}-{arguments.heldout}.json"
    if not path.exists():
        checkpoint = loop.out / "checkpoints" / f"{config}-{seed}"
        values = {
            "release": loop.release(1),
            "dataset_config": config,
            "num_train_epochs": arguments.epochs,
            # As in `bench.loop`: with so few rows, more steps help.
            "per_device_train_batch_size": 4,
            "seed": seed,
            **trained_from(arguments.model),
        }
        ensure_checkpoint(checkpoint, 1, values, say)
        path.parent.mkdir(parents=True, exist_ok=True)
        write_json(path, count_correct(checkpoint, SFT_FORMS[config], arguments.heldout))
    return json.loads(path.read_text())


def count_correct(checkpoint: Path, form: SftForm, count: int) -> dict[str, Any]:
    """Greedy drafts of the held-out problems and their refinements: how many are correct."""
    from pipelines.llms.weights.local import TransformersLLM

    problems = list(generate(0, count, _FAMILIES, "test"))
    model = TransformersLLM(model=str(checkpoint))
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

    def correct(answers: Sequence[str]) -> int:
        pairs = zip(problems, answers, strict=True)
        return sum(check(problem.task, answer).correct for problem, answer in pairs)

    return {
        "of": len(problems),
        "draft_right": correct(drafts),
        "final_right": correct(finals),
        "final_characters": sum(map(len, finals)) / len(finals),
    }


def _texts(model: Any, conversations: list[list[dict[str, str]]]) -> list[str]:
    requests = [Request(messages, seed=0) for messages in conversations]
    return [(completion.text or "").strip() for completion in model.complete(requests)]


def table(measured: dict[str, list[dict[str, Any]]]) -> str:
    """Markdown: shares over all seeds with Wilson's 95% interval, and the share of each seed."""
    of, seeds = next(iter(measured.values()))[0]["of"], max(map(len, measured.values()))
    lines = [
        f"| {of} problems × {seeds} seeds | draft right | final answer right | by seed | length |",
        "|---|--:|--:|---|--:|",
    ]
    for config, by_seed in measured.items():
        each = ", ".join(f"{counts['final_right'] / counts['of']:.1%}" for counts in by_seed)
        length = sum(counts["final_characters"] for counts in by_seed) / len(by_seed)
        shares = [
            with_interval(share(sum(counts[key] for counts in by_seed), of * len(by_seed)))
            for key in ("draft_right", "final_right")
        ]
        lines.append(f"| {_NAMES[config]} | {' | '.join(shares)} | {each} | {length:.0f} |")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
