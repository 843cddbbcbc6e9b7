"""Files that are damaged in every way: each command names the file in one line."""

import json
import os
import shutil
import sys
from pathlib import Path

import pytest

from builders.audit.frozen import open_set
from builders.release.make import release_runs
from pipelines.cli import main
from pipelines.cli.audit import freeze
from pipelines.cli.audit import run as audit
from pipelines.llms.store import CompletionStore
from tests.ledger_rows import kept_rows, make_run
from tests.review_folders import make_review
from tests.verdict_rows import verdict_row

PART, SHARD = "ledger/part-000000.parquet", "feedback/train-00000-of-00001.parquet"
RUN, RELEASE, REVIEW = "runs/one", "releases/tiny@v1.0.0", "reviews/one"
SET, AUDIT = "audits/people", "audits/people/audits/good"


def cut(content: bytes) -> bytes:
    return content[: len(content) // 2]


def flipped(content: bytes) -> bytes:
    """A bit of each of the pages, or of each line of a text."""
    changed = bytearray(content)
    for at in range(len(changed) // 8, len(changed), max(1, len(changed) // 8)):
        changed[at] ^= 0x80
    return bytes(changed)


def empty(content: bytes) -> bytes:
    return b""


def not_utf_8(content: bytes) -> bytes:
    return b"\xff\xfe" + content


DAMAGES = (cut, flipped, empty, not_utf_8, None)
NEW = ("--name", "new", "--version", "1.0.0", "--out", "new")
# The commands that read a file, by the file; each in a few words.
COMMANDS = {
    f"{RUN}/recipe.yaml": [f"build stage1 {RUN}/recipe.yaml --out {RUN}"],
    f"{RUN}/manifest.json": [
        f"status {RUN}",
        f"view {RUN} --export page.html",
        f"release {RUN} {' '.join(NEW)}",
    ],
    f"{RUN}/{PART}": [
        f"show {RUN}",
        f"release {RUN} {' '.join(NEW)}",
        f"review draw {RUN} --sample 5 --out drawn",
    ],
    f"{RELEASE}/manifest.json": [
        f"check {RELEASE}",
        f"view {RELEASE} --export page.html",
        f"publish {RELEASE} --repo o/n --dry-run",
        f"release {RUN} --name tiny --version 2.0.0 --out releases",
    ],
    f"{RELEASE}/{SHARD}": [
        f"check {RELEASE}",
        f"publish {RELEASE} --repo o/n --dry-run",
        f"release {RUN} --name tiny --version 2.0.0 --out releases",
    ],
    f"{REVIEW}/review.json": [
        f"review report {REVIEW}",
        f"view {REVIEW} --export page.html",
        f"release {RUN} {' '.join(NEW)} --review {REVIEW}",
    ],
    f"{REVIEW}/verdicts.parquet": [
        f"review report {REVIEW}",
        f"view {REVIEW} --export page.html",
        f"release {RUN} {' '.join(NEW)} --review {REVIEW}",
    ],
    f"{SET}/set.json": [f"audit show {SET}", f"audit run good.jsonl --set {SET}"],
    f"{SET}/pairs.parquet": [f"audit run good.jsonl --set {SET}"],
    f"{AUDIT}/audit.json": [
        f"audit show {SET}",
        f"view {AUDIT} --export page.html",
        f"release {RUN} {' '.join(NEW)} --audit {AUDIT}",
    ],
    "store.sqlite": ["cache stats --store store.sqlite", "cache prune --all --store store.sqlite"],
}
# An empty store is a new one, and half of an empty one is not seen to be damaged.
READABLE = {("store.sqlite", flipped), ("store.sqlite", empty)}


@pytest.fixture(scope="module")
def whole(tmp_path_factory) -> Path:
    """A folder with one of everything that commands read."""
    folder = tmp_path_factory.mktemp("work")
    before = Path.cwd()
    os.chdir(folder)
    try:
        rows = list(kept_rows(40))
        run = make_run(Path(RUN), rows, stage=1)
        release_runs([run], name="tiny", version="1.0.0", out=Path("releases"), parent="none")
        verdicts = [verdict_row(number, id=row["id"]) for number, row in enumerate(rows[:3])]
        make_review(Path(REVIEW), Path(RUN), verdicts)
        pairs = [
            {"instruction": f"Why {n}?", "answer_a": f"So {n}.", "answer_b": "No.", "better": "a"}
            for n in range(3)
        ]
        Path("pairs.jsonl").write_text("".join(json.dumps(pair) + "\n" for pair in pairs))
        freeze(pairs=Path("pairs.jsonl"), out=Path(SET), license="mit")
        scores = [{"id": p["id"], "score_a": 2, "score_b": 1} for p in open_set(Path(SET)).pairs]
        Path("good.jsonl").write_text("".join(json.dumps(score) + "\n" for score in scores))
        audit("good.jsonl", Path(SET), store=folder / "other.sqlite")
        CompletionStore(folder / "store.sqlite").close()
    finally:
        os.chdir(before)
    return folder


@pytest.fixture
def work(whole, tmp_path, monkeypatch) -> Path:
    shutil.copytree(whole, tmp_path / "work")
    monkeypatch.chdir(tmp_path / "work")
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.setenv("SRT_STORE", str(tmp_path / "responses.sqlite"))
    return tmp_path / "work"


def said(words: str, monkeypatch, capsys) -> tuple[int, str]:
    """The exit status of a command, and its last line."""
    monkeypatch.setattr(sys, "argv", ["srt", *words.split()])
    capsys.readouterr()
    code = 0
    try:
        main()
    except SystemExit as ended:
        code = ended.code or 0
    lines = capsys.readouterr().err.splitlines()
    return code, lines[-1] if lines else ""


@pytest.mark.parametrize("damage", DAMAGES, ids=lambda one: one.__name__ if one else "folder")
@pytest.mark.parametrize("name", COMMANDS)
def test_a_damaged_file_is_named_by_every_command(work, name, damage, monkeypatch, capsys):
    if (name, damage) in READABLE:
        return
    path = work / name
    content = path.read_bytes()
    for command in COMMANDS[name]:
        shutil.rmtree("new", ignore_errors=True)
        # What SQLite keeps beside a store is of the file that it was opened with.
        for beside in work.glob("store.sqlite-*"):
            beside.unlink()
        if path.is_dir():
            path.rmdir()
        if damage is None:
            path.unlink(missing_ok=True)
            path.mkdir()
        else:
            path.write_bytes(damage(content))
        code, line = said(command, monkeypatch, capsys)
        assert code in (1, 2, 3), command
        assert line.startswith("srt: "), (command, line)
        # In the place of a file that says what its folder is, a folder makes it none.
        folder, _, file = name.rpartition("/")
        assert file in line or (damage is None and folder in line), (command, line)
