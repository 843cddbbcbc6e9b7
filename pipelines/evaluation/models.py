"""What `srt evaluate` takes for a model that is asked."""

from builders.errors import BadInput
from pipelines.audit.judges import AskedModel, asked_model


def model_of(text: str, max_new_tokens: int) -> AskedModel:
    """The model that `text` names: a checkpoint folder, ORG/NAME[@REVISION], `embedded`, or YAML.

    BadInput if it names none, or says that scores are expected ones.
    """
    asked = asked_model(text, max_new_tokens)
    if asked.scores == "expected":
        raise BadInput(f"{text}: scores: expected scores are for audits (`srt audit run`)")
    return asked
