"""lm-evaluation-harness's `local-chat-completions` asks a served model, as it is."""

import json
from functools import cache

from tests.lm_evaluation_harness import gsm8k_task, lm_eval
from tests.served import served, url_of
from tests.shared_data import FOLDER, needs

__all__ = ["lm_eval"]

GSM8K = "gsm8k_test.jsonl"


@needs(GSM8K)
def test_gsm8k(lm_eval, block, tmp_path):
    task = gsm8k_task(tmp_path / "task", FOLDER / GSM8K, 8)
    path = block("tests.pipelines.serving.test_lm_eval:guesses_first")
    # The guess is wrong, and the refinement right: the harness gets what is asked for.
    for answer, right in (("refinement", 1.0), ("draft", 0.0)):
        with served("model", path, "--port", 0, "--answer", answer, folder=tmp_path) as process:
            address = f"{url_of(process)}/chat/completions"
            metrics = lm_eval(
                *("--model", "local-chat-completions", "--apply_chat_template"),
                *("--model_args", f"model=scripted,base_url={address},num_concurrent=4"),
                *("--tasks", "gsm8k_local", "--include_path", task),
            )
        assert metrics["exact_match,last-number"] == right


@cache
def solutions():
    with (FOLDER / GSM8K).open(encoding="utf-8") as file:
        return {row["question"]: row["answer"] for row in map(json.loads, file)}


def guesses_first(messages, seed):
    if not messages[-1]["content"].startswith("Critique your last response"):
        return "It may be -1."
    return (
        "### Weaknesses\n1. It is a guess.\n\n### Suggestions\n1. Work it out.\n\n"
        f"Overall Score: [[1]]\n\n### Improved Response\n{solutions()[messages[-3]['content']]}"
    )
