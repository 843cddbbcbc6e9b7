"""What README tells people to type works as it stands there."""

import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pyarrow.parquet as pq
import yaml

from builders.rows.schema import FEEDBACK, validate_feedback_row
from tests.hub import running_hub

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()
RELEASE = "releases/my-feedback@v1.0.0"


def blocks(language, text=README):
    return re.findall(rf"```{language}\n(.*?)```", text, flags=re.S)


def marked(name):
    (block,) = blocks("bash", README.split(f"<!-- {name} -->")[1].split("```\n\n")[0] + "```\n")
    return block.strip()


def test_the_two_commands_are_those_that_ci_runs():
    assert marked("demo") == "pip install -e . -c constraints.txt && srt demo"
    assert marked("test") == 'pip install -e ".[dev]" -c constraints.txt && pytest'
    script = (ROOT / ".ci" / "run").read_text()
    assert "$(block test)" in script
    assert "$(block demo)" in script


def test_the_row_is_one_of_a_release():
    (row,) = (json.loads(block) for block in blocks("json"))
    validate_feedback_row({**dict.fromkeys(FEEDBACK), "control_scores": [], **row})


def test_the_recipe_and_every_srt_command(srt, tmp_path):
    """Only the models are replaced; their recipe keys are checked as they stand."""
    from pipelines.recipe.file import parse_recipe

    (recipe,) = (yaml.safe_load(block) for block in blocks("yaml"))
    parse_recipe(recipe, "README.md")
    for role, function in {"drafts": "draft", "critic": "good_critic"}.items():
        recipe[role] = {"kind": "scripted", "script": f"tests.scripts:{function}"}
    (tmp_path / "my-feedback.yaml").write_text(yaml.safe_dump(recipe))
    rows = [{"instruction": f"Why does a {thing} float?"} for thing in ("ship", "cork", "balloon")]
    source = "".join(json.dumps(row) + "\n" for row in rows)
    (tmp_path / recipe["instructions"]["path"]).write_text(source)

    publishing = marked("publish")
    # The chain of both stages has a test of its own, and publishing needs a Hub.
    pages = [README.replace(marked("method"), "").replace(publishing, "")]
    pages += [(ROOT / "docs" / page).read_text() for page in ("building.md", "ray.md")]
    commands = [
        line.strip()
        for page in pages
        for block in blocks("bash", page)
        for line in block.splitlines()
        if line.startswith("srt ")
    ]
    assert len(commands) >= 13
    for command in commands:
        srt(*shlex.split(command)[1:])
    assert (tmp_path / RELEASE / "README.md").is_file()
    with running_hub(tmp_path / "hub") as hub:
        for command in publishing.splitlines():
            shown = srt(*shlex.split(command)[1:], env=hub.env).stdout
        assert "my-org/my-feedback@v1.0.0: commit" in shown
        assert "WRONG" not in shown
        kept = pq.read_metadata(*(tmp_path / RELEASE / "feedback").glob("train-*")).num_rows
        for name in ("datasets", "load"):
            (code,) = blocks(
                "python", README.split(f"<!-- {name} -->")[1].split("```\n\n")[0] + "```\n"
            )
            done = subprocess.run(
                [sys.executable, "-c", f"{code}\nprint(feedback.num_rows)"],
                cwd=tmp_path,
                env={
                    **os.environ,
                    **hub.env,
                    "HF_HOME": str(tmp_path / "hf"),
                    "PYTHONPATH": str(ROOT),
                },
                capture_output=True,
                text=True,
                check=False,
            )
            assert int(done.stdout) == kept, done.stderr


def test_what_readme_names_is_there():
    for recipe in set(re.findall(r"`(stage[a-z0-9-]+\.yaml)`", README)):
        assert (ROOT / "pipelines" / "recipes" / recipe).is_file()
    for path in re.findall(r"\]\((?!http)([^)#]+)\)|(train/recipes/\S+\.yaml)", README):
        assert (ROOT / "".join(path)).is_file()
