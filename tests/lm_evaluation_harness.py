"""lm-evaluation-harness in an environment of its own."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

_VERSION = "0.4.13"


@pytest.fixture(scope="session")
def lm_eval(tmp_path_factory):
    """Run lm_eval with these arguments; skips the test if it cannot be installed."""
    folder = tmp_path_factory.mktemp("lm-eval")
    python = folder / "env" / "bin" / "python"
    install = ("-m", "pip", "install", "--quiet", "--disable-pip-version-check")
    commands = [
        [sys.executable, "-m", "venv", str(folder / "env")],
        [str(python), *install, f"lm_eval[api]=={_VERSION}"],
    ]
    for command in commands:
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=540)
        except subprocess.TimeoutExpired:
            pytest.skip("lm_eval cannot be installed within nine minutes")
        if done.returncode:
            pytest.skip(f"lm_eval cannot be installed: {done.stderr[-500:]}")

    def run(*arguments: object) -> dict[str, float]:
        """The metrics of the one task."""
        out = folder / "out"
        kept = {name: value for name, value in os.environ.items() if not name.startswith("HF_")}
        kept.pop("PYTHONPATH", None)
        offline = {"HF_HOME": str(folder / "home"), "HF_HUB_OFFLINE": "1", "OPENAI_API_KEY": "none"}
        command = [str(python), "-m", "lm_eval", *map(str, arguments), "--output_path", str(out)]
        done = subprocess.run(
            command, env=kept | offline, capture_output=True, text=True, timeout=300
        )
        assert done.returncode == 0, done.stderr[-3000:]
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
