"""One person is one person in all reviews of a release, if they can be known to be the same.

Pseudonyms under different keys cannot be compared. A review's folder knows whom its pseudonyms
stand for, so they are made again under one key; what is not known stays as it is.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from builders.review.folder import Review
from builders.review.people import read_people, reasons_excluded, translations
from builders.review.pseudonyms import existing_key
from builders.rows import Row
from builders.wording import counted


def notes_on_people(reviews: Sequence[Review]) -> Iterator[str]:
    """What to know about people who are, or may be, in several of these reviews; a line each."""
    if len(reviews) < 2:
        return
    key = common_key([review.folder for review in reviews])
    excluded_in: dict[str, Path] = {}
    named: dict[str, dict[str, Path]] = {}
    verdicts: list[tuple[Review, Counter[str]]] = []
    for review in reviews:
        known = names_under(key, review.folder)
        people = read_people(review.folder)
        counts = Counter(known.get(row["annotator"], row["annotator"]) for row in review.verdicts())
        reasons = {known.get(one, one) for one in reasons_excluded(people)}
        excluded_in |= dict.fromkeys(reasons, review.folder)
        for one in reasons:
            counts.pop(one, None)
        verdicts.append((review, counts))
        for one in people.values():
            annotator = known.get(one.annotator, one.annotator)
            if one.name and annotator in counts:
                named.setdefault(one.name, {}).setdefault(annotator, review.folder)
        own = existing_key(review.folder)
        strangers = len(counts.keys() - set(known.values())) if own not in (None, key) else 0
        if strangers:
            are = counted(strangers, "annotator is", "annotators are")
            yield (
                f"{review.folder}: it is not known who {are}, so that they count as other people "
                f"than those of the other reviews; `srt review pull {review.folder}` may tell"
            )
    for same in named.values():
        (first, folder), *others = same.items()
        for annotator, other in others:
            yield (
                f"{other}: {annotator} has the same name as {first} of {folder}, and counts as "
                "another person"
            )
    for review, counts in verdicts:
        for annotator in sorted(counts.keys() & excluded_in.keys()):
            yield (
                f"{review.folder}: {annotator} counts here, and is left out of "
                f"{excluded_in[annotator]}"
            )


def common_key(folders: Sequence[Path]) -> bytes | None:
    """The key of the first folder's project, or else the first key that there is."""
    for folder in folders:
        for place in (folder.resolve().parent, folder):
            if key := existing_key(place):
                return key
    return None


def names_under(key: bytes | None, folder: Path) -> dict[str, str]:
    """What each pseudonym of a review is under `key`, of everybody who is known."""
    own = existing_key(folder)
    return translations(read_people(folder), (), own, key) if own and key else {}


def renamed(verdict: Row, names: Mapping[str, str]) -> Row:
    annotator = verdict["annotator"]
    return {**verdict, "annotator": names.get(annotator, annotator)}


def renamed_correction(correction: Row, names: Mapping[str, str]) -> Row:
    """A correction, whose call names the annotator in place of a model."""
    calls = [
        {**call, "model": names.get(call["model"], call["model"])} for call in correction["calls"]
    ]
    return {**correction, "calls": calls}
