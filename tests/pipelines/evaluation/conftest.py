"""Instructions, references and scripted models for evaluations."""

import json

import pytest


@pytest.fixture
def table(tmp_path):
    """A function that writes rows as JSON lines, and returns the file."""

    def made(rows, name):
        path = tmp_path / name
        path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
        return path

    return made


@pytest.fixture
def instructions(table):
    rows = [{"instruction": f"Say something about topic {number}."} for number in range(30)]
    return table(rows, "instructions.jsonl")


@pytest.fixture
def reference(table):
    rows = [
        {
            "instruction": f"Say something about topic {number}.",
            "output": "An answer." + " Better." * (number % 3),
            "generator": "the reference model",
        }
        for number in range(30)
    ]
    return str(table(rows, "reference.jsonl"))


@pytest.fixture
def model(tmp_path):
    """A function that writes a model block of a scripted model, and returns the file."""

    def made(script, **block):
        path = tmp_path / f"{script}-{len(list(tmp_path.glob('*.yaml')))}.yaml"
        values = {"kind": "scripted", "script": f"tests.scripts:{script}", **block}
        path.write_text(json.dumps(values))
        return str(path)

    return made
