"""Which pairs of a set a checkpoint was trained on: by id, text or near-duplicate."""

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from builders.audit.frozen import FrozenSet
from builders.audit.measure import Leaks
from builders.ledger.models import public_name
from builders.rows.read import read_rows
from builders.rows.schema import LEDGER_ROWS
from pipelines.audit.judges import AskedModel
from pipelines.audit.lineage import ledger_files, lineage, release_of

UNKNOWN = "What {} was trained on is not known."


def leaks_of(models: Sequence[AskedModel], frozen: FrozenSet) -> Leaks:
    """The pairs that any of the models was trained on, and a sentence on what is known."""
    ids: set[str] = set()
    sentences = []
    for model in models:
        found, sentence = _of_model(model, frozen)
        ids |= found
        sentences.append(sentence)
    return Leaks(frozenset(ids), " ".join(dict.fromkeys(sentences)) or Leaks().sentence)


def _of_model(model: AskedModel, frozen: FrozenSet) -> tuple[set[str], str]:
    if model.folder is None:
        return set(), UNKNOWN.format(model.name)
    ids: set[str] = set()
    read, unread, starts = [], [], []
    for trained in lineage(model.folder, published=model.published is not None):
        starts.append(trained.started_at)
        release = release_of(trained)
        if release is None:
            unread.append(trained.title)
        else:
            ids |= _shared(release, frozen)
            read.append(trained.title)
    sentence = f"{model.name} was trained on {' and '.join([*read, *unread])}"
    if unread:
        sentence += f", of which {' and '.join(unread)} cannot be read here"
    elif ids:
        sentence += f", which has {len(ids):,} of these pairs' instructions or similar ones"
    else:
        sentence += ", which has none of these instructions, and none that is similar"
    return ids, f"{sentence}{_freezing(frozen.facts.frozen_at, starts)}."


def _freezing(frozen_at: datetime, starts: Sequence[datetime | None]) -> str:
    """What is to be said of when the set was frozen and when the trainings began."""
    # Both are whole seconds: within one, the set may have been frozen after the beginning.
    if any(start is not None and frozen_at >= start for start in starts):
        return "; the set was frozen after that training had begun"
    if None in starts:
        return "; whether the set was frozen before that training is not known"
    return ""


def _shared(release: Path, frozen: FrozenSet) -> set[str]:
    """The ids of the pairs whose instruction, or a similar one, is in the release's train split."""
    from builders.duplicates.seen import InstructionIndex

    index = InstructionIndex()
    columns = ["id", "instruction", "task", "status"]
    for path in ledger_files(release):
        for row in read_rows(path, LEDGER_ROWS, columns):
            if row["status"] == "kept":
                index.add(row)
    return {pair["id"] for pair in frozen.pairs if index.same_as(pair) is not None}


def own_names(model: AskedModel) -> set[str]:
    """The names under which the model, or one that it was trained from, wrote answers."""
    names = {model.name, model.block.model}
    if model.published is not None:
        names.add(model.published.partition("@")[0])
    if model.folder is not None:
        for trained in lineage(model.folder, published=model.published is not None):
            base = trained.facts["base_model"]["name"]
            names |= {trained.facts["name"], trained.folder.resolve().name, base}
    return {public_name(name) for name in names} | names
