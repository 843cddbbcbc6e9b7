"""The line before each step of a long command: what is done, and how long it and the rest take."""

import json

import pytest

from pipelines.cli.watch import Step, Watch

STEPS = {"fetch": Step("fetch it", 10), "make": Step("make it", 60), "look": Step("look at it", 30)}


@pytest.fixture
def file(tmp_path):
    return tmp_path / "new" / "seconds.json"


def test_what_is_left_is_estimated_by_what_the_steps_before_took(file):
    watch = Watch(STEPS, file)
    assert watch.line("fetch") == "░" * 24 + " 1/3 fetch it: about 0:10, 1:40 to the end"
    watch.seconds["fetch"] = 20.0
    line = "██" + "░" * 22 + " 2/3 make it: about 2:00, 3:00 to the end"
    assert watch.line("make") == line
    watch.seconds["make"] = 15.0
    assert watch.line("look").endswith(" 3/3 look at it: about 0:15, 0:15 to the end")


def test_only_a_step_that_did_something_is_announced_and_timed(file, capsys):
    watch = Watch(STEPS, file)
    with watch.step("fetch"):
        pass
    assert not file.exists()
    with watch.step("make"):
        watch.command("srt build stage1")
        watch.command("srt release")
    assert list(watch.seconds) == list(json.loads(file.read_text())) == ["make"]
    lines = capsys.readouterr().err.split("\n")
    assert [line for line in lines if "make it" in line] == [watch.line("make")]
    assert [line for line in lines if line.startswith("$ ")] == [
        "$ srt build stage1",
        "$ srt release",
    ]


def test_a_step_that_was_stopped_has_the_time_of_both_attempts(file):
    file.parent.mkdir()
    file.write_text(json.dumps({"fetch": 70.4, "make": 40.0}))
    watch = Watch(STEPS, file)
    with pytest.raises(KeyboardInterrupt), watch.step("make"):
        watch.begin()
        raise KeyboardInterrupt
    assert 40.0 <= watch.seconds["make"] < 45.0
    assert json.loads(file.read_text()) == watch.seconds
    assert watch.table() == ["  1:10   1:10  fetch it", "  0:40   1:50  make it"]
