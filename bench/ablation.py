"""The paper's ablation on problems with a computable answer: `make ablation`.

One model for each training config and seed, on the same stage-1 release, answering the same
unseen problems (arXiv 2406.07168, Table 4, has the like for AlpacaEval). What counts is the final
answer: the refinement, or the only answer of a model that was trained to give just that.

    python -m bench.ablation [--rows 240] [--seeds 3] [--out loop]
"""

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from scipy.stats import binomtest

from bench.loop import TRAINED, say
from builders.run import write_json
from builders.sft import SFT_FORMS, SftForm, review_turns
from builders.verifiable import check, generate
from pipelines.llms.base import Request
from pipelines.loop import Loop, make_release, train_into

# In the paper's order, under its names; `sft-balanced` is no ablation.
_NAMES = {
    "sft": "full",
    "sft-no-score": "− score",
    "sft-no-suggestions": "− suggestions",
    "sft-no-weaknesses": "− weaknesses",
    "sft-no-feedback": "− all feedback",
    "sft-refinement-only": "refinement only",
    "sft-draft-masked": "draft masked",
}
# Those of the loop, and one that it leaves out now: as the table in docs/results.md was measured.
_FAMILIES = (*TRAINED, "unit")
_IMPROVED = "### Improved Response"
_DRAFT_TOKENS, _REVIEW_TOKENS = 160, 256


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=Path("loop"), help="where it is all kept")
    parser.add_argument("--rows", type=int, default=240, help="instructions that stage 1 draws")
    parser.add_argument("--heldout", type=int, default=120, help="unseen problems to answer")
    parser.add_argument("--seeds", type=int, default=3, help="models of each config")
    parser.add_argument("--epochs", type=float, default=1, help="passes over the rows")
    parser.add_argument("--configs", nargs="+", default=list(_NAMES), choices=list(_NAMES))
    arguments = parser.parse_args()
    values = {
        "instructions.verifiable": arguments.rows,
        "instructions.families": json.dumps(_FAMILIES),
        "drafts.max_new_tokens": _DRAFT_TOKENS,
        "batch_size": 160,
    }
    loop = Loop(arguments.out / "ablation", stage1=values)
    make_release(loop, 1, say)
    found: dict[str, list[dict[str, Any]]] = {}
    for seed in range(1, arguments.seeds + 1):
        for config in arguments.configs:
            one = measured(loop, config, seed, arguments)
            found.setdefault(config, []).append(one)
            print(json.dumps({"config": config, "seed": seed, **one}), flush=True)
    text = table(found)
    (loop.out / "ablation.md").write_text(text + "\n", encoding="utf-8")
    print(f"\n{text}")


def measured(loop: Loop, config: str, seed: int, arguments: argparse.Namespace) -> dict[str, Any]:
    """How many of the held-out problems a model gets right; kept, so that it is done once."""
    path = loop.out / "measured" / f"{config}-{seed}-{arguments.heldout}.json"
    if not path.exists():
        checkpoint = loop.out / "checkpoints" / f"{config}-{seed}"
        values = {
            "release": loop.release(1),
            "dataset_config": config,
            "num_train_epochs": arguments.epochs,
            # As in `bench.loop`: with so few rows, more steps teach more.
            "per_device_train_batch_size": 4,
            "seed": seed,
        }
        train_into(checkpoint, 1, values, say)
        path.parent.mkdir(parents=True, exist_ok=True)
        write_json(path, answered(checkpoint, SFT_FORMS[config], arguments.heldout))
    return json.loads(path.read_text())


def answered(checkpoint: Path, form: SftForm, count: int) -> dict[str, Any]:
    """Greedy drafts of the held-out problems and their refinements: how many are right."""
    from pipelines.llms.local import TransformersLLM

    problems = list(generate(0, count, _FAMILIES, "test"))
    model = TransformersLLM(model=str(checkpoint))
    model.max_new_tokens = _DRAFT_TOKENS
    asked = [[{"role": "user", "content": problem.instruction}] for problem in problems]
    drafts = _texts(model, asked)
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

    def right(answers: Sequence[str]) -> int:
        pairs = zip(problems, answers, strict=True)
        return sum(check(problem.task, answer).correct for problem, answer in pairs)

    return {
        "of": len(problems),
        "draft_right": right(drafts),
        "final_right": right(finals),
        "final_characters": sum(map(len, finals)) / len(finals),
    }


def _texts(model: Any, conversations: list[list[dict[str, str]]]) -> list[str]:
    requests = [Request(messages, seed=0) for messages in conversations]
    return [(completion.text or "").strip() for completion in model.complete(requests)]


def table(found: dict[str, list[dict[str, Any]]]) -> str:
    """Markdown: shares over all seeds with Wilson's 95 % interval, and each seed's own."""
    of, seeds = next(iter(found.values()))[0]["of"], max(map(len, found.values()))
    lines = [
        f"| {of} problems × {seeds} seeds | draft right | final answer right | by seed | length |",
        "|---|--:|--:|---|--:|",
    ]
    for config, each in found.items():
        seeds_right = ", ".join(f"{one['final_right'] / one['of']:.1%}" for one in each)
        length = sum(one["final_characters"] for one in each) / len(each)
        shares = [
            _share(sum(one[key] for one in each), sum(one["of"] for one in each))
            for key in ("draft_right", "final_right")
        ]
        lines.append(f"| {_NAMES[config]} | {' | '.join(shares)} | {seeds_right} | {length:.0f} |")
    return "\n".join(lines)


def _share(hits: int, of: int) -> str:
    interval = binomtest(hits, of).proportion_ci(method="wilson")
    return f"{hits / of:.1%} ({interval.low:.0%}–{interval.high:.0%})"


if __name__ == "__main__":
    main()
