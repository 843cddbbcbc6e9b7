"""Makes the runs, reviews and releases of this folder. Only the code of schema 1.1 can.

    python -m tests.schema_1.make WORK

in the root of that code, with this folder copied to its `tests/`. README.md says which commit it
is. WORK is a folder that need not exist: its path stays in the runs' recipes.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pipelines.embedded import cache_dir

from builders.review.folder import open_review
from services.argilla.launch import RunningArgilla, running_argilla
from tests.argilla import ask, submit
from tests.reviewing import Reviewing, as_shown, thought

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
GIVEN = ("recipes", "people.yaml", "evaluation.txt")
MADE = ("runs", "reviews", "pushed", "releases", "argilla.json")
PEOPLE = ("amal", "bo", "chidi")

# `srt` that dies, as by a power cut, when two parts of a ledger are on the disk.
_KILLED = """
import os, signal
from builders.run import Run
append = Run.append

def append_and_die(run, rows):
    append(run, rows)
    if len(run.parts()) == 2:
        os.kill(os.getpid(), signal.SIGKILL)

Run.append = append_and_die
from pipelines.cli import main
main()
"""
# `srt` that draws its pictures small: they are most of a small release.
_SMALL = """
import cards.plots
figure = cards.plots.Figure
cards.plots.Figure = lambda **keys: figure(**{**keys, "dpi": 25})
from pipelines.cli import main
main()
"""


def main(work: Path) -> None:
    work.mkdir(parents=True, exist_ok=True)
    for name in GIVEN:
        copy(HERE / name, work / name)
    srt(work, "build", "stage1", "recipes/questions.yaml")
    srt(work, "build", "stage1", "recipes/facts.yaml", program=["-c", _KILLED], expect=-9)
    with tempfile.TemporaryDirectory() as data, running_argilla(Path(data), cache_dir()) as argilla:
        review(work, argilla)
    release(work, "questions", "1.0.0", "--evaluation", "evaluation.txt")
    release(work, "questions", "1.1.0", "--review", "reviews/questions")
    srt(work, "build", "stage2", "recipes/pairs.yaml")
    release(work, "pairs", "1.0.0")
    for name in MADE:
        copy(work / name, HERE / name)


def copy(source: Path, target: Path) -> None:
    if source.is_dir():
        shutil.rmtree(target, ignore_errors=True)
        shutil.copytree(source, target)
    else:
        shutil.copyfile(source, target)


def srt(
    work: Path,
    *words: str,
    program: Sequence[str] = ("-m", "pipelines"),
    env: dict[str, str] | None = None,
    expect: int = 0,
) -> None:
    done = subprocess.run(
        [sys.executable, *program, *words],
        cwd=work,
        env={**os.environ, "PYTHONPATH": str(ROOT), **(env or {})},
        check=False,
    )
    assert done.returncode == expect, done.returncode


def release(work: Path, name: str, version: str, *words: str) -> None:
    words = (f"runs/{name}", "--name", name, "--version", version, *words)
    srt(work, "release", *words, program=["-c", _SMALL])


def review(work: Path, argilla: RunningArgilla) -> None:
    """Push a review, keep it as it is then, have people answer it, and pull it."""
    # Accounts that exist need no passwords.yaml in the review's folder.
    for name in PEOPLE:
        account = {"username": name, "first_name": name, "role": "annotator", "password": "p" * 12}
        assert ask(argilla.url, argilla.api_key, "POST", "users", json=account).ok
    options = ("--annotators", "people.yaml", "--sample", "10", "--calibration", "2")
    srt(work, "review", "push", "runs/questions", *options, env=argilla.env)
    copy(work / "reviews", work / "pushed")
    opened = open_review(work / "reviews/questions")
    reviewing = Reviewing(argilla, opened)
    datasets = [dataset_of(reviewing, part) for part in ("calibration", "sample")]
    answer(reviewing)
    srt(work, "review", "pull", "reviews/questions", env=argilla.env)
    facts = {
        "workspace": opened.facts["workspace"],
        "users": PEOPLE,
        "datasets": datasets,
        "responses": [
            response
            for part in ("calibration", "sample")
            for response in responses_of(reviewing, part)
        ],
    }
    text = json.dumps(facts, indent=1, ensure_ascii=False)
    (work / "argilla.json").write_text(text + "\n", encoding="utf-8")


def dataset_of(reviewing: Reviewing, part: str) -> dict[str, Any]:
    """What the push has put on the server: a dataset's settings and its records."""
    path = f"datasets/{reviewing.datasets[part]}"
    dataset = reviewing.owner("GET", path)
    records = reviewing.owner("GET", f"{path}/records?limit=1000&include=suggestions")["items"]
    kept = {
        "fields": ("name", "title", "required", "settings"),
        "questions": ("name", "title", "description", "required", "settings"),
        "metadata-properties": ("name", "title", "settings", "visible_for_annotators"),
    }
    asked = {
        kind: reviewing.owner("GET", f"{'me/' * (kind[0] == 'm')}{path}/{kind}")["items"]
        for kind in kept
    }
    return {
        **{key: dataset[key] for key in ("name", "guidelines", "distribution")},
        **{
            kind: [{key: one[key] for key in keys} for one in asked[kind]]
            for kind, keys in kept.items()
        },
        "records": [
            {key: record[key] for key in ("external_id", "fields", "metadata", "suggestions")}
            for record in records
        ],
    }


def responses_of(reviewing: Reviewing, part: str) -> list[dict[str, Any]]:
    """What people have answered to a dataset, in the order in which it was saved last."""
    names = {user["id"]: user["username"] for user in reviewing.owner("GET", "users")["items"]}
    path = f"datasets/{reviewing.datasets[part]}/records?limit=1000&include=responses"
    found = [
        {**response, "external_id": record["external_id"], "user": names[response["user_id"]]}
        for record in reviewing.owner("GET", path)["items"]
        for response in record["responses"]
    ]
    found.sort(key=lambda response: response["updated_at"])
    keys = ("external_id", "user", "status", "values")
    return [{key: response[key] for key in keys} for response in found]


def answer(reviewing: Reviewing) -> None:
    """Three people answer: two everything, the third what everybody answers first and some more."""
    for part in ("calibration", "sample"):
        for name in PEOPLE:
            for number, (key, page) in enumerate(sorted(reviewing.pages(name, part).items())):
                if part == "calibration" or name != "chidi" or number < 6:
                    said = opinion(name, number, part)
                    if name == "bo" and number == 5:
                        saved_first(reviewing, name, page, said)
                    else:
                        reviewing.answer(name, page, said)
                elif number == 6:
                    submit(
                        reviewing.argilla.url, reviewing.keys[name], page["id"], None, "discarded"
                    )
                elif number == 7:
                    assert reviewing.drawn[key]["stratum"]
                    reviewing.answer(name, page, {"better": "draft"}, "draft")


def saved_first(reviewing: Reviewing, name: str, page: Any, said: dict[str, Any]) -> None:
    """An answer that is saved as a draft and submitted later."""
    response = reviewing.answer(name, page, {"better": "tie"}, "draft")
    order = reviewing.drawn[page["external_id"]]["order"]
    values = {name: {"value": value} for name, value in as_shown(said, order).items()}
    body = {"status": "submitted", "values": values}
    path = f"responses/{response}"
    assert ask(reviewing.argilla.url, reviewing.keys[name], "PUT", path, json=body).ok


def opinion(name: str, number: int, part: str) -> dict[str, Any]:
    """In the sample, rows 0, 1 and 3 are found wrong; 0, 2 and 3 are corrected."""
    if part == "calibration":
        return thought("refinement", 4 + number, 8, weaknesses_real="some" if number else "all")
    wrong = number in (0, 1, 3)
    said = thought(
        "draft" if wrong else "tie" if name == "chidi" and number == 4 else "refinement",
        6 if wrong else 3 + number % 3,
        4 if wrong else 7 + number % 3,
        weaknesses_real="none" if number == 3 else "all",
        suggestions_actionable=number != 1,
        refinement_introduces_error=wrong and name != "chidi",
    )
    if (name, number) == ("bo", 0):
        said["corrected_refinement"] = "As it should be, in the words of a person. Grüße! 🙂"
    if name == "amal" and number in (2, 3):
        said["corrected_critique"] = (
            "Weaknesses:\n1. It is right, and too short for a beginner.\n\n"
            "Suggestions:\n1. Add one example."
        )
    return said


if __name__ == "__main__":
    main(Path(sys.argv[1]))
