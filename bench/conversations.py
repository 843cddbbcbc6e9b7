"""Is a conversation asked about in stage 2 by the tokens that stage 1 was trained on?

    python -m bench.conversations FILE [--rows 200] [--asked 20] [--tokens 96] [--steps 8]

The conversations of FILE, in any form that a recipe reads, that have turns before their last
question go through the whole method with the embedded model: it drafts, a critic that follows a
script criticizes and refines (the model itself cannot, before it is trained), the rows are
released, and `train/stage1.py` trains the model on them for a few steps. Then the checkpoint
criticizes the same drafts, as in stage 2, and drafts and criticizes answers to other conversations.

Claim: each prompt that stage 2 sends about a conversation that was trained on has, token by token,
the tokens before the answer in what was trained. Shown are the rows, the reasons of those that were
dropped, and the minutes of each part.
"""

import json
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Any

from bench.common import ROOT, options, show, verdict
from builders.critique.prompts import Message
from builders.ledger.run import Run, open_complete_run
from builders.release.make import release_runs
from builders.rows import Row
from builders.rows.read import read_rows
from builders.rows.schema import SFT_ROWS
from builders.training.sft import review_turns
from pipelines.generate.build import build_run
from pipelines.generate.instructions import make_sources
from pipelines.llms.messages import Request
from pipelines.recipe.file import parse_recipe
from tests.openai_server import OpenAIServer, critic

_RECIPE = ROOT / "train/recipes/stage1-embedded.yaml"
Tokens = tuple[int, ...]


def conversations(file: Path, license_: str) -> Iterator[dict[str, Any]]:
    """{messages} of each row of the file that has turns before its last question."""
    values = {
        "name": "file",
        "license": license_,
        "instructions": {"path": str(file), "license": license_, "bad_rows": "drop"},
        "drafts": {"kind": "file", "model": "somebody"},
        "critic": {"kind": "embedded"},
    }
    (source,) = make_sources(parse_recipe(values, "bench").instructions)
    for record in source.records():
        if getattr(record, "history", None):
            system = [{"role": "system", "content": record.system}] if record.system else []
            asked = {"role": "user", "content": record.instruction}
            yield {"messages": [*system, *record.history, asked]}


def written(path: Path, talks: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """The source block of a file with these conversations."""
    path.write_text("".join(json.dumps(talk) + "\n" for talk in talks), encoding="utf-8")
    return {"path": str(path), "license": "other"}


def build(folder: Path, **blocks: Any) -> Run:
    # Short drafts are cut: here it matters what is asked about them, not what they say.
    filters = {"keep_truncated_drafts": True}
    values = {"name": folder.name, "license": "other", "language": ["en"], "filters": filters}
    values |= blocks
    return build_run(parse_recipe(values, "bench"), folder)


def train(release: Path, folder: Path, steps: int) -> list[tuple[list[int], list[int]]]:
    """Train the embedded model, and return the tokens and labels that the training got."""
    import train.tokenization as tokenization
    from train.stage1 import main

    sequences, trained = tokenization.sequences, []

    def noted(*arguments: Any) -> Iterator[tuple[list[int], list[int]]]:
        for one in sequences(*arguments):
            trained.append(one)
            yield one

    tokenization.sequences = noted
    try:
        keys = {"release": release, "output_dir": folder, "max_steps": steps, "max_length": "null"}
        keys |= {"save_strategy": "no", "per_device_train_batch_size": 2}
        main([str(_RECIPE), *(f"--{key}={value}" for key, value in keys.items())])
    finally:
        tokenization.sequences = sequences
    return trained


def prompts_of(trained: Sequence[tuple[list[int], list[int]]]) -> set[Tokens]:
    """The tokens before each answer that was learned."""
    return {
        tuple(ids[:at])
        for ids, labels in trained
        for at in range(1, len(labels))
        if labels[at] != -100 and labels[at - 1] == -100
    }


@contextmanager
def noting_prompts() -> Iterator[list[tuple[list[Message], Tokens]]]:
    """Every conversation that local weights are asked about, and its tokens, as they are asked."""
    from pipelines.llms.weights import local

    encode, sent = local.encode_prompts, []

    def noted(tokenizer: Any, requests: Sequence[Request], *arguments: Any) -> Any:
        ids, failed = encode(tokenizer, requests, *arguments)
        sent.extend((list(requests[at].messages), tuple(one)) for at, one in ids.items())
        return ids, failed

    local.encode_prompts = noted
    try:
        yield sent
    finally:
        local.encode_prompts = encode


def row_of(part: str, seconds: float, run: Run | None = None) -> list[Any]:
    """A row of the table; counts where the part is a run."""
    if run is None:
        return [part, seconds / 60, *[None] * 5, ""]
    facts = run.read_manifest().funnel
    dropped = ", ".join(f"{count} {reason}" for reason, count in facts.dropped.items())
    counts = [facts.rows, facts.drafted, facts.critiqued, facts.scored, facts.kept]
    return [part, seconds / 60, *counts, dropped]


def measure(arguments: Any, folder: Path) -> bool:
    found = conversations(arguments.file, "other")
    talks = list(islice(found, arguments.rows + arguments.asked))
    first, others = talks[: arguments.rows], talks[arguments.rows :]
    source = written(folder / "talks.jsonl", first)
    tokens = arguments.tokens
    embedded = {"kind": "embedded", "max_new_tokens": tokens, "temperature": 0.7}
    rows, clock = [], time.perf_counter()

    def took() -> float:
        nonlocal clock
        seconds, clock = time.perf_counter() - clock, time.perf_counter()
        return seconds

    with OpenAIServer(critic) as server:
        asked = {"kind": "openai", "model": "script", "base_url": server.url, "api_key_env": None}
        build(folder / "stage1", instructions=source, drafts=embedded, critic=asked)
    run = open_complete_run(folder / "stage1")
    rows.append(row_of("stage 1", took(), run[0]))
    release = release_runs([run], name="talks", version="1.0.0", out=folder)
    rows.append(row_of("release", took()))
    checkpoint = folder / "checkpoint"
    trained = train(release, checkpoint, arguments.steps)
    rows.append(row_of(f"training, {arguments.steps} steps", took()))

    kept = [row for row in run[0].iter_rows() if row["status"] == "kept"]
    same_rows = kept[: arguments.asked]
    again = written(folder / "again.jsonl", [_answered(row) for row in same_rows])
    model = {"kind": "transformers", "model": str(checkpoint), "max_new_tokens": tokens}
    stage2 = {"stage": 2, "critic": model, "disjoint_from": []}
    given = {"kind": "file", "model": "embedded"}
    with noting_prompts() as sent:
        same = build(folder / "same", instructions=again, drafts=given, **stage2)
    rows.append(row_of("stage 2, the same drafts", took(), same))
    if others:
        source = written(folder / "others.jsonl", others)
        run2 = build(folder / "stage2", instructions=source, drafts=model, **stage2)
        rows.append(row_of("stage 2, other conversations", took(), run2))
    columns = ("part", "minutes", "rows", "drafted", "critiqued", "scored", "kept", "dropped")
    show(f"{arguments.file.name}: conversations with the embedded model", columns, rows)
    known = prompts_of(trained)
    turns = Counter(len(row["history"]) for row in kept)
    released = sum(1 for path in release.glob("sft/*.parquet") for _ in read_rows(path, SFT_ROWS))
    print(f"{len(kept)} conversations with {dict(sorted(turns.items()))} turns before the question")
    print(f"{released} training rows in {len(trained)} sequences, {len(known)} learned answers")
    about_drafts = [
        review_turns(row["instruction"], row["draft"], system=row["system"], history=row["history"])
        for row in same_rows
    ]
    prompts = [ids for messages, ids in sent if messages in about_drafts]
    equal = sum(prompt in known for prompt in prompts)
    size = sum(map(len, prompts))
    name = f"of {len(prompts)} critique prompts ({size:,} tokens), those trained on"
    met = equal == len(prompts) == len(same_rows) > 0
    verdict(name, equal, "all", met)
    return met


def _answered(row: Row) -> dict[str, Any]:
    system = [{"role": "system", "content": row["system"]}] if row["system"] else []
    turns = [("user", row["instruction"]), ("assistant", row["draft"])]
    messages = [{"role": role, "content": text} for role, text in turns]
    return {"messages": [*system, *row["history"], *messages]}


def main() -> None:
    parser = options(__doc__)
    parser.add_argument("file", type=Path, help="a file of conversations")
    parser.add_argument("--rows", type=int, default=200, help="conversations to train on")
    parser.add_argument("--asked", type=int, default=20, help="conversations to ask about")
    parser.add_argument("--tokens", type=int, default=96, help="the most tokens of a reply")
    parser.add_argument("--steps", type=int, default=8, help="steps of training")
    parser.add_argument("--out", type=Path, help="keep the folders here")
    arguments = parser.parse_args()
    if arguments.smoke:
        arguments.rows, arguments.asked, arguments.steps = 6, 3, 1
    if arguments.out:
        arguments.out.mkdir(parents=True)
        raise SystemExit(not measure(arguments, arguments.out))
    with tempfile.TemporaryDirectory() as folder:
        raise SystemExit(not measure(arguments, Path(folder)))


if __name__ == "__main__":
    main()
