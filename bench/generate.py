"""Answers per second of models in this process, beside transformers' own `generate`.

Both decode the same prompts with the embedded model, sampled, up to the same limit. `generate`
gets batches of prompts of like length, and keeps a batch until its longest answer ends; ours
gives the place of an answer that has ended to the next prompt.

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
    count = 8 if arguments.smoke else 320
    ours, theirs = (
        in_child("bench.generate", {"how": how, "count": count}).facts
        for how in ("ours", "transformers")
    )
    rows = [
        [name, facts["rows"] / facts["seconds"], facts["tokens"] / facts["seconds"]]
        for name, facts in (("ours", ours), ("transformers", theirs))
    ]
    show(f"{count} answers, 32 at once", ["", "answers/s", "tokens/s"], rows)
    ratio = theirs["seconds"] / ours["seconds"]
    verdict("answers/s, of transformers' generate", ratio, "≥ 1.5", ratio >= 1.5)


def one(how: str, count: int) -> dict[str, Any]:
    """Seconds, answers and tokens of one way of decoding."""
    import pipelines.llms.openmp  # noqa: F401  (before torch)

    instructions = [problem.instruction for problem in generate(5, count)]
    return {"ours": _ours, "transformers": _transformers}[how](instructions)


def _ours(instructions: list[str]) -> dict[str, Any]:
    from pipelines.llms.local import EmbeddedLLM

    model = EmbeddedLLM(temperature=0.7, max_new_tokens=_LIMIT, generation_batch_size=32)
    model.load()
    start = time.perf_counter()
    done = model.complete([Request(chat(text), seed) for seed, text in enumerate(instructions)])
    return _facts(start, [completion.tokens_out for completion in done])


def _transformers(instructions: list[str]) -> dict[str, Any]:
    import torch

    from pipelines.llms.local_weights import weights

    loaded = weights(str(checkpoint_path()), "auto", "auto")
    start = time.perf_counter()
    prompts = sorted(
        (
            token_ids(loaded.tokenizer, chat_text(loaded.tokenizer, chat(text)))
            for text in instructions
        ),
        key=len,
    )
    lengths = []
    torch.manual_seed(0)
    for at in range(0, len(prompts), 32):
        batch = prompts[at : at + 32]
        width = max(map(len, batch))
        padded = [[loaded.pad] * (width - len(ids)) + ids for ids in batch]
        mask = [[0] * (width - len(ids)) + [1] * len(ids) for ids in batch]
        tokens = loaded.model.generate(
            input_ids=torch.tensor(padded, device=loaded.device),
            attention_mask=torch.tensor(mask, device=loaded.device),
            do_sample=True,
            temperature=0.7,
            top_k=0,
            max_new_tokens=_LIMIT,
        )
        for answer in tokens[:, width:].tolist():
            end = next(
                (i for i, token in enumerate(answer) if token in loaded.eos), len(answer) - 1
            )
            lengths.append(end + 1)
    return _facts(start, lengths)


def _facts(start: float, lengths: list[int]) -> dict[str, Any]:
    return {
        "seconds": time.perf_counter() - start,
        "rows": len(lengths),
        "tokens": sum(lengths),
    }


if __name__ == "__main__":
    main()
