"""Answers per second of models in this process, compared with transformers' own `generate`.

Both decode the same prompts with the embedded model, with sampling, up to the same limit.
`generate` gets batches of prompts with similar lengths and keeps each batch until its longest
answer ends; ours gives the slot of a finished answer to the next prompt. On a CPU ours also has
its own attention and weight layout. `generate` runs with small and with large batches, and ours is
compared with the faster one.

    python -m bench.generate
"""

import json
import time
from typing import Any

from bench.common import in_child, options, show, verdict
from builders.critique.prompts import chat
from builders.training.chat_template import chat_text, token_ids
from builders.verifiable import generate
from pipelines.llms.messages import Request
from services.model.embedded import checkpoint_path

_LIMIT, _SHORT = 160, 24


def main() -> None:
    arguments = options(__doc__).parse_args()
    if arguments.one:
        print(json.dumps(one(**json.loads(arguments.one))))
        return
    count, limit = (8, _SHORT) if arguments.smoke else (256, _LIMIT)
    sizes = (32,) if arguments.smoke else (32, 128)
    ways = {
        "ours": {"how": "ours"},
        **{f"generate, {rows} at once": {"how": "generate", "rows": rows} for rows in sizes},
    }
    measured = {
        name: in_child("bench.generate", {"count": count, "limit": limit, **way}, 1800).facts
        for name, way in ways.items()
    }
    table = [
        [name, facts["rows"] / facts["seconds"], facts["tokens"] / facts["seconds"]]
        for name, facts in measured.items()
    ]
    show(f"{count} answers", ["", "answers/s", "tokens/s"], table)
    ours, *theirs = (answers for _, answers, _ in table)
    ratio = ours / max(theirs)
    verdict("answers/s: ours / transformers' generate", ratio, "≥ 1.5", ratio >= 1.5)


def one(how: str, count: int, limit: int, rows: int | None = None) -> dict[str, Any]:
    """Seconds, answers and tokens of one way of decoding."""
    import services.model.resources  # noqa: F401  (before torch)

    instructions = [problem.instruction for problem in generate(5, count)]
    return _ours(instructions, limit) if how == "ours" else _generate(instructions, limit, rows)


def _ours(instructions: list[str], limit: int) -> dict[str, Any]:
    from pipelines.llms.weights.local import EmbeddedLLM

    model = EmbeddedLLM(temperature=0.7, max_new_tokens=limit)
    model.load()
    start = time.perf_counter()
    done = model.complete([Request(chat(text), seed) for seed, text in enumerate(instructions)])
    return _facts(start, [completion.tokens_out for completion in done])


def _generate(instructions: list[str], limit: int, rows: int) -> dict[str, Any]:
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    from services.model.precision import has_fast_bfloat16

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
            max_new_tokens=limit,
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
