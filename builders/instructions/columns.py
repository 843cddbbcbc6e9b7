"""Which column of a file is which part of a task, and which of them nobody reads."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from builders.instructions.record import InstructionRecord, Unusable
from builders.instructions.texts import is_missing, words_in
from builders.instructions.turns import are_turns

# Columns with a conversation, and with an instruction, or a conversation that ends with one.
CONVERSATIONS = ("messages", "conversations", "conversation", "dialogue", "dialog")
INSTRUCTIONS = ("instruction", "prompt", "question")
# The better answer, which has the whole conversation in files of pairs without a prompt.
_PREFERRED = "chosen"
# The well-known names of what goes with an instruction.
COMPANIONS: dict[str, tuple[str, ...]] = {
    "input": (
        *("input", "inputs", "context", "passage", "document", "article", "background"),
        "instances.0.input",
    ),
    "system": ("system", "system_prompt", "system_message"),
    "history": ("history",),
    "criteria": ("criteria",),
    "draft": ("draft", "output", "response", "completion", "answer", "instances.0.output"),
}
_NAMES = {"instruction": (*CONVERSATIONS, *INSTRUCTIONS, _PREFERRED), **COMPANIONS}


def _places() -> dict[str, list[tuple[str, int, list[str]]]]:
    """By the name of a column: which part of a task it is, how early, and the path inside of it."""
    places: dict[str, list[tuple[str, int, list[str]]]] = {}
    for part, names in _NAMES.items():
        for rank, name in enumerate(names):
            key, *inside = name.split(".")
            places.setdefault(key, []).append((part, rank, inside))
    return places


_PLACES = _places()
# What may stand beside a task and is no part of it: other answers, and what is said about the row.
_ANSWERS = """
draft output outputs response responses completion completions answer answers target targets label
chosen rejected refinement critique generation generations solution
"""
_ABOUT = """
id idx index uid uuid guid name source sources dataset dataset_name origin split subset category
categories type task task_type kind topic domain subject tag tags difficulty level lang language
languages license licence model model_name generator author annotator annotators date created
created_at updated_at timestamp url link hash md5 sha256 quality score scores turn human_verdict
critique_template draft_assessment refinement_assessment
"""
_BESIDE = frozenset((_ANSWERS + _ABOUT).split())
_BESIDE_ENDINGS = ("_id", "_model", "_hash", "_score", "_scores", "_url")
_MEDIA = """
image images img picture pictures video videos audio audios image_path image_url
"""
_REFUSED = frozenset(_MEDIA.split())

Paths = Mapping[str, Sequence[str]]


def recognized(row: Mapping[str, Any], ignore: Sequence[str] = ()) -> dict[str, list[str]]:
    """The columns of each part of a task by their well-known names, in any case."""
    row = {key: value for key, value in row.items() if key not in ignore} if ignore else row
    found: dict[str, list[tuple[int, str]]] = {part: [] for part in _NAMES}
    empty = None
    for key, value in row.items():
        for part, rank, inside in _PLACES.get(str(key).strip().casefold(), ()):
            if is_missing(value):
                empty = empty or (key if part == "instruction" else None)
            elif path := _path(row, key, inside):
                found[part].append((rank, path))
    paths = {part: [path for _, path in sorted(places)] for part, places in found.items()}
    if not paths["instruction"]:
        detail = f"{empty!r} is empty" if empty else f"columns: {', '.join(map(str, row))}"
        raise Unusable("no_instruction", detail)
    first = paths["instruction"][0]
    if first.casefold() in CONVERSATIONS or are_turns(row[first]):
        # An input would belong to one of the turns, and nothing says to which.
        paths["input"] = []
    # Several inputs and system prompts are read, in the order of their names above.
    several = ("input", "system")
    return {part: own if part in several else own[:1] for part, own in paths.items()}


def _path(row: Mapping[str, Any], key: str, inside: Sequence[str]) -> str | None:
    """The path of a well-known column, "instances.0.input" too; None if there is nothing at it."""
    if key.casefold() == _PREFERRED and not are_turns(row[key]):
        return None
    path = ".".join([key, *inside])
    try:
        return None if inside and is_missing(value_at(row, path)) else path
    except Unusable:
        return None


def value_at(row: Mapping[str, Any], path: str) -> Any:
    """The value under a dotted path; `Unusable` if the row has no such column."""
    value: Any = row
    for key in [path] if path in row else path.split("."):
        try:
            value = value[int(key)] if isinstance(value, list) else value[key]
        except (KeyError, IndexError, ValueError, TypeError):
            there = ", ".join(map(str, row))
            raise Unusable("column_missing", f"no column {path!r}; there are {there}") from None
    return value


def refuse_media(row: Mapping[str, Any], ignore: Sequence[str]) -> None:
    """`Unusable` if a column has a picture, a sound or a film, whose text alone is no task."""
    for key, value in row.items():
        if str(key).casefold() in _REFUSED and key not in ignore and not is_missing(value):
            raise Unusable("has_media", f"the column {key!r} is filled")


def unread(
    row: Mapping[str, Any],
    paths: Paths,
    record: InstructionRecord,
    ignore: Sequence[str],
    *,
    named: bool,
) -> Iterator[str]:
    """The columns with text that is in no part of the record, and that may belong to the task.

    Where the recipe has `named` the columns, only those with a well-known name are asked about.
    """
    all_paths = (path for several in paths.values() for path in several)
    read = {key for path in all_paths for key in (path, path.split(".")[0])}
    known = ""
    for key, value in row.items():
        name = str(key).strip().casefold()
        if key in read or key in ignore or _is_beside(name):
            continue
        if named and not _is_companion(name):
            continue
        words = list(words_in(value))
        known = known or _texts(record)
        if not all(text in known for text in words):
            yield str(key)


def _is_beside(name: str) -> bool:
    return name in _BESIDE or name.endswith(_BESIDE_ENDINGS)


def _is_companion(name: str) -> bool:
    return any(part in COMPANIONS for part, _, _ in _PLACES.get(name, ()))


def _texts(record: InstructionRecord) -> str:
    before = (turn["content"] for turn in record.history)
    texts = (record.system, *before, record.instruction, record.draft, record.criteria)
    return "\n".join(filter(None, texts))
