"""Prompts that models are evaluated on, from files that the user names or has in the cache."""

import gzip
import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from huggingface_hub import constants

from builders.errors import BadInput, reason_of
from builders.files.tables import ENDINGS, read_table
from builders.instructions.turns import role_of
from builders.review.folder import PAIRS

# The usual names of the field with the prompt.
_FIELDS = (
    "prompt",
    "question",
    "instruction",
    "turns",
    "problem",
    "goal",
    "query",
    "input",
    "ctx",
    "text",
    "messages",
    "conversations",
)
_TEXT_ENDINGS = (".txt", ".txt.gz")


@dataclass(frozen=True)
class EvaluationSet:
    """`sha256` is the hash of the prompts, in order."""

    name: str
    prompts: tuple[str, ...]

    @property
    def sha256(self) -> str:
        digest = hashlib.sha256()
        for prompt in self.prompts:
            digest.update(prompt.encode(errors="replace") + b"\0")
        return digest.hexdigest()


@dataclass(frozen=True)
class Benchmark:
    """A known evaluation set on the Hub: the files with its prompts, and their field."""

    name: str
    repo: str
    field: str
    files: str = "*test*"


BENCHMARKS = (
    Benchmark("AlpacaEval", "tatsu-lab/alpaca_eval", "instruction", "alpaca_eval.json"),
    Benchmark("ARC", "allenai/ai2_arc", "question"),
    Benchmark("BBH", "lukaemon/bbh", "input"),
    Benchmark("GSM8K", "openai/gsm8k", "question"),
    Benchmark("HellaSwag", "Rowan/hellaswag", "ctx", "*validation*"),
    Benchmark("HumanEval", "openai/openai_humaneval", "prompt"),
    Benchmark("IFEval", "google/IFEval", "prompt", "*"),
    Benchmark("MATH-500", "HuggingFaceH4/MATH-500", "problem"),
    Benchmark("MBPP", "google-research-datasets/mbpp", "text"),
    Benchmark("MMLU", "cais/mmlu", "question"),
    Benchmark("MT-Bench", "HuggingFaceH4/mt_bench_prompts", "prompt", "*"),
    Benchmark("TruthfulQA", "truthfulqa/truthful_qa", "question", "*validation*"),
    Benchmark("TyDiQA", "google-research-datasets/tydiqa", "question_text", "*validation*"),
)


def has_pairs(folder: Path) -> bool:
    """Whether a path is an evaluation by `srt evaluate` that keeps its instructions."""
    return (folder / PAIRS).is_file()


def read_evaluation_set(named: str) -> EvaluationSet:
    """The set in `FILE`, `FILE:FIELD` or an evaluation's folder; BadInput if it has no prompts.

    A text file has one prompt per line. A field has a text, a list of texts, or a conversation
    whose user turns are the prompts. If no field is named, the usual names are tried.
    """
    if has_pairs(folder := Path(named).expanduser()):
        prompts = dict.fromkeys(_prompts(folder / PAIRS, "instruction"))
        return EvaluationSet(folder.resolve().name, tuple(prompts))
    path, field = _file_and_field(named)
    prompts = tuple(prompt for prompt in _prompts(path, field) if prompt.strip())
    if not prompts:
        raise BadInput(f"{path}: no evaluation prompts in it")
    return EvaluationSet(path.name, prompts)


def local_benchmarks(
    cache: Path | None = None, benchmarks: Iterable[Benchmark] = BENCHMARKS
) -> tuple[list[EvaluationSet], list[str]]:
    """The known sets in `cache`, a cache of the Hub's client, and the names of those missing."""
    cache = cache or Path(constants.HF_HUB_CACHE)
    cached, absent = [], []
    for benchmark in benchmarks:
        prompts = tuple(dict.fromkeys(_cached_prompts(cache, benchmark)))
        if prompts:
            cached.append(EvaluationSet(benchmark.name, prompts))
        else:
            absent.append(benchmark.name)
    return cached, absent


def _cached_prompts(cache: Path, benchmark: Benchmark) -> Iterator[str]:
    snapshots = cache / f"datasets--{benchmark.repo.replace('/', '--')}" / "snapshots"
    for path in sorted(snapshots.rglob(benchmark.files)) if snapshots.is_dir() else ():
        # Links to the cache's blobs, which have no file endings.
        if path.is_file() and path.name.endswith(ENDINGS):
            try:
                yield from _prompts(path, benchmark.field)
            except BadInput:
                continue


def _file_and_field(named: str) -> tuple[Path, str | None]:
    path = Path(named).expanduser()
    before, colon, field = named.rpartition(":")
    if not path.is_file() and colon and Path(before).expanduser().is_file():
        return Path(before).expanduser(), field
    if not path.is_file():
        raise BadInput(f"{named}: no such file of evaluation prompts")
    return path, None


def _prompts(path: Path, field: str | None) -> Iterator[str]:
    if path.name.lower().endswith(_TEXT_ENDINGS):
        yield from _lines(path)
        return
    for place, row in read_table(path):
        field = field or next((name for name in _FIELDS if row.get(name)), None)
        if field is None:
            columns = ", ".join(map(str, row))
            raise BadInput(
                f"{place}: which column has the prompt? Name it as FILE:FIELD; there are {columns}"
            )
        if field not in row:
            raise BadInput(f"{place}: no column {field!r}; it has {', '.join(map(str, row))}")
        yield from _texts(row[field])


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        for item in value:
            yield from _texts(item)
    elif isinstance(value, Mapping) and role_of(value) == "user":
        yield from _texts(value.get("content") or value.get("value"))


def _lines(path: Path) -> Iterator[str]:
    opener = gzip.open if path.name.lower().endswith(".gz") else Path.open
    try:
        with opener(path, "rt", encoding="utf-8") as file:
            yield from (line.strip() for line in file)
    except (OSError, EOFError, UnicodeDecodeError) as error:
        raise BadInput(f"{path}: cannot be read: {reason_of(error)}") from None
