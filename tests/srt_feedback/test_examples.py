"""The examples in the docstrings of `srt_feedback` run as they stand there."""

import json

import pytest

import srt_feedback
from tests.srt_feedback.conftest import write_recipe

# `review` asks people, and has its example in a session with Argilla.
FUNCTIONS = ("build", "check", "load", "publish", "release", "verify")

RUN = """
import doctest, json, sys
import srt_feedback
object_ = srt_feedback if {name!r} == "srt_feedback" else getattr(srt_feedback, {name!r})
names = dict(srt_feedback=srt_feedback)
(test,) = doctest.DocTestFinder(recurse=False).find(object_, {name!r}, globs=names)
result = doctest.DocTestRunner().run(test)
sys.exit(0 if result.attempted and not result.failed else 1)
"""


def test_every_public_name_is_documented():
    public = set(srt_feedback.__all__)
    assert {*FUNCTIONS, "review", "__version__"} <= public
    for name in public - {"__version__"}:
        assert getattr(srt_feedback, name).__doc__


@pytest.mark.xdist_group("examples")
@pytest.mark.parametrize("name", FUNCTIONS)
def test_the_example_of(place, name):
    # In the place two versions exist, so the release of the example is the next one.
    code = RUN.format(name=name)
    write_recipe(place.folder, 4)
    if name == "release":
        place.python('import srt_feedback; srt_feedback.build("my-feedback.yaml")')
        (place.folder / "releases/my-feedback@v1.1.0").rename(place.folder / "releases/kept")
    place.python(code)


@pytest.mark.xdist_group("examples")
def test_importing_the_face_is_light(place):
    code = "import sys, srt_feedback, json; print(json.dumps(sorted(sys.modules)))"
    modules = set(json.loads(place.python(code)))
    assert not modules & {"torch", "distilabel", "datasets", "argilla", "huggingface_hub"}


def test_errors_are_those_of_the_commands():
    assert (srt_feedback.BadInput.exit_code, srt_feedback.GateRefused.exit_code) == (2, 3)
    assert issubclass(srt_feedback.RunFailed, srt_feedback.SrtError)


@pytest.mark.xdist_group("argilla")
def test_the_example_of_review(place, argilla_server):
    """A real Argilla, in which nobody has answered yet."""
    write_recipe(place.folder, 4)
    place.python('import srt_feedback; srt_feedback.build("my-feedback.yaml")')
    place.python(RUN.format(name="review"), **argilla_server.env)
    annotated = place.folder / "reviews/my-feedback"
    assert (annotated / "report.md").is_file()
