"""How the replicas share what a cluster has; no Ray is needed to count it."""

from pathlib import Path

import pytest

from builders.errors import BadInput
from pipelines.on_ray.cluster import resources
from pipelines.recipe.file import load_recipe
from pipelines.recipe.models import OpenAIModel, TransformersModel

RECIPE = Path("stage1-embedded.yaml")
ENDPOINT = OpenAIModel(kind="openai", model="m")
WEIGHTS = TransformersModel(kind="transformers", model="m")
ON_CPU = TransformersModel(kind="transformers", model="m", device="cpu")


@pytest.mark.parametrize(
    ("models", "replicas", "nodes", "sizes"),
    [
        ([ENDPOINT], 9, [{"CPU": 1}], [{}]),
        ([WEIGHTS, ENDPOINT], 2, [{"CPU": 8, "GPU": 2}], [{"gpus": 1}, {}]),
        ([WEIGHTS, ON_CPU], 2, [{"CPU": 8, "GPU": 2}], [{"gpus": 1}, {"cpus": 4}]),
        ([WEIGHTS], 3, [{"CPU": 8.0}, {"CPU": 8.0}], [{"cpus": 4}]),
        ([WEIGHTS], 2, [{"CPU": 0}, {"CPU": 1}, {"CPU": 3}], [{"cpus": 1}]),
    ],
)
def test_sizes(models, replicas, nodes, sizes):
    assert resources(models, replicas, nodes) == sizes


@pytest.mark.parametrize(
    ("replicas", "nodes", "words"),
    [
        (3, [{"CPU": 8, "GPU": 2}], "3 need 3 GPUs, and this Ray has 2"),
        (3, [{"CPU": 1}, {"CPU": 1}], "3 need 3 CPUs, and this Ray has 2"),
        (1, [{"memory": 8}], "no node of this Ray has a CPU"),
    ],
)
def test_too_little(replicas, nodes, words):
    with pytest.raises(BadInput, match=words):
        resources([WEIGHTS], replicas, nodes)


def test_the_execution_is_set_from_the_command_line():
    ours = ["execution.kind=ray", "execution.address=head:6379", "execution.replicas=4"]
    given = load_recipe(RECIPE, ours)
    assert given.execution.address == "head:6379"
    assert given.sha256 == load_recipe(RECIPE).sha256
    for address in ("ray://head:10001", "head", "http://head:1"):
        ours[1] = f"execution.address={address}"
        with pytest.raises(BadInput, match=r"execution.*HOST:PORT"):
            load_recipe(RECIPE, ours)
