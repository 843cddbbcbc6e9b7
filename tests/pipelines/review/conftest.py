"""A module that pushes reviews has a `folder` with a run `runs/reviewed` and a `people.yaml`."""

import pytest

from tests.reviewing import pushed


@pytest.fixture
def here(folder, argilla_server, monkeypatch):
    monkeypatch.chdir(folder)
    monkeypatch.setenv("COLUMNS", "160")
    for name, value in argilla_server.env.items():
        monkeypatch.setenv(name, value)


@pytest.fixture
def begin(here, folder, argilla_server, capsys):
    """Pushes the run as a review of this name."""
    run = folder / "runs" / "reviewed"

    def begin(name, **options):
        options = {"out": folder / "reviews" / name, "annotators": folder / "people.yaml"} | options
        return pushed(argilla_server, run, capsys, **options)

    return begin
