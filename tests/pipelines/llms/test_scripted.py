"""The model that a test has written."""

import sys
import types

import pytest

from builders.errors import BadInput
from pipelines.llms.factory import make_llm
from pipelines.llms.messages import Completion, Request
from pipelines.llms.scripted import ScriptedLLM
from pipelines.recipe.models import ScriptedModel

USER = [{"role": "user", "content": "Name a colour."}]


@pytest.fixture(autouse=True)
def scripts(monkeypatch):
    module = types.ModuleType("a_script")
    module.echo = lambda messages, seed: f"{messages[-1]['content']} {seed}"
    module.fails = lambda messages, seed: Completion(None, reason="call_failed", attempts=6)
    module.number = 5
    monkeypatch.setitem(sys.modules, "a_script", module)


def test_answers_come_from_the_function_in_order():
    llm = ScriptedLLM(script="a_script:echo")
    llm.load()
    completions = llm.complete([Request(USER, seed) for seed in (3, 1, 2)])
    assert [completion.text for completion in completions] == [
        "Name a colour. 3",
        "Name a colour. 1",
        "Name a colour. 2",
    ]
    assert {completion.finish_reason for completion in completions} == {"stop"}


def test_a_completion_is_passed_on_as_it_is():
    llm = ScriptedLLM(script="a_script:fails")
    assert llm.complete([Request(USER, 0)]) == [Completion(None, reason="call_failed", attempts=6)]


@pytest.mark.parametrize(
    "script", ["no_such_module:f", "a_script:missing", "a_script:number", "a_script", ":", ""]
)
def test_a_script_that_is_not_there(script):
    with pytest.raises(BadInput, match=r"^script '"):
        ScriptedLLM(script=script).load()


def test_it_says_what_it_is():
    llm = ScriptedLLM(script="a_script:echo")
    assert llm.endpoint == "scripted"
    assert llm.model_name == "scripted"
    assert ScriptedLLM.from_dict(llm.dump()).dump() == llm.dump()


def test_a_recipe_calls_no_function_of_its_choice(monkeypatch):
    monkeypatch.delenv("SRT_SCRIPTED_MODELS")
    model = ScriptedModel(kind="scripted", script="os:getcwd")
    with pytest.raises(BadInput, match="for tests; where that is meant, set SRT_SCRIPTED_MODELS=1"):
        make_llm(model)
