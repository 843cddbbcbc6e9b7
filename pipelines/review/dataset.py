"""A review's datasets on the server: what annotators read, what they are asked, and how often."""

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from builders.errors import BadInput
from builders.review.record import CHOICES, FIELDS, METADATA, QUESTIONS, SCORES
from builders.schema import WEAKNESSES_REAL
from pipelines.review.server import Server

if TYPE_CHECKING:
    from argilla import Settings

_GUIDELINES = """\
Each page has one instruction and two answers to it, **A** and **B**. A critique of one of them \
comes last.

**First, before you read the critique:**

1. Read the instruction, then both answers, to the end.
2. Say which answer is better. Go by what the instruction asks for: is it right, is it complete, \
is it clear? That one is longer makes it no better. If you would be as content with either, \
choose *They are equally good*.
3. Score each answer: 1 is useless or harmful, 5 is usable with real faults, 10 leaves nothing to \
improve.

**Then read the critique.** Its first line says which answer it is of.

4. Is what it calls weak really weak? Look each point up in the answer.
5. Could somebody carry out its suggestions without asking what is meant?
6. Compare the two answers once more: does the one that was *not* criticised have an error that \
the other one does not have?

If you like, write the critique, or the answer that was not criticised, as it should be: the whole \
text, not only what you would change. Leave the box alone where you would change nothing.

Do not talk about a page with the other annotators before all of you have answered it. If you \
cannot judge a page, because you do not know its language or its subject, press *Discard*.
"""
_CALIBRATION = """\
**These pages come first, and everybody answers all of them.** They show how alike you judge.

"""
_ASSISTED = """\
**The boxes are filled in with what a model thinks. Correct it.** Nothing here counts as your \
agreement with the model.

"""
_TITLES = {
    "instruction": "Instruction",
    "answer_a": "Answer A",
    "answer_b": "Answer B",
    "critique": "Critique (after the first three questions)",
}
_SCALE = "1: useless or harmful. 5: usable, with real faults. 10: leaves nothing to improve."
_WHOLE = "Only if you would change something; then the whole text."


def settings(
    server: Server, *, min_submitted: int, calibration: bool, assisted: bool
) -> "Settings":
    """What one of a review's datasets is, in the client's terms. All text is shown as it is."""
    import argilla as rg

    client = server.client
    before = _CALIBRATION * calibration + _ASSISTED * assisted
    return rg.Settings(
        guidelines=before + _GUIDELINES,
        fields=[
            rg.TextField(name, title=_TITLES[name], use_markdown=False, client=client)
            for name in FIELDS
        ],
        questions=list(_questions(client)),
        metadata=list(_metadata(client)),
        distribution=rg.TaskDistribution(min_submitted=min_submitted),
    )


def _questions(client: Any) -> Iterator[Any]:
    import argilla as rg

    def label(name: str, title: str, labels: Mapping[str, str], description: str) -> Any:
        return rg.LabelQuestion(
            name, dict(labels), title=title, description=description, client=client
        )

    better = dict(zip(CHOICES, ("Answer A", "Answer B", "They are equally good"), strict=True))
    yes_or_no = {"yes": "Yes", "no": "No"}
    real = dict(zip(WEAKNESSES_REAL, ("All of them", "Some", "None of them"), strict=True))
    asked = {
        "better": label(
            "better", "Which answer is better?", better, "Before you read the critique."
        ),
        **{
            f"score_{letter.lower()}": rg.RatingQuestion(
                f"score_{letter.lower()}",
                list(SCORES),
                title=f"Score of answer {letter}",
                description=_SCALE,
                client=client,
            )
            for letter in CHOICES[:2]
        },
        "weaknesses_real": label(
            "weaknesses_real",
            "Are the weaknesses that the critique names real?",
            real,
            "If it names none: all, if there is none; none, if it has missed one that matters.",
        ),
        "suggestions_actionable": label(
            "suggestions_actionable",
            "Could somebody carry out its suggestions without asking back?",
            yes_or_no,
            "If it makes none: yes, if nothing needs to change.",
        ),
        "refinement_introduces_error": label(
            "refinement_introduces_error",
            "Does the answer that was not criticised bring in an error that the other has not?",
            yes_or_no,
            "Something false, or against the instruction.",
        ),
        "corrected_critique": rg.TextQuestion(
            "corrected_critique",
            title="The critique as it should be (optional)",
            description=f'{_WHOLE} Keep its two headings, "Weaknesses:" and "Suggestions:".',
            required=False,
            client=client,
        ),
        "corrected_refinement": rg.TextQuestion(
            "corrected_refinement",
            title="The answer that was not criticised, as it should be (optional)",
            description=_WHOLE,
            required=False,
            client=client,
        ),
    }
    return (asked[name] for name in QUESTIONS)


def _metadata(client: Any) -> Iterator[Any]:
    """Hidden from annotators: models and scores would tell them what to think."""
    import argilla as rg

    for name in METADATA:
        whole = name in ("margin", "length_delta")
        kind = rg.IntegerMetadataProperty if whole else rg.TermsMetadataProperty
        yield kind(name, visible_for_annotators=False, client=client)


def find_dataset(server: Server, workspace_id: str, name: str) -> dict[str, Any] | None:
    """The dataset as the server describes it, published or not."""
    found = server.ask("GET", "me/datasets", workspace_id=workspace_id)["items"]
    return next(
        (
            dataset
            for dataset in found
            if dataset["name"] == name and dataset["workspace_id"] == workspace_id
        ),
        None,
    )


def make_dataset(server: Server, workspace: str, name: str, wanted: "Settings") -> str:
    """Make and publish a dataset; its id. One that cannot be published is not left there."""
    import argilla as rg

    with server.complaints():
        made = rg.Dataset(name, workspace=workspace, settings=wanted, client=server.client)
        return str(made.create().id)


def check_dataset(server: Server, dataset: Mapping[str, Any], wanted: "Settings") -> None:
    """BadInput where a dataset that is there shows or asks something else than `wanted`.

    Wording and guidelines may have been improved on the page; names, kinds and choices not.
    """
    path = f"datasets/{dataset['id']}"
    kinds = ("fields", "questions", "metadata-properties")
    places = (f"{path}/fields", f"{path}/questions", f"me/{path}/metadata-properties")
    there = [server.ask("GET", place)["items"] for place in places]
    asked = wanted.serialize()
    ours = [asked["fields"], asked["questions"], asked["metadata"]]
    for kind, found, own in zip(kinds, there, ours, strict=True):
        if other := set(_shapes(own)) ^ set(_shapes(found)):
            name = min(shape[0] for shape in other)
            raise BadInput(
                f"{server.url}: the dataset {dataset['name']!r} is there, with other {kind} than a "
                f"review's ({name}); --dataset names another"
            )


def _shapes(parts: Iterable[Mapping[str, Any]]) -> Iterator[tuple]:
    for part in parts:
        about = part["settings"]
        options = tuple(option["value"] for option in about.get("options") or ())
        yield (
            part["name"],
            about["type"],
            options,
            bool(about.get("use_markdown")),
            part.get("required"),
            part.get("visible_for_annotators"),
        )


def question_ids(server: Server, dataset_id: str) -> dict[str, str]:
    found = server.ask("GET", f"datasets/{dataset_id}/questions")["items"]
    return {question["name"]: question["id"] for question in found}


def page_of(url: str, dataset_id: str) -> str:
    """Where annotators answer."""
    return f"{url}/dataset/{dataset_id}/annotation-mode"
