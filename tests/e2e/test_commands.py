"""The commands as a user types them, on scripted models."""

import json
import os
import shlex
import subprocess
import sys

import pytest

from tests.hub import published


def one_line(text):
    """The one `srt:` line that a failed command ends with."""
    (line,) = [line for line in text.splitlines() if line.startswith("srt: ")]
    return line


def test_from_recipe_to_release(srt, recipe, tmp_path):
    built = srt("build", "stage1", recipe())
    assert "40  instructions drawn" in built.stdout
    assert "dropped: " in built.stdout
    assert "next: srt release runs/scripted --name scripted --version 1.0.0" in built.stdout

    status = srt("status", "runs/scripted", "--json")
    facts = json.loads(status.stdout)
    assert facts["complete"]
    assert facts["rows"] == 40 == facts["kept"] + sum(facts["dropped"].values())
    assert "complete" in srt("status", "runs/scripted").stdout

    released = srt("release", "runs/scripted", "--name", "demo", "--version", "1.0.0")
    assert (tmp_path / "releases/demo@v1.0.0/manifest.json").is_file()

    # The printed lines work where none of our packages can be imported.
    lines = [line.strip() for line in released.stdout.splitlines() if line.startswith("  ")]
    assert len(lines) == 3
    code = "import sys; assert 'builders' not in sys.modules\n" + "\n".join(lines)
    loaded = subprocess.run(
        [sys.executable, "-I", "-c", code],
        cwd="/",
        env={"HF_HOME": str(tmp_path / "hf"), "HF_HUB_OFFLINE": "1"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert "weaknesses" in loaded.stdout

    for path in ("runs/scripted", "releases/demo@v1.0.0"):
        shown = srt("show", path, "--n", "2").stdout
        assert shown.count("refinement ·") == 2
        assert "Overall Score" in shown
    dropped = next(iter(facts["dropped"]))
    assert f"dropped: {dropped}" in srt("show", "runs/scripted", "--reason", dropped).stdout

    again = srt("release", "runs/scripted", "--name", "demo", "--version", "1.0.0", expect=2)
    assert "exists" in one_line(again.stderr)


def test_what_is_printed_can_be_typed_whatever_the_folder_is_called(srt, recipe, tmp_path):
    folder = "runs/what's [bold]new 1"
    built = srt("build", "stage1", recipe(), "--out", folder).stdout
    (command,) = [line for line in built.splitlines() if line.startswith("next: srt ")]
    words = shlex.split(command.removeprefix("next: srt "))
    assert words == ["release", folder, "--name", "NAME", "--version", "1.0.0"]
    srt(*words)
    # Of the version that is there now, there can be no second one.
    again = srt("build", "stage1", recipe(), "--out", folder).stdout
    assert "--name NAME --version X.Y.Z" in again
    refused = srt(
        "build", "stage1", recipe(critic="{kind: scripted, script: 'tests.scripts:draft'}")
    )
    assert "no row was kept, so there is nothing to release" in refused.stdout
    assert "next:" not in refused.stdout


def test_overrides_and_json(srt, recipe, tmp_path):
    built = srt("build", "stage1", recipe(), "seed=4", "--out", "elsewhere", "--json")
    assert json.loads(built.stdout)["run"] == "elsewhere"
    assert "seed: 4\n" in (tmp_path / "elsewhere/recipe.yaml").read_text()


@pytest.mark.parametrize(
    "command",
    ["", "build stage1", "release", "show", "review push", "review pull", "review report"],
)
def test_help_has_an_example(srt, command):
    assert "Example: srt" in srt(*command.split(), "--help").stdout


def test_help_imports_nothing_heavy():
    code = (
        "import sys, pipelines.cli; "
        "heavy = {'torch', 'datasets', 'distilabel', 'pyarrow', 'transformers'} & set(sys.modules);"
        "assert not heavy, heavy"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize(
    ("changes", "says", "status"),
    [
        ({"filtres": "{}"}, "unknown key 'filtres'; did you mean 'filters'?", 2),
        ({"instructions": "{path: none.jsonl, license: mit}"}, "no such file", 2),
        ({"instructions": "{path: empty.jsonl, license: mit}"}, "the source has no rows", 2),
        ({"instructions": "{path: latin.jsonl, license: mit}"}, "latin.jsonl:1: not UTF-8", 2),
        ({"instructions": "{path: blank.jsonl, license: mit}"}, "no instruction", 2),
        ({"drafts": "{kind: transformers, model: ./no-model}"}, "no-model", 2),
        ({"drafts": "{kind: scripted, script: 'tests.scripts:none'}"}, "tests.scripts:none", 2),
        (
            {"critic": "{kind: openai, model: m, base_url: 'http://127.0.0.1:9/v1'}"},
            "http://127.0.0.1:9/v1",
            1,
        ),
        (
            {"critic": "{kind: openai, model: m, api_key_env: SRT_NO_SUCH_KEY}"},
            "SRT_NO_SUCH_KEY",
            2,
        ),
    ],
)
def test_bad_input_is_one_line_and_leaves_nothing(srt, recipe, tmp_path, changes, says, status):
    (tmp_path / "empty.jsonl").write_text("")
    (tmp_path / "latin.jsonl").write_bytes('{"instruction": "é"}'.encode("latin-1"))
    (tmp_path / "blank.jsonl").write_text('{"instruction": "ok"}\n{"instruction": ""}\n')
    env = {"OPENAI_API_KEY": "sk-test"}
    failed = srt("build", "stage1", recipe(**changes), env=env, expect=status)
    assert says in one_line(failed.stderr)
    assert not (tmp_path / "runs" / "scripted").exists()


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["status", "nowhere"], "not a run"),
        (["release", "nowhere", "--name", "x", "--version", "1.0.0"], "not a run"),
        (["show", "nowhere"], "neither a run nor a release"),
        (["show", "nowhere", "--reason", "whim"], "'whim' is not one of"),
        (["build", "stage1", "none.yaml"], "no such recipe"),
    ],
)
def test_wrong_paths_are_one_line(srt, arguments, says):
    assert says in one_line(srt(*arguments, expect=2).stderr)


def test_a_path_that_cannot_be_written_is_one_line(srt, recipe):
    failed = srt("build", "stage1", recipe(), "--out", "/dev/null/run", expect=1)
    assert "/dev/null" in one_line(failed.stderr)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may mount a disk of a few kilobytes")
def test_a_full_disk_loses_nothing_and_the_rest_follows_when_there_is_room(srt, recipe, tmp_path):
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=200k", "tmpfs", disk]
    if subprocess.run(mount, capture_output=True).returncode:
        pytest.skip("this machine mounts no tmpfs")
    try:
        arguments = ["build", "stage1", recipe(instructions="{builtin: stage1}", batch_size=16)]
        failed = srt(*arguments, "--out", disk / "run", expect=1)
        assert "no space left" in one_line(failed.stderr)
        facts = json.loads(srt("status", disk / "run", "--json").stdout)
        assert 0 < facts["rows"] < 180
        subprocess.run(["mount", "-o", "remount,size=5m", disk], check=True)
        assert json.loads(srt(*arguments, "--out", disk / "run", "--json").stdout)["rows"] == 180
    finally:
        subprocess.run(["umount", disk], check=True)


def test_a_100_kb_instruction_passes_whole_or_is_dropped_whole(srt, recipe, tmp_path):
    long = "Summarise this: " + "word " * 20_000
    (tmp_path / "long.jsonl").write_text(json.dumps({"instruction": long}) + "\n")
    path = recipe(instructions="{path: long.jsonl, license: mit}")
    facts = json.loads(srt("build", "stage1", path, "--json").stdout)
    assert facts["drafted"] == 1


def test_a_hub_dataset_is_read_at_its_commit(srt, recipe, tmp_path):
    rows = [{"question": f"What is {n} plus {n}?"} for n in range(5)]
    files = {
        "README.md": b"# card",
        "data/train.jsonl": "".join(json.dumps(row) + "\n" for row in rows).encode(),
        "data/test.jsonl": b'{"question": "held out"}\n',
    }
    with published(tmp_path / "hub", "org/name", "v1.0.0", files) as (hub, sha):
        env = {"HF_ENDPOINT": hub.url}
        source = (
            "{{hub: org/name, revision: {}, license: mit, files: 'data/train*', "
            "columns: {{instruction: question}}}}"
        )
        facts = srt(
            "build", "stage1", recipe(instructions=source.format("v1.0.0")), "--json", env=env
        )
        assert json.loads(facts.stdout)["rows"] == 5
        manifest = json.loads((tmp_path / "runs/scripted/manifest.json").read_text())
        assert manifest["sources"] == [
            {"name": f"org/name@{sha[:12]}", "license": "mit", "rows": 5}
        ]
        other = recipe(instructions=source.format("v9"), name="other")
        assert "no such revision" in one_line(
            srt("build", "stage1", other, env=env, expect=2).stderr
        )
    # The server is gone.
    other = recipe(instructions=source.format("v1.0.0"), name="another")
    assert "org/name@v1.0.0" in one_line(srt("build", "stage1", other, env=env, expect=2).stderr)


def test_old_names_are_accepted_with_one_line_each(srt, recipe, tmp_path):
    path = recipe()
    text = path.read_text()
    path.write_text(f"{text}\nlicence: mit\n")
    built = srt("build", "stage1", path, "--limit", "4")
    said = [line for line in built.stderr.splitlines() if "is now" in line]
    assert said == [f"{path}: 'licence' is now 'license'; the old name still works"]
    assert "license: mit" in (tmp_path / "runs/scripted/recipe.yaml").read_text()

    path.write_text(f"{text}\nlicence: mit\nlicense: mit\n")
    failed = srt("build", "stage1", path, expect=2)
    assert one_line(failed.stderr) == (
        f"srt: {path}: licence and license are the same key; keep license"
    )
