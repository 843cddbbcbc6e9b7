"""A frozen set, and models that read what its answers state."""

import json
from functools import partial

import pytest

from tests.frozen_sets import quality_set


@pytest.fixture
def make_set(tmp_path):
    """`quality_set` in the test's folder."""
    return partial(quality_set, tmp_path)


@pytest.fixture
def model(tmp_path):
    """A function that writes a model block of a scripted judge, and returns the file."""

    def made(script, **block):
        path = tmp_path / f"{script}-{len(list(tmp_path.glob('*.yaml')))}.yaml"
        values = {"kind": "scripted", "script": f"tests.scripts:{script}", **block}
        path.write_text(json.dumps(values))
        return str(path)

    return made


@pytest.fixture
def endpoint_model(tmp_path):
    """A function that writes a model block of an endpoint, and returns the file."""

    def made(url, **block):
        path = tmp_path / f"endpoint-{len(list(tmp_path.glob('*.yaml')))}.yaml"
        values = {"kind": "openai", "model": "judge", "base_url": url, "api_key_env": None}
        path.write_text(json.dumps(values | block))
        return str(path)

    return made
