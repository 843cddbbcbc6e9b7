"""What `srt audit run` takes for a model: a checkpoint, a Hub name, `embedded`, YAML, or scores."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Literal, get_args

import yaml
from pydantic import ValidationError

from builders.audit.frozen import FrozenSet
from builders.audit.judge import (
    Judge,
    JudgeFacts,
    control_judges,
    judge_of_file,
    stored_judge,
    weights_sha256,
)
from builders.audit.result import RESULT, read_audit, read_judgments
from builders.critique.prompts import request_prompt, score_prompt
from builders.errors import BadInput, first_problem, reason_of
from builders.files.hashes import sha256_of_file
from builders.ledger.models import public_name
from pipelines.audit.lineage import TRAINING
from pipelines.recipe.models import AnyModel, EmbeddedModel, OpenAIModel, TransformersModel
from pipelines.recipe.secrets import refuse_secrets

_TABLES = (".jsonl", ".jsonl.gz", ".json", ".csv", ".parquet")
_STORED = "stored:"
# What a judge's score is: the one that it writes, or the expectation over those that it could.
Scores = Literal["sampled", "expected"]
SCORES: tuple[Scores, ...] = get_args(Scores)
# Formats that transformers does not load, and copies of weights in them.
_NOT_LOADED = ["*.gguf", "*.h5", "*.msgpack", "*.onnx", "*.ot", "*.tflite", "original/*"]
# The critique comes first and the refinement after it is not needed.
MAX_NEW_TOKENS = 384


@dataclass(frozen=True)
class AskedModel:
    """A model to be asked. A `trained` one gets the words of its training, others the prompt.

    `folder` is where its training.json is, None for a model that this project did not train.
    `published` is its name on the Hub, ORG/NAME[@REVISION].
    """

    block: AnyModel
    trained: bool
    folder: Path | None = None
    scores: Scores = "sampled"
    published: str | None = None

    @property
    def name(self) -> str:
        return self.published or public_name(self.block.model)

    @property
    def as_json(self) -> bool:
        return isinstance(self.block, OpenAIModel) and self.block.structured_output

    @cached_property
    def _files(self) -> str | None:
        return weights_sha256(Path(self.block.model).expanduser())

    @property
    def facts(self) -> JudgeFacts:
        prompt = request_prompt() if self.trained else score_prompt(as_json=self.as_json)
        keys = {"temperature", "top_p", "max_new_tokens", "system"}
        sampling = self.block.model_dump(mode="json", include=keys)
        if self.scores == "expected":
            # Nothing is sampled.
            sampling = {"scores": "expected", "system": self.block.system}
        return JudgeFacts(
            name=self.name,
            kind=self.block.kind,
            weights=getattr(self.block, "training_sha256", None) or self.name,
            files=self._files,
            template=prompt.sha256,
            sampling=sampling,
        )


Source = AskedModel | Judge


def judge_of(
    text: str,
    frozen: FrozenSet,
    max_new_tokens: int = MAX_NEW_TOKENS,
    scores: Scores = "sampled",
) -> Source:
    """The judge that `text` names; BadInput if it names none, or has no such scores.

    What `asked_model` takes, `stored` (the scores in the set), `stored:MODEL` (those of another
    scorer of its rows), a table of scores, or the folder of an earlier audit of the set.
    """
    path = Path(text).expanduser()
    if text == "stored":
        return stored_judge(frozen)
    if text.startswith(_STORED):
        return _stored_scorer(text.removeprefix(_STORED), frozen)
    if path.is_file() and path.name.endswith(_TABLES):
        return judge_of_file(path, frozen)
    if (path / RESULT).is_file():
        return _from_audit(path, frozen)
    others = "stored, a table of scores, or an audit"
    return asked_model(text, max_new_tokens, scores, others=others)


def asked_model(
    text: str, max_new_tokens: int, scores: Scores = "sampled", *, others: str = ""
) -> AskedModel:
    """The model that `text` names; BadInput if it names none, or has no such scores.

    A checkpoint folder, `embedded`, a model block in YAML, or ORG/NAME[@REVISION] on the Hub.
    Replies have at most `max_new_tokens`, and scores are `scores`, unless a block in YAML says
    otherwise. `others` is for the message: what else could have been named.
    """
    model = _named(text, max_new_tokens, scores, others)
    if model.scores == "expected" and not isinstance(model.block, TransformersModel):
        raise BadInput(
            f"{text}: `scores: expected` reads the probabilities of a model that runs here (a "
            f"checkpoint, embedded, kind: transformers), which kind: {model.block.kind} is not"
        )
    return model


def _named(text: str, max_new_tokens: int, scores: Scores, others: str) -> AskedModel:
    path = Path(text).expanduser()
    if text == "embedded":
        block = EmbeddedModel(kind="embedded", max_new_tokens=max_new_tokens)
        return AskedModel(block, False, scores=scores)
    if path.is_file():
        if path.name.endswith((".yaml", ".yml")):
            return _from_yaml(path, scores)
        also = ", and not a table of scores" if others else ""
        raise BadInput(f"{path}: not a model block in YAML{also}")
    if path.is_dir():
        return _from_folder(path, max_new_tokens, scores, others=others)
    if "/" in text and not text.startswith((".", "/", "~")) and text.count("/") == 1:
        return _from_hub(text, max_new_tokens, scores)
    also = f", {others}" if others else ""
    raise BadInput(
        f"{text}: no such model: give a checkpoint folder, ORG/NAME@REVISION, embedded, a YAML "
        f"file with a model block{also}"
    )


def _stored_scorer(name: str, frozen: FrozenSet) -> Judge:
    judges = {judge.facts.name: judge for judge in control_judges(frozen)}
    if name not in judges:
        names = ", ".join(judges) or "none"
        raise BadInput(f"stored:{name}: the set {frozen.name} has other scorers: {names}")
    return judges[name]


def _from_folder(
    folder: Path,
    max_new_tokens: int,
    scores: Scores,
    published: str | None = None,
    others: str = "",
) -> AskedModel:
    if not (folder / "config.json").is_file() and not (folder / "adapter_config.json").is_file():
        also = ", and not an audit" if others else ""
        raise BadInput(f"{published or folder}: not a checkpoint (it has no config.json){also}")
    training = folder / TRAINING
    trained = training.is_file()
    block = TransformersModel(
        kind="transformers",
        model=str(folder.resolve()),
        max_new_tokens=max_new_tokens,
        training_sha256=sha256_of_file(training) if trained else None,
    )
    return AskedModel(block, trained, folder if trained else None, scores, published)


def _from_hub(text: str, max_new_tokens: int, scores: Scores) -> AskedModel:
    """A snapshot of a model on the Hub, downloaded at its commit."""
    from pipelines.hub.client import check_repo, connect
    from pipelines.hub.errors import hub_errors

    name, _, revision = text.partition("@")
    check_repo(name)
    api = connect()
    with hub_errors(api, text):
        commit = api.model_info(name, revision=revision or None).sha
        folder = Path(api.snapshot_download(name, revision=commit, ignore_patterns=_NOT_LOADED))
    return _from_folder(folder, max_new_tokens, scores, text)


def _from_yaml(path: Path, scores: Scores) -> AskedModel:
    """A model block as recipes have it, with two more keys.

    `trained: true` asks in the words of training, by default a checkpoint's folder only; `scores`
    is as in `judge_of`.
    """
    try:
        values = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise BadInput(f"{path}: not YAML ({reason_of(error)})") from None
    if not isinstance(values, dict):
        raise BadInput(f"{path}: a model block is a mapping with `kind` and `model`")
    refuse_secrets(values, str(path))
    trained = values.pop("trained", None)
    if not isinstance(trained, bool | None):
        raise BadInput(f"{path}: trained: is {trained!r}, not true or false")
    scores = values.pop("scores", scores)
    if scores not in SCORES:
        raise BadInput(f"{path}: scores: {scores!r} is not one of {', '.join(SCORES)}")
    kinds = {one.model_fields["kind"].annotation.__args__[0]: one for one in AnyModel.__args__}
    kind = values.get("kind")
    if kind not in kinds:
        raise BadInput(f"{path}: kind: {kind!r} is not one of {', '.join(kinds)}")
    try:
        block = kinds[kind].model_validate(values)
    except ValidationError as error:
        raise BadInput(f"{path}: {first_problem(error)}") from None
    folder = Path(block.model).expanduser()
    if not isinstance(block, TransformersModel) or not (folder / TRAINING).is_file():
        return AskedModel(block, bool(trained), scores=scores)
    sha256 = sha256_of_file(folder / TRAINING)
    if block.training_sha256 not in (None, sha256):
        raise BadInput(f"{path}: training_sha256: {folder / TRAINING} has the SHA-256 {sha256}")
    block = block.model_copy(update={"training_sha256": sha256})
    return AskedModel(block, trained is not False, folder, scores)


def _from_audit(folder: Path, frozen: FrozenSet) -> Judge:
    """The judge of an earlier audit of the set, with its scores."""
    audit = read_audit(folder)
    if audit.set.digest != frozen.digest:
        raise BadInput(f"{folder}: an audit of the set {audit.set.name}, not of {frozen.name}")
    rows = [row for row in read_judgments(folder) if row["role"] == "model"]
    by_times = {
        times: {
            row["id"]: (row["score_a"], row["score_b"]) for row in rows if row["times"] == times
        }
        for times in (1, 2)
    }
    leaked = frozenset(row["id"] for row in rows if row["leaked"])
    return Judge(audit.model, by_times[1], by_times[2], audit.pairs.unreadable, leaked)
