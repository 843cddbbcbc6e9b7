import subprocess
import sys
import threading
import time

import pytest

from pipelines import dag


class Numbers(dag.GeneratorStep):
    count: int

    @property
    def outputs(self):
        return ["n"]

    def process(self, offset=0):
        for start in range(0, self.count, self.batch_size):
            numbers = range(start, min(start + self.batch_size, self.count))
            yield [{"n": n} for n in numbers], numbers.stop == self.count


class Uneven(dag.Step):
    """Takes longest for the first batches, and fails at one number."""

    fails_at: int | None = None

    @property
    def inputs(self):
        return ["n"]

    @property
    def outputs(self):
        return ["n"]

    def process(self, inputs: dag.StepInput):
        time.sleep(0.02 if inputs[0]["n"] < 20 else 0)
        if self.fails_at in [row["n"] for row in inputs]:
            raise RuntimeError("broken")
        yield inputs


def pipeline(count=100, fails_at=None):
    with dag.Pipeline(name="test") as made:
        load = Numbers(name="load", count=count, batch_size=10)
        one = Uneven(name="one", fails_at=fails_at)
        load >> one >> Uneven(name="two")
    return made


def numbers(batches):
    return [row["n"] for batch in batches for row in batch]


def test_batches_come_out_whole_and_in_order():
    assert numbers(dag.stream(dag.load(pipeline()))) == list(range(100))


def test_an_error_is_raised_after_the_batches_before_it():
    stream = dag.stream(dag.load(pipeline(fails_at=55)))
    got = []
    with pytest.raises(RuntimeError, match="broken"):
        for batch in stream:
            got.extend(numbers([batch]))
    assert got == list(range(50))


def test_a_stop_finishes_what_is_under_way():
    stop = threading.Event()
    got = []
    for batch in dag.stream(dag.load(pipeline(count=1000)), stop):
        got.extend(numbers([batch]))
        stop.set()
    assert got == list(range(len(got)))
    assert 10 <= len(got) < 100


class Half(dag.Step):
    """Reads one column and writes another."""

    @property
    def inputs(self):
        return ["whole"]

    @property
    def outputs(self):
        return ["half"]

    def process(self, inputs: dag.StepInput):
        yield [{**row, "half": row["whole"] / 2} for row in inputs]


def test_columns_are_renamed_as_a_step_says():
    with dag.Pipeline(name="renamed") as made:
        load = Numbers(name="load", count=3, batch_size=2)
        load >> Half(name="half", input_mappings={"whole": "n"}, output_mappings={"half": "m"})
    batches = list(dag.stream(dag.load(made)))
    assert batches == [[{"n": 0, "m": 0.0}, {"n": 1, "m": 0.5}], [{"n": 2, "m": 1.0}]]


def test_steps_have_to_form_a_chain():
    with dag.Pipeline(name="fork") as made:
        load = Numbers(name="load", count=1, batch_size=1)
        load >> [Uneven(name="one"), Uneven(name="two")]
    with pytest.raises(ValueError, match="chain"):
        dag.load(made)


def test_importing_distilabel_leaves_tracebacks_without_local_variables():
    code = "import sys, pipelines.dag; assert sys.excepthook is sys.__excepthook__"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_importing_distilabel_imports_no_argilla_and_leaves_it_to_others():
    code = "import sys, pipelines.dag; assert 'argilla' not in sys.modules; import argilla"
    subprocess.run([sys.executable, "-c", code], check=True)
