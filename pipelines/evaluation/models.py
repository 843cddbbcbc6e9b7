"""What `srt evaluate` takes for a model that is asked."""

from pathlib import Path

from builders.audit.result import RESULT
from builders.errors import BadInput
from pipelines.audit.judges import AskedModel, judge_of


def model_of(text: str, max_new_tokens: int) -> AskedModel:
    """The model that `text` names: a checkpoint folder, ORG/NAME[@REVISION], `embedded`, or YAML.

    BadInput if it names none, or scores that exist already.
    """
    path = Path(text).expanduser()
    is_block = path.suffix in (".yaml", ".yml")
    is_stored = text.partition(":")[0] == "stored"
    if is_stored or (path.is_file() and not is_block) or (path / RESULT).is_file():
        raise BadInput(
            f"{text}: not a model: give a checkpoint folder, ORG/NAME@REVISION, embedded, or a "
            "model block in YAML"
        )
    asked = judge_of(text, None, max_new_tokens)
    assert isinstance(asked, AskedModel)
    if asked.scores == "expected":
        raise BadInput(f"{text}: scores: expected scores are for audits (`srt audit run`)")
    return asked
