"""Answers per second of models in this process, beside transformers' own `generate`.

Both decode the same prompts with the embedded model, sampled, up to the same limit. `generate`
gets batches of prompts of like length, and keeps a batch until its longest answer ends; ours
gives the place of an answer that has ended to the next prompt. On a CPU ours also attends and
lays its weights out in its own way. `generate` is tried with small and with large batches, and
the better of the two is what ours is compared with.

    python -m bench.generate
"""

import json
import time
from typing import Any

from bench.common import in_child, options, show, verdict
from builders.chat_text import chat_text, token_ids
from builders.prompts import chat
from builders.verifiable import generate
from pipelines.embedded import checkpoint_path
from pipelines.llms.base import Request

_LIMIT = 160


def main() -> None:
    arguments = options(__doc__).parse_args()
    if arguments.one:
        print(json.dumps(one(**json.loads(arguments.one))))
        return
    count = 8 if arguments.smoke else 256
    ways = {
        "ours": {"how": "ours"},
        **{f"generate, {rows} at once": {"how": "generate", "rows": rows} for rows in (32, 128)},
    }
    found = {
        name: in_child("bench.generate", {"count": count, **way}, timeout=1800).facts
        for name, way in ways.items()
    }
    table = [
        [name, facts["rows"] / facts["seconds"], facts["tokens"] / facts["seconds"]]
        for name, facts in found.items()
    ]
    show(f"{count} answers", ["", "answers/s", "tokens/s"], table)
    ours, *theirs = (answers for _, answers, _ in table)
    ratio = ours / max(theirs)
    verdict("answers/s, of transformers' generate", ratio, "≥ 1.5", ratio >= 1.5)


def one(how: str, count: int, rows: int | None = None) -> dict[str, Any]:
    """Seconds, answers and tokens of one way of decoding."""
    import pipelines.llms.openmp  # noqa: F401  (before torch)

    instructions = [problem.instruction for problem in generate(5, count)]
    return _ours(instructions) if how == "ours" else _generate(instructions, rows)


def _ours(instructions: list[str]) -> dict[str, Any]:
    from pipelines.llms.local import EmbeddedLLM

    model = EmbeddedLLM(temperature=0.7, max_new_tokens=_LIMIT)
    model.load()
    start = time.perf_counter()
    done = model.complete([Request(chat(text), seed) for seed, text in enumerate(instructions)])
    return _facts(start, [completion.tokens_out for completion in done])


def _generate(instructions: list[str], rows: int) -> dict[str, Any]:
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    from pipelines.llms.precision import has_fast_bfloat16

    device = "cuda" if torch.cuda.is_available() else "cpu"
    precision = torch.bfloat16 if has_fast_bfloat16(device) else torch.float32
    folder = str(checkpoint_path())
    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=precision).to(device).eval()
    pad = tokenizer.pad_token_id
    start = time.perf_counter()
    prompts = sorted(
        (token_ids(tokenizer, chat_text(tokenizer, chat(text))) for text in instructions),
        key=len,
    )
    lengths = []
    torch.manual_seed(0)
    for at in range(0, len(prompts), rows):
        batch = prompts[at : at + rows]
        width = max(map(len, batch))
        padded = [[pad] * (width - len(ids)) + ids for ids in batch]
        mask = [[0] * (width - len(ids)) + [1] * len(ids) for ids in batch]
        tokens = model.generate(
            input_ids=torch.tensor(padded, device=device),
            attention_mask=torch.tensor(mask, device=device),
            do_sample=True,
            temperature=0.7,
            top_k=0,
            max_new_tokens=_LIMIT,
        )
        for answer in tokens[:, width:].tolist():
            ends = (at for at, token in enumerate(answer, 1) if token == tokenizer.eos_token_id)
            lengths.append(next(ends, len(answer)))
    return _facts(start, lengths)


def _facts(start: float, lengths: list[int]) -> dict[str, Any]:
    return {
        "seconds": time.perf_counter() - start,
        "rows": len(lengths),
        "tokens": sum(lengths),
    }


if __name__ == "__main__":
    main()
