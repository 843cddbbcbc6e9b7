"""A person is left out of a review, or taken back into it.

Their verdicts stay in the folder. They count in no figure, drop no row and are in no release, and
what they write from now on is left out too. Corrections are made again without their texts.
"""

from builders.errors import BadInput
from builders.review.collected import by_place, write_verdicts
from builders.review.folder import Review
from builders.review.people import (
    Person,
    checked_reason,
    find_person,
    read_people,
    reasons_excluded,
    write_people,
)


def exclude(review: Review, name: str, reason: str | None) -> Person:
    """Leave the person with this name or pseudonym out; the folder's lock must be held.

    BadInput if there is no such person or no reason. A person who is left out already gets the new
    reason.
    """
    return _change(review, name, checked_reason(reason))


def include(review: Review, name: str) -> Person:
    """Take a person back into all figures; BadInput if they were not left out."""
    person = find_person(read_people(review.folder), name, review.folder)
    if person.excluded is None:
        raise BadInput(f"{review.folder}: {person.shown} is not left out")
    return _change(review, name, None)


def _change(review: Review, name: str, reason: str | None) -> Person:
    people = read_people(review.folder)
    person = find_person(people, name, review.folder).model_copy(update={"excluded": reason})
    people[person.annotator] = person
    write_verdicts(review, by_place(review.verdicts()), excluded=reasons_excluded(people))
    write_people(review.folder, people)
    return person
