"""A review's datasets on the server: guidelines, questions, and how many people answer a record."""

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from builders.errors import BadInput
from builders.review.record import ANSWERS_ONLY, CHOICES, FIELDS, QUESTIONS, SCORES
from builders.rows.schema import WEAKNESSES_REAL
from pipelines.review.page import template
from pipelines.review.server import Server

if TYPE_CHECKING:
    from argilla import Settings

_GUIDELINES = """\
Each page shows one instruction, two answers to it (**A** and **B**), and a critique of one of the \
two answers, which stays closed until you open it.

**Before you open the critique:**

1. Read the instruction and both answers in full. Long answers are cut; the button below them \
shows the rest. *Mark differing words* shows where the answers differ.
2. Decide which answer is better. Judge by what the instruction asks for: is the answer correct, \
complete, and clear? A longer answer is not better just because it is longer. If you would be \
equally happy with either one, choose *They are equally good*.
3. Score each answer on its own. 1 means useless or harmful, 5 means usable but with real \
problems, and 10 means there is nothing to improve.

**Then click *Show the critique*.** Its first line tells you which answer it is about.

4. Are the weaknesses it lists real? Check each one against the answer.
5. Are its suggestions clear enough to follow without asking what they mean?
6. Compare the two answers again. Does the answer that was *not* critiqued contain an error that \
the critiqued answer does not?

You can also write a corrected critique, or a corrected version of the answer that was not \
critiqued. Write the full text, not just your changes. If you would not change anything, leave the \
box as it is.

Links and images in the texts are shown as text: nothing is loaded from other places.

Please do not discuss a page with the other annotators until all of you have answered it. If you \
cannot judge a page, for example because you do not know the language or the subject, click \
*Discard*.
"""
_GUIDELINES_OF_PAIRS = """\
Each page shows one instruction and two answers to it (**A** and **B**).

1. Read the instruction and both answers in full. Long answers are cut; the button below them \
shows the rest. *Mark differing words* shows where the answers differ.
2. Decide which answer is better. Judge by what the instruction asks for: is the answer correct, \
complete, and clear? A longer answer is not better just because it is longer. If you would be \
equally happy with either one, choose *They are equally good*.

Links and images in the texts are shown as text: nothing is loaded from other places.

Please do not discuss a page with the other annotators until all of you have answered it. If you \
cannot judge a page, for example because you do not know the language or the subject, click \
*Discard*.
"""
_CALIBRATION = """\
**Start with these pages. Everyone answers all of them**, which shows how consistently you judge.

"""
_ASSISTED = """\
**The answers are filled in with a model's verdict. Please correct them.** They do not count as \
agreement with the model.

"""
# The one field. Before, a page had a text field for each of FIELDS, and its records had metadata.
PAGE = "page"
_SCALE = (
    "1 = useless or harmful, 5 = usable but with real problems, 10 = nothing to improve. Click, or "
    "type the number."
)
# Title and description.
_QUESTION_TEXTS = {
    "better": ("Which answer is better?", "Decide before you open the critique."),
    "score_a": ("How good is answer A?", _SCALE),
    "score_b": ("How good is answer B?", _SCALE),
    "weaknesses_real": (
        "Now open the critique. Does the answer really have the weaknesses that it lists?",
        "If it lists none: choose All of them if the answer has no weaknesses, or None of them if "
        "the critique missed one that matters.",
    ),
    "suggestions_actionable": (
        "Could you follow its suggestions without asking what they mean?",
        "If there are none: choose Yes if nothing needs to change.",
    ),
    "refinement_introduces_error": (
        "Does the other answer, which was not critiqued, have an error that the critiqued one does "
        "not have?",
        "An error is something false, or something that goes against the instruction.",
    ),
    "corrected_critique": (
        "Corrected critique (optional)",
        "Only if you would change something. Write the full text, and keep the headings "
        '"Weaknesses:" and "Suggestions:".',
    ),
    "corrected_refinement": (
        "Corrected version of the answer that was not critiqued (optional)",
        "Only if you would change something. Write the full text.",
    ),
}
_YES_OR_NO = {"yes": "Yes", "no": "No"}
# The choices of the questions that have labels, and what the page calls them.
_LABELS = {
    "better": dict(zip(CHOICES, ("Answer A", "Answer B", "They are equally good"), strict=True)),
    "weaknesses_real": dict(
        zip(WEAKNESSES_REAL, ("All of them", "Some of them", "None of them"), strict=True)
    ),
    "suggestions_actionable": _YES_OR_NO,
    "refinement_introduces_error": _YES_OR_NO,
}


def settings(
    server: Server,
    *,
    min_submitted: int,
    calibration: bool,
    assisted: bool,
    answers_only: bool = False,
) -> "Settings":
    """The settings of a review's dataset, as the client has them.

    With `answers_only`, there is no critique, and people are asked which answer is better.
    There is no metadata: an annotator's key reads a record's, and the page filters by it.
    """
    import argilla as rg

    client = server.client
    return rg.Settings(
        guidelines=_CALIBRATION * calibration
        + _ASSISTED * assisted
        + (_GUIDELINES_OF_PAIRS if answers_only else _GUIDELINES),
        fields=[
            rg.CustomField(PAGE, "Compare", template(), advanced_mode=True, _client=client),
        ],
        questions=[
            _question(name, client, answers_only=answers_only)
            for name in (ANSWERS_ONLY if answers_only else QUESTIONS)
        ],
        distribution=rg.TaskDistribution(min_submitted=min_submitted),
    )


def _question(name: str, client: Any, *, answers_only: bool) -> Any:
    import argilla as rg

    title, description = _QUESTION_TEXTS[name]
    if answers_only:
        description = "Judge by what the instruction asks for."
    about = {"title": title, "description": description, "client": client}
    if name in _LABELS:
        return rg.LabelQuestion(name, _LABELS[name], **about)
    if name.startswith("score_"):
        return rg.RatingQuestion(name, list(SCORES), **about)
    return rg.TextQuestion(name, required=False, **about)


def find_dataset(server: Server, workspace_id: str, name: str) -> dict[str, Any] | None:
    """The dataset as the server describes it, published or not; None if it does not exist."""
    datasets = server.request("GET", "me/datasets", workspace_id=workspace_id)["items"]
    for dataset in datasets:
        if dataset["name"] == name and dataset["workspace_id"] == workspace_id:
            return dataset
    return None


def create_dataset(server: Server, workspace: str, name: str, settings: "Settings") -> str:
    """Create and publish a dataset; its id. If it cannot be published, it is deleted."""
    import argilla as rg

    with server.plain_errors():
        dataset = rg.Dataset(name, workspace=workspace, settings=settings, client=server.client)
        return str(dataset.create().id)


def check_dataset(server: Server, dataset: Mapping[str, Any], settings: "Settings") -> None:
    """BadInput if an existing dataset's fields, questions or metadata are not those of `settings`.

    Names, kinds and choices must be the same. Titles, guidelines and the page's template may
    differ: an owner can edit them, and other versions of this package have others. A dataset with
    the fields of earlier versions has the same questions.
    """
    path = f"datasets/{dataset['id']}"
    serialized = settings.serialize()
    parts = [("questions", f"{path}/questions", serialized["questions"])]
    if not has_earlier_page(server, dataset["id"]):
        parts += [
            ("fields", f"{path}/fields", serialized["fields"]),
            ("metadata", f"me/{path}/metadata-properties", serialized["metadata"]),
        ]
    for kind, place, ours in parts:
        theirs = server.request("GET", place)["items"]
        if different := set(_shapes(ours)) ^ set(_shapes(theirs)):
            name = min(shape[0] for shape in different)
            raise BadInput(
                f"{server.url}: the dataset {dataset['name']!r} exists, but its {kind} are not "
                f"those of a review ({name}); use another name with --dataset"
            )


def has_earlier_page(server: Server, dataset_id: str) -> bool:
    """Whether the dataset was created by a version whose pages had a text field for each text."""
    fields = server.request("GET", f"datasets/{dataset_id}/fields")["items"]
    return {field["name"] for field in fields} == set(FIELDS)


def _shapes(parts: Iterable[Mapping[str, Any]]) -> Iterator[tuple]:
    for part in parts:
        settings = part["settings"]
        options = tuple(option["value"] for option in settings.get("options") or ())
        yield (
            part["name"],
            settings["type"],
            options,
            bool(settings.get("use_markdown")),
            part.get("required"),
            part.get("visible_for_annotators"),
        )


def question_ids(server: Server, dataset_id: str) -> dict[str, str]:
    questions = server.request("GET", f"datasets/{dataset_id}/questions")["items"]
    return {question["name"]: question["id"] for question in questions}


def annotation_page(url: str, dataset_id: str) -> str:
    """The address of the page where annotators answer."""
    return f"{url}/dataset/{dataset_id}/annotation-mode"
