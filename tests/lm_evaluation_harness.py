"""lm-evaluation-harness in an environment of its own."""

import json
from pathlib import Path

import pytest

from tests.environments import environment, run_apart

_VERSION = "0.4.13"


@pytest.fixture(scope="session")
def lm_eval(tmp_path_factory):
    """Run lm_eval with these arguments; skips the test if it cannot be installed."""
    folder = tmp_path_factory.mktemp("lm-eval")
    python = environment(folder / "env", [f"lm_eval[api]=={_VERSION}"])

    def run(*arguments: object) -> dict[str, float]:
        """The metrics of the one task."""
        out = folder / "out"
        command = ("-m", "lm_eval", *arguments, "--output_path", out)
        run_apart(python, folder / "home", *command, OPENAI_API_KEY="none")
        (result,) = out.rglob("results_*.json")
        metrics = json.loads(result.read_text())["results"]
        result.unlink()
        ((_, values),) = metrics.items()
        return values

    return run


def gsm8k_task(folder: Path, questions: Path, limit: int) -> Path:
    """A folder with the task `gsm8k_local`: the first questions of a file, answered by number."""
    folder.mkdir()
    lines = questions.read_text(encoding="utf-8").splitlines()[:limit]
    (folder / "questions.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
    (folder / "gsm8k_local.yaml").write_text(TASK.replace("FOLDER", str(folder)), encoding="utf-8")
    return folder


TASK = """\
task: gsm8k_local
dataset_path: json
dataset_kwargs:
  data_files: {test: FOLDER/questions.jsonl}
test_split: test
output_type: generate_until
doc_to_text: "{{question}}"
doc_to_target: "{{answer.split('####')[-1].strip()}}"
generation_kwargs: {until: ["Question:"], do_sample: false, temperature: 0, max_gen_toks: 256}
filter_list:
  - name: last-number
    filter:
      - {function: regex, regex_pattern: "(-?[0-9][0-9.,]*)", group_select: -1}
      - {function: take_first}
metric_list:
  - metric: exact_match
    aggregation: mean
    higher_is_better: true
    regexes_to_ignore: [",", "\\\\$", "\\\\.$"]
"""
