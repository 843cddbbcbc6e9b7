"""Frozen sets whose answers state their quality, which scripted judges read."""

import json
import random
from pathlib import Path

from builders.audit.freeze import freeze_file


def quality_set(
    folder: Path, pairs=40, *, name="set", people=("ada", "ben", "cem"), change=lambda row, n: row
) -> Path:
    """Freeze `pairs` pairs on as many instructions in `folder`; people choose the better answer."""
    chance, rows = random.Random(1), []
    for number in range(pairs):
        one, other = chance.sample(range(1, 11), 2)
        better = "a" if one > other else "b"
        row = {
            "id": f"pair-{number}",
            "instruction": f"Say something about topic {number} in the style of {number + 7}.",
            "answer_a": f"About {number}: an answer of quality {one}",
            "answer_b": f"About {number}: a different answer of quality {other}",
            "choices": dict.fromkeys(people, better),
            "writer_a": "base",
            "writer_b": "scripted",
            "score_a": 5,
            "score_b": 6,
        }
        rows.append(change(row, number))
    path = folder / f"{name}.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return freeze_file(path, folder / "audits" / name, license="mit").folder
