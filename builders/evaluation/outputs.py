"""Answers in the format of AlpacaEval's model_outputs, for other harnesses."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from builders.files.atomic import write_json
from builders.rows import Row


def outputs_path(path: Path, part: str) -> Path:
    """Where the answers of a part go: the drafts beside the refinements.

    >>> outputs_path(Path("answers.json"), "draft").name
    'answers-draft.json'
    """
    return path.with_name(f"{path.stem}-draft{path.suffix}") if part == "draft" else path


def write_outputs(
    path: Path, model: str, source: str, rows: Sequence[Row], parts: Mapping[str, Mapping[str, str]]
) -> list[Path]:
    """Write {dataset, instruction, output, generator} of each answer, a file for each part.

    Turns before an instruction stand in `history` and `system`, which such files do not have.
    """
    written = []
    for part, answers in parts.items():
        generator = f"{model} (draft)" if part == "draft" else model
        outputs = [
            {
                "dataset": source,
                "instruction": row["instruction"],
                **({"history": row["history"]} if row["history"] else {}),
                **({"system": row["system"]} if row["system"] else {}),
                "output": answers[row["item"]],
                "generator": generator,
            }
            for row in rows
            if row["item"] in answers
        ]
        write_json(outputs_path(path, part), outputs)
        written.append(outputs_path(path, part))
    return written
