import asyncio

import pytest

from pipelines.evaluation.models import model_of
from pipelines.serving.refiner import Refiner
from services.chat.answerer import Asked


@pytest.fixture
def block(tmp_path):
    """Writes the YAML of a scripted model; keyword arguments are further keys."""

    def write(script="tests.scripts:served", **keys):
        keys = {"kind": "scripted", "script": script, "trained": "true", **keys}
        path = tmp_path / "model.yaml"
        path.write_text("".join(f"{key}: {value}\n" for key, value in keys.items()))
        return path

    return write


@pytest.fixture
def refiner():
    """Makes refiners, which are closed at the end."""
    made = []

    def make(path, max_new_tokens=100, **options):
        made.append(Refiner(model_of(str(path), max_new_tokens), **options))
        return made[-1]

    yield make
    for one in made:
        one.close()


@pytest.fixture
def answer():
    """One answer of a refiner to a text or to turns, and the pieces that came before it."""

    def ask(refiner, asked, *, read=False, **settings):
        turns = (("user", asked),) if isinstance(asked, str) else asked
        pieces = []
        request = Asked(turns, **{"seed": 7} | settings)
        found = asyncio.run(refiner.answer(request, pieces.append if read else None))
        return (found, pieces) if read else found

    return ask
