"""An evaluation on a registered benchmark as the Hub reads it: `.eval_results/*.yaml`."""

from collections.abc import Mapping
from typing import Any

import yaml
from huggingface_hub import EvalResultEntry, eval_result_entries_to_yaml

from cards.evaluation_report import parts_of, share

FOLDER = ".eval_results"


def eval_results(evaluation: Mapping[str, Any]) -> tuple[str, str] | None:
    """The name and content of the file; None unless the evaluation names its benchmark.

    The value is the win rate in percent of what the model answers in the end, its refinement: at
    equal length where that was fitted, else raw. The notes say which, and what its draft has.
    """
    benchmark = evaluation["benchmark"]
    if benchmark is None:
        return None
    part = parts_of(evaluation)[-1]
    figures = evaluation["parts"][part]
    controlled = figures["length_controlled"]
    is_controlled = controlled["value"]["value"] is not None
    value = controlled["value"] if is_controlled else figures["raw"]
    if value["value"] is None:
        return None
    kind = f"at equal length ({controlled['variant']})" if is_controlled else "raw"
    notes = [
        f"win rate of the {part} over {evaluation['reference']['name']}, {kind}: {share(value)}",
        f"raw {share(figures['raw'])}",
        f"judge {evaluation['judge']['name']}",
    ]
    if part == "refinement":
        notes.append(f"draft raw {share(evaluation['parts']['draft']['raw'])}")
    entry = EvalResultEntry(
        dataset_id=benchmark["dataset"],
        task_id=benchmark["task"],
        dataset_revision=benchmark["revision"],
        value=round(100 * value["value"], 2),
        date=evaluation["made_at"],
        notes="; ".join(notes),
    )
    name = "".join(c if c.isalnum() or c in "-_" else "-" for c in benchmark["task"])
    content = yaml.safe_dump(eval_result_entries_to_yaml([entry]), sort_keys=False, width=100)
    return f"{FOLDER}/{name}.yaml", content
