"""What an evaluation is made of: instructions, and answers that exist already.

Instructions are a table in any shape that recipes read. Answers are those of a table with an answer
beside each instruction, as AlpacaEval's model_outputs, or of a complete run.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from builders.errors import BadInput
from builders.evaluation.annotations import item_key
from builders.files.hashes import sha256_of_file
from builders.files.tables import ENDINGS, read_table
from builders.instructions.file_source import FileSource
from builders.ledger.run import open_complete_run
from builders.review.folder import digest_of
from builders.rows import Row

_NAMES = ("generator", "model", "model_name")
_CONVERSATION = ("instruction", "system", "history", "criteria", "task")
_COLUMNS = ["id", *_CONVERSATION, "draft", "refinement", "reason"]


@dataclass(frozen=True)
class Material:
    """Instructions, and answers to them by item. `digest` is that of the file or run."""

    name: str
    digest: str
    rows: Sequence[Row]
    drafts: Mapping[str, str]
    refinements: Mapping[str, str]
    writer: str | None = None


def is_answers(path: Path) -> bool:
    """Whether a path is a table or a run, in place of a model."""
    is_table = path.is_file() and path.name.lower().endswith(ENDINGS)
    return is_table or ((path / "recipe.yaml").is_file() and (path / "ledger").is_dir())


def read_material(path: Path, limit: int | None = None) -> Material:
    """The instructions and answers in a table or a complete run; BadInput if it is neither.

    An instruction that comes twice counts once.
    """
    if path.is_dir():
        return _of_run(path, limit)
    rows, drafts = {}, {}
    for record in FileSource(path, path.name, "unknown").records():
        row = _conversation({name: getattr(record, name) for name in _CONVERSATION})
        if row["item"] not in rows and limit is not None and len(rows) >= limit:
            break
        rows.setdefault(row["item"], row)
        drafts.setdefault(row["item"], record.draft or "")
    if not rows:
        raise BadInput(f"{path}: it has no instructions")
    return Material(path.name, sha256_of_file(path), list(rows.values()), drafts, {}, _writer(path))


def _of_run(folder: Path, limit: int | None) -> Material:
    """The drafts and refinements of a run, whatever became of their rows.

    Where a critique could not be read, the draft is the answer, as when the model is served.
    """
    run = open_complete_run(folder)[0]
    rows, drafts, refinements = {}, {}, {}
    for found in run.iter_rows(_COLUMNS):
        if found["draft"] is None and found["reason"] not in ("draft_empty", "draft_truncated"):
            continue
        row = _conversation({name: found[name] for name in _CONVERSATION})
        if row["item"] in rows:
            continue
        if limit is not None and len(rows) >= limit:
            break
        rows[row["item"]] = row
        drafts[row["item"]] = found["draft"] or ""
        if found["refinement"] is not None:
            refinements[row["item"]] = found["refinement"]
    if not rows:
        raise BadInput(f"{folder}: no row of the run has a draft")
    name = folder.resolve().name
    return Material(name, digest_of(folder), list(rows.values()), drafts, refinements, name)


def _conversation(row: Row) -> Row:
    turns = [dict(turn) for turn in row["history"]]
    item = item_key(row["instruction"], turns, row["system"] or "")
    return {"item": item, **row, "history": turns}


def _writer(path: Path) -> str | None:
    """The model that a table of answers names, if it is one."""
    names = {
        row[key] for _, row in read_table(path) for key in _NAMES if isinstance(row.get(key), str)
    }
    return names.pop() if len(names) == 1 else None
