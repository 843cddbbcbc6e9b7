import json
import os
import subprocess
import sys
from itertools import islice
from random import Random

import pytest

from builders.errors import BadInput
from builders.verifiable.problem import Family, Problem
from builders.verifiable.registry import check, families, generate, register, split_of
from builders.verifiable.rubric import Fault, Grade, assess

HELD_OUT = {name for name, family in families().items() if family.held_out}


def test_five_thousand_different_instructions():
    problems = list(generate(0, 5000))
    assert len(problems) == 5000
    assert len({problem.instruction for problem in problems}) == 5000


def test_the_same_seed_gives_the_same_problems():
    assert list(generate(3, 200)) == list(generate(3, 200))
    assert list(generate(3, 50)) == list(generate(3, 200))[:50]
    assert list(generate(3, 50)) != list(generate(4, 50))


def test_no_hash_seed_changes_the_problems():
    program = (
        "from builders.verifiable.registry import check, families, generate\n"
        "for problem in generate(1, 60, list(families())):\n"
        "    print(problem.task, problem.instruction, check(problem.task, 'The answer is 4.'))"
    )
    runs = [
        subprocess.run(
            [sys.executable, "-c", program],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            check=True,
            text=True,
        ).stdout
        for seed in ("1", "2")
    ]
    assert runs[0] == runs[1]
    assert len(runs[0].splitlines()) >= 60


def loaded_modules(statement):
    """The teacher's modules that a fresh process has loaded after `statement`."""
    program = (
        f"{statement}\n"
        "import sys\n"
        "print(*(name for name in sys.modules if name.startswith('builders.verifiable')))"
    )
    command = [sys.executable, "-c", program]
    return set(subprocess.run(command, capture_output=True, check=True, text=True).stdout.split())


def test_a_run_over_an_endpoint_loads_nothing_of_the_teacher():
    modules = ("pipelines.generate.build", "pipelines.generate.stage1", "pipelines.generate.stage2",
               "pipelines.llms.endpoint.openai")  # fmt: skip
    assert loaded_modules(f"import {', '.join(modules)}") == set()


def test_word_lists_are_loaded_with_the_first_problem():
    lists = {"topics_life", "topics_nature", "stories", "countries", "words"}
    lists = {f"builders.verifiable.material.{name}" for name in lists}
    package = "from builders.verifiable import generate"
    assert not {name for name in loaded_modules(package) if ".material" in name}
    assert loaded_modules(f"{package}\nnext(generate(0, 1))") >= lists


def test_generation_is_lazy():
    assert len(list(islice(generate(0, 10**9), 3))) == 3


def test_families_take_turns():
    names = [problem.family for problem in generate(0, 3 * 16)]
    assert names[:16] == names[16:32] == names[32:]
    assert len(set(names)) == 16


@pytest.mark.parametrize("seed", [0, 1])
def test_train_and_test_share_nothing(seed):
    def cores(split, other_seed):
        checked = generate(other_seed, 2500, list(families()), split)
        return {
            (problem.family, json.dumps({k: v for k, v in problem.args.items() if k != "form"}))
            for problem in checked
        }

    assert not cores("train", seed) & cores("test", 7 - seed)


def test_the_form_does_not_decide_the_split():
    problem = next(generate(0, 1, ["arithmetic"]))
    other = Problem("arithmetic", {**problem.args, "form": "line"}, "another phrasing")
    assert split_of(problem) == split_of(other) == "train"


def test_held_out_families_are_only_for_testing():
    assert len(HELD_OUT) == 3
    assert not HELD_OUT & {problem.family for problem in generate(0, 200)}
    assert {problem.family for problem in generate(0, 200, split="test")} >= HELD_OUT
    (name,) = {problem.family for problem in generate(0, 20, ["sequence"])}
    assert name == "sequence"


def test_used_up_families_stop_and_the_others_continue():
    def make(rng: Random) -> Problem:
        number = rng.randint(1, 5)
        return Problem("tiny", {"number": number}, f"Say {number}.")

    def check_tiny(args, draft):
        return assess(draft, Grade.WRONG, [Fault("Wrong.", "Mend it.")], str(args["number"]))

    register(Family("tiny", make, check_tiny))
    try:
        assert 3 <= len(list(generate(0, 1000, ["tiny"]))) <= 5
        mixed = [problem.family for problem in generate(0, 100, ["tiny", "arithmetic"])]
        assert len(mixed) == 100
        assert check('{"family": "tiny", "args": {"number": 3}}', "x").refinement == "3"
        with pytest.raises(BadInput, match="'tiny' exists already"):
            register(Family("tiny", make, check_tiny))
    finally:
        del families()["tiny"]


def test_check_reads_the_task_of_a_problem():
    for problem in generate(5, 40, list(families()), "test"):
        assert check(problem.task, "No.") == families()[problem.family].check(problem.args, "No.")


@pytest.mark.parametrize(
    ("task", "message"),
    [
        ("no JSON", "task is not JSON"),
        ("[1]", "not an object with a family and its args"),
        ('{"family": "arithmetic"}', "not an object with a family and its args"),
        ('{"family": "nonsense", "args": {}}', "unknown family 'nonsense'"),
        ('{"family": ["a"], "args": {}}', "unknown family"),
        ('{"family": "arithmetic", "args": {}}', "unusable args: KeyError"),
        (
            '{"family": "arithmetic", "args": {"terms": [1, 0], "operators": ["÷"], '
            '"form": "free"}}',
            "unusable args: ZeroDivisionError",
        ),
    ],
)
def test_a_bad_task_raises_one_clear_line(task, message):
    with pytest.raises(BadInput, match=message) as caught:
        check(task, "draft")
    assert "\n" not in str(caught.value)


def test_a_bad_request_for_problems_fails_at_once():
    with pytest.raises(BadInput, match="family 'nonsense' is unknown"):
        generate(0, 5, ["nonsense"])
    with pytest.raises(BadInput, match="split 'dev' is unknown"):
        generate(0, 5, split="dev")
