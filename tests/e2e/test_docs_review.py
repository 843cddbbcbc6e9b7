"""The commands of docs/review.md work as printed there, one after the other.

The page's session is run once, with annotators who answer partly at random. `SRT_PICTURES` names a
folder for its pictures, `SRT_REVIEWED` a run to review instead of one that is created here.
"""

import json
import os
import random
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
import typer
import yaml

from builders.review.folder import open_review
from builders.review.source import SHOWN, open_source
from builders.review.statistics.intervals import share_ends
from pipelines.cli import app
from pipelines.recipe.file import parse_recipe
from pipelines.review.dataset import annotation_page
from tests.argilla import RunningArgilla
from tests.browser import Annotator, installed, running_browser
from tests.e2e.review_pictures import EXAMPLE, show_section, take, take_phone
from tests.e2e.review_pictures import take_pages as pictures_of_pages
from tests.ledger_rows import kept_rows, make_run
from tests.reviewing import Reviewing, full_answer

pytestmark = pytest.mark.xdist_group("argilla")

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/review.md").read_text(encoding="utf-8")
BLOCKS = dict(re.findall(r"<!-- (\w+) -->\n```\w+\n(.*?)```", PAGE, flags=re.S))
PICTURES = re.findall(r"\]\(assets/(review-[a-z]+\.png)\)", PAGE)
RUN = Path("runs/stage1-embedded")
# Records listed in one request.
_MANY = 500


class Terminal:
    """Where the page's blocks are typed; `printed` has what each of them printed."""

    def __init__(self, folder: Path, argilla: RunningArgilla) -> None:
        self.folder, self.printed = folder, {}
        programs = Path(sys.executable).parent
        self._env = {
            **os.environ,
            **argilla.env,
            "HF_HOME": str(folder / "hf"),
            "PYTHONPATH": str(ROOT),
            "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}",
            "COLUMNS": "120",
        }

    def type(self, name: str, block: str | None = None) -> None:
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", block or BLOCKS[name]],
            cwd=self.folder,
            env=self._env,
            capture_output=True,
            text=True,
            check=False,
            timeout=600,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        self.printed[name] = done.stdout


@pytest.fixture(scope="module")
def session(argilla_server, tmp_path_factory):
    """The page's session, from the first block to the last."""
    folder = tmp_path_factory.mktemp("docs-review")
    begin(folder)
    (folder / "my-argilla").symlink_to(argilla_server.folder)
    (folder / "people.yaml").write_text(BLOCKS["people"])
    terminal = Terminal(folder, argilla_server)
    terminal.type("export", BLOCKS["export"] + 'echo "$ARGILLA_API_KEY"')
    terminal.type("push")
    reviewing = Reviewing(argilla_server, open_review(folder / "reviews" / RUN.name))
    pictures = take_pages(reviewing, folder)
    answer(reviewing)
    for name in ("status", "pull", "report", "team", "release"):
        terminal.type(name)
    (release,) = (folder / "releases").iterdir()
    take_tables(reviewing.review.folder, release, pictures)
    terminal.type("load", shlex.join([sys.executable, "-c", BLOCKS["load"]]))
    terminal.type("assisted")
    terminal.type("elsewhere", re.sub(r"https://\S+", argilla_server.url, BLOCKS["elsewhere"]))
    return SimpleNamespace(
        printed=terminal.printed,
        verdicts=reviewing.review.verdicts(),
        release=release,
        pictures=pictures,
        api_key=argilla_server.api_key,
    )


def begin(folder: Path) -> None:
    """The run that is reviewed, with the page's limits in its recipe."""
    run = folder / RUN
    if reviewed := os.environ.get("SRT_REVIEWED"):
        shutil.copytree(reviewed, run)
    else:
        make_run(run, [EXAMPLE, *kept_rows(50, first=1)])
    manifest = json.loads((run / "manifest.json").read_text())
    limits = yaml.safe_load(BLOCKS["limits"])
    # Rows of a few templates are alike, and no benchmark is here.
    gate = {"benchmarks": False, "warn_near_duplicates": 1.0, **limits.pop("gate")}
    text = json.dumps({**manifest, **limits, "gate": gate})
    (run / "manifest.json").write_text(text)


def take_pages(reviewing: Reviewing, folder: Path) -> Path | None:
    """Take the pictures of the page that annotators see; their folder, None without a browser."""
    if not installed():
        return None
    pictures = Path(os.environ.get("SRT_PICTURES", folder / "pictures")).absolute()
    pictures.mkdir(exist_ok=True)
    facts, folder = reviewing.review.facts, reviewing.review.folder
    name, password = next(iter(yaml.safe_load((folder / "passwords.yaml").read_text()).items()))
    # Records are in the order of the run.
    shown = reviewing.of_row.get(EXAMPLE["id"])
    part = "calibration" if shown and shown["calibration"] else "sample"
    page = annotation_page(facts.url, reviewing.datasets[part])
    for take_some in (pictures_of_pages, take_phone):
        with running_browser() as browser:
            annotator = Annotator(browser, facts.url, name, password)
            take_some(browser, annotator, page, pictures)
    return pictures


def take_tables(review: Path, release: Path, pictures: Path | None) -> None:
    """Take the pictures of what the report and the card say."""
    if pictures is None:
        return
    with running_browser() as browser:
        show_section(browser, review / "report.md", "Do people agree", "| the model's score")
        take(browser, pictures / "review-report.png", "main")
        show_section(browser, release / "README.md", "Human verdicts", "\n## ")
        take(browser, pictures / "review-card.png", "main")


def answer(reviewing: Reviewing) -> None:
    """All annotators answer all records, mostly in agreement with the model's scores."""
    rows = {row["id"]: row for row in open_source(reviewing.review.source).rows("scored", SHOWN)}
    for part in reviewing.datasets:
        for page in pages(reviewing, part):
            row = rows[reviewing.drawn[page["external_id"]]["id"]]
            for name in yaml.safe_load(BLOCKS["people"])["annotators"]:
                answers, status = opinion(row, name)
                reviewing.answer(name, page, answers, status)


def pages(reviewing: Reviewing, part: str) -> Iterator[dict]:
    path, offset = f"datasets/{reviewing.datasets[part]}/records", 0
    while page := reviewing.owner("GET", path, params={"offset": offset, "limit": _MANY})["items"]:
        yield from page
        offset += len(page)


def opinion(row: dict, name: str) -> tuple[dict, str]:
    """An annotator's answers on a row, and the status of the response; always the same."""
    of_all, own = random.Random(row["id"]), random.Random(f"{row['id']} {name}")
    # Mostly, people disagree with the model together; more rarely, one of them does alone.
    against = (of_all.random() < 0.2) != (own.random() < 0.07)
    draft, refinement = (
        min(10, max(1, row[f"{part}_score"] + own.choice((-1, 0, 0, 1))))
        for part in (("refinement", "draft") if against else ("draft", "refinement"))
    )
    margin = row["refinement_score"] - row["draft_score"]
    better = "tie" if margin == 0 else "draft" if (margin < 0) != against else "refinement"
    answers = full_answer(
        better,
        draft,
        refinement,
        weaknesses_real=own.choice(("none", "some") if against else ("all", "all", "some")),
        suggestions_actionable=own.random() < 0.8,
        refinement_introduces_error=against and own.random() < 0.5,
    )
    if better == "draft" and own.random() < 0.5:
        answers["corrected_refinement"] = f"{row['draft']}\n\n{row['refinement']}"
    return answers, "discarded" if own.random() < 0.02 else "submitted"


def test_the_page_has_no_block_that_is_not_run():
    assert BLOCKS.keys() == {
        "serve", "export", "people", "push", "pull", "report", "limits", "release", "load",
        "assisted", "elsewhere", "team", "status",
    }  # fmt: skip
    assert PAGE.count("```") == 2 * len(BLOCKS)


def test_readme_has_the_same_commands():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    typed = re.findall(r"^(?:argilla|you)\$ +(.*)\n", readme, flags=re.M)
    names = ("serve", "export", "push", "pull", "report", "release")
    ours = "".join(BLOCKS[name] for name in names).replace(f"s/{RUN.name}", "s/my-feedback")
    assert ours in "".join(f"{command}\n" for command in typed)


def test_the_server_is_started_and_named_as_it_says(session):
    """That it starts so is tested in tests/services/argilla."""
    command = typer.main.get_command(app)
    words = shlex.split(BLOCKS["serve"])
    for group in words[:2]:
        assert group in ("srt", *command.commands)
        command = command.commands.get(group, command)
    parsed = command.commands[words[2]].make_context(words[2], words[3:]).params
    assert parsed["folder"] == Path("my-argilla")
    assert f"ARGILLA_API_URL=http://127.0.0.1:{parsed['port']} " in BLOCKS["export"]
    assert session.printed["export"] == f"{session.api_key}\n"


def test_what_is_asked_of_a_release_are_keys_of_a_recipe(session):
    models = {"kind": "embedded"}
    base = {"name": "x", "instructions": {"builtin": "stage1"}, "drafts": models, "critic": models}
    parse_recipe({**base, **yaml.safe_load(BLOCKS["limits"])}, "docs/review.md")


def test_every_option_of_push_is_documented():
    command = typer.main.get_command(app).commands["review"].commands["push"]
    options = [name for option in command.params for name in option.opts if name[:2] == "--"]
    assert len(options) >= 10
    assert [name for name in options if f"`{name}" not in PAGE] == ["--json"]


def test_the_session_ends_on_the_card(session):
    count = f"{len(session.verdicts):,} verdicts"
    assert session.printed["pull"].startswith(f"{count} (")
    assert session.printed["report"].startswith(f"{count} on ")
    assert f"{count} by 3 people" in (session.release / "README.md").read_text()
    assert session.printed["load"].split()[0].isdecimal()
    assert "srt review pull reviews/corrections" in session.printed["assisted"]
    assert session.printed["elsewhere"].startswith(f"{count} (0 new")


def test_the_widths_of_intervals_are_those_of_the_report():
    def interval(share, of):
        return [round(100 * end) for end in share_ends(share, of, of - 1)]

    rows = re.findall(r"^\| (\d+) \| (\d+) to (\d+)% \| (\d+) to (\d+)% \|$", PAGE, flags=re.M)
    assert [int(row[0]) for row in rows] == [50, 100, 200, 400]
    for row in rows:
        of, *ends = map(int, row)
        assert ends == interval(0.8, of) + interval(0.9, of)
    (shared,) = re.findall(r"each of (\d+) rows, give (\d+) to (\d+)%", " ".join(PAGE.split()))
    of, *ends = map(int, shared)
    assert (of, ends) == (200 // 3 + 1, interval(0.8, of))


def test_the_pictures_are_there_and_small():
    assert len(PICTURES) == 5
    for name in PICTURES:
        picture = (ROOT / "docs" / "assets" / name).read_bytes()
        assert picture.startswith(b"\x89PNG")
        assert int.from_bytes(picture[16:20], "big") <= 1200
        assert len(picture) < 200_000


def test_the_pictures_are_those_of_the_session(session):
    if session.pictures is None:
        pytest.skip("no Chromium with its driver")
    assert sorted(PICTURES) == sorted(path.name for path in session.pictures.glob("review-*"))
