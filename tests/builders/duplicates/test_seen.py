import pytest

from builders.duplicates.seen import InstructionIndex
from builders.errors import BadInput
from builders.release.make import release_runs
from tests.ledger_rows import kept_rows, make_run

QUESTION = (
    "Explain in two short paragraphs why leap years exist, who introduced them, and which years "
    "that can be divided by one hundred are exceptions to the rule."
)


def row(instruction, id_="new", task=None):
    return {"id": id_, "instruction": instruction, "task": task}


@pytest.fixture
def index():
    index = InstructionIndex()
    index.add(row(QUESTION, "old"))
    index.add(row("What is 17 + 25?", "sum", task='{"family":"sum","a":17,"b":25}'))
    return index


@pytest.mark.parametrize(
    "repeated",
    [
        row("Something else.", "old"),
        row(QUESTION.upper() + "  "),
        row(QUESTION.replace("two short", "three short")),
        row("How much is 17 and 25?", task='{"family":"sum","a":17,"b":25}'),
    ],
)
def test_a_repeated_instruction_is_recognized(index, repeated):
    assert index.same_as(repeated) in ("old", "sum")


@pytest.mark.parametrize(
    "other",
    [
        row("Why is the sky blue?"),
        row("What is 17 + 26?", task='{"family":"sum","a":17,"b":26}'),
        row(""),
        row("日本の首都はどこですか" * 200),
    ],
)
def test_a_new_instruction_is_not(index, other):
    assert index.same_as(other) is None


def test_the_users_turns_before_an_instruction_count(index):
    def after(question, answer, instruction="Say more about the second point of your answer."):
        turns = [{"role": "user", "content": question}, {"role": "assistant", "content": answer}]
        return {**row(instruction), "history": turns}

    tides = "Describe how the moon and the sun make the tides of the seas higher and lower."
    index.add({**after(tides, "Gravity."), "id": "tides"})
    assert index.same_as(after(tides.lower(), "By gravity, which pulls at the water.")) == "tides"
    assert index.same_as(after("Describe how bees find their way back.", "Gravity.")) is None
    assert index.same_as(row("Say more about the second point of your answer.")) is None
    # The same words in one turn.
    assert index.same_as(after(QUESTION.split(", who")[0], "", f"who {QUESTION.split(', who')[1]}"))


def test_runs_and_releases_are_read(tmp_path):
    rows = list(kept_rows(20))
    run, manifest = make_run(tmp_path / "run", rows)
    release = release_runs([(run, manifest)], name="x", version="1.0.0", out=tmp_path)
    for folder in (run.folder, release):
        index = InstructionIndex.of_folders([folder])
        assert all(index.same_as(row) == row["id"] for row in rows)
    with pytest.raises(BadInput, match="neither a run nor a release"):
        InstructionIndex.of_folders([tmp_path])
