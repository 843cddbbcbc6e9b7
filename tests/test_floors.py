"""An import points down only, and CONTRIBUTING shows the floors as they are held."""

import configparser
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


def test_no_import_points_up_and_none_in_a_circle():
    command = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run(
        [command, "--no-cache"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("package", ["builders", "pipelines"])
def test_contributing_shows_the_floors_of(package):
    config = configparser.ConfigParser()
    config.read(ROOT / ".importlinter")
    layers = config[f"importlinter:contract:{package}"]["layers"].strip().splitlines()
    floors = [re.findall(r"\w+", layer) for layer in layers]
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    (paragraph,) = re.findall(rf"^Within `{package}`.*?:(.*?)\.\n\n", text, flags=re.S | re.M)
    shown = [re.findall(r"`(\w+)`", floor) for floor in paragraph.split("→")]
    assert shown == floors


def test_every_package_is_in_the_wheel():
    listed = set(re.findall(r'^    "([\w.]+)",$', (ROOT / "pyproject.toml").read_text(), re.M))
    tops = ("builders", "cards", "pipelines", "services", "srt_feedback", "train")
    folders = {
        ".".join(path.parent.relative_to(ROOT).parts)
        for top in tops
        for path in (ROOT / top).rglob("*.py")
    }
    assert folders <= listed
