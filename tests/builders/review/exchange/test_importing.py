"""Answers from files become the verdicts that a pull gives, all of a file or nothing."""

import csv
import io
import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from builders.errors import BadInput
from builders.files.lock import locked
from builders.review.collected import by_place, merged, not_imported
from builders.review.exchange.columns import READ
from builders.review.exchange.export import export_file
from builders.review.exchange.importing import import_file, public_name
from builders.review.people import Person, read_people, write_people
from builders.review.pseudonyms import pseudonym, read_key
from builders.review.report import report_review
from builders.review.responses import verdict_of, with_seconds
from tests.reviewing import full_answer, page_values

START = datetime(2026, 3, 2, 9, tzinfo=UTC)
NOW = START + timedelta(days=1)


@dataclass(frozen=True)
class Response:
    """A response as an Argilla server has it."""

    status: str
    values: dict[str, Any]
    inserted_at: datetime
    updated_at: datetime


def answers(review, name):
    """What a person answers: {record: (values, status)}."""
    of_name = len(name)
    found = {}
    for number, row in enumerate(review.drawn()):
        better = ("draft", "tie", "refinement")[(number + of_name) % 3]
        answer = full_answer(better, 1 + number % 10, 10 - number % 3)
        if number % 4 == 1:
            answer["corrected_refinement"] = f"=Better, {name}.\n\u05e9\u05dc\u05d5\u05dd"
        status = "discarded" if number == 5 else "submitted"
        values = {} if status == "discarded" else page_values(answer, row["order"])
        found[row["record"]] = (values, status)
    return found


def filled(review, names, form="jsonl", **columns):
    """A sample as it was exported, with the answers of each person."""
    path = review.folder / f"sample.{form}"
    export_file(review, path, form)
    text = path.read_text(encoding="utf-8-sig")
    lines = text.splitlines()
    sample = (
        csv.DictReader(io.StringIO(text, newline="")) if form == "csv" else map(json.loads, lines)
    )
    rows = []
    for row in sample:
        for name in names:
            values, status = answers(review, name)[row["record"].removeprefix("'")]
            time = START + timedelta(seconds=20 * len(rows) + len(name))
            answer = {"annotator": name, "status": status, "submitted_at": time.isoformat()}
            rows.append({**row, **answer, **values, **columns})
    return rows


def write(path, rows, separator=","):
    names = list(dict.fromkeys(name for row in rows for name in row))
    if path.suffix == ".csv":
        with path.open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, names, delimiter=separator)
            writer.writeheader()
            writer.writerows(rows)
    else:
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def as_pulled(review, names):
    """The verdicts that a pull gives of the same answers at the same times."""
    key, drawn = read_key(review.folder), {row["record"]: row for row in review.drawn()}
    verdicts = []
    for row in filled(review, names):
        values, status = answers(review, row["annotator"])[row["record"]]
        time = datetime.fromisoformat(row["submitted_at"])
        name = pseudonym(key, row["annotator"])
        response = Response(status, values, time, time)
        options = {"annotator": name, "assisted": review.facts.assisted}
        verdicts.append(verdict_of(response, drawn[row["record"]], **options))
    return with_seconds(verdicts)


@pytest.mark.parametrize(("form", "separator"), [("jsonl", ""), ("csv", ","), ("csv", ";")])
def test_a_file_that_came_back_gives_the_verdicts_of_a_pull(drawn, tmp_path, form, separator):
    review, names = drawn(), ("ada", "benedict")
    rows = filled(review, names, form)
    imported = import_file(review, write(tmp_path / f"a.{form}", rows, separator), now=NOW)
    assert (imported.new, imported.edited, imported.unchanged, imported.empty) == (16, 0, 0, 0)
    assert review.verdicts() == as_pulled(review, names)
    assert imported.corrections == len(review.corrections()) > 0
    assert {row["file"] for row in review.imported()} == {f"a.{form}"}
    assert report_review(review)["counts"]["verdicts"] == 16


def test_the_same_file_changes_nothing_and_an_edited_one_updates(drawn, tmp_path):
    review = drawn()
    rows = [{**row, "submitted_at": ""} for row in filled(review, ("ada",), form="csv")]
    path = write(tmp_path / "a.csv", rows)
    import_file(review, path, now=NOW)
    first = {name: (review.folder / name).read_bytes() for name in FILES}
    again = import_file(review, path, now=NOW + timedelta(hours=1))
    assert (again.new, again.edited, again.unchanged) == (0, 0, 8)
    assert {name: (review.folder / name).read_bytes() for name in FILES} == first
    before = by_place(review.verdicts())
    # A time of import says nothing about how long a person took.
    assert {row["seconds"] for row in before.values()} == {None}
    rows[0]["score_a"] = "3" if rows[0]["score_a"] != 3 else "4"
    edited = import_file(review, write(path, rows), now=NOW + timedelta(hours=2))
    assert (edited.new, edited.edited, edited.unchanged) == (0, 1, 7)
    after = by_place(review.verdicts())
    (changed,) = [place for place in after if after[place] != before[place]]
    assert changed[0] == rows[0]["record"].removeprefix("'")
    assert after[changed]["submitted_at"] == NOW + timedelta(hours=2)


FILES = ("verdicts.parquet", "corrections.parquet", "imported.parquet")


def test_files_of_several_people_accumulate(drawn, tmp_path):
    review = drawn()
    for name in ("ada", "ben", "cem"):
        rows = [{**row, "annotator": ""} for row in filled(review, (name,))]
        imported = import_file(review, write(tmp_path / f"{name}.jsonl", rows), annotator=name)
        assert imported.new == 8
    assert len(review.verdicts()) == 24
    key = read_key(review.folder)
    people = {row["annotator"]: row["file"] for row in review.imported()}
    assert people == {pseudonym(key, name): f"{pseudonym(key, name)}.jsonl" for name in NAMES}
    assert len({row["file_digest"] for row in review.imported()}) == 3


NAMES = ("ada", "ben", "cem")


def test_every_bad_row_is_named_and_nothing_is_imported(drawn, tmp_path):
    review = drawn()
    import_file(review, write(tmp_path / "a.csv", filled(review, ("ada",))[:2]), now=NOW)
    before = {name: (review.folder / name).read_bytes() for name in FILES}
    rows = sorted(filled(review, ("ben",)), key=lambda row: row["status"], reverse=True)
    rows[1]["record"] = "0" * 20
    rows[2]["score_a"] = "11"
    rows[3]["better"] = ""
    rows[4] = {**rows[0]}
    rows[5]["annotator"] = "Ben"
    with pytest.raises(BadInput) as raised:
        import_file(review, write(tmp_path / "b.jsonl", rows), now=NOW)
    lines = str(raised.value).splitlines()
    assert lines[0].endswith("b.jsonl: nothing was imported, 5 of 8 rows cannot be:")
    assert lines[1] == "  line 2: record: '00000000000000000000' is not one of this review"
    assert lines[2] == "  line 3: score_a: '11' is not a whole number from 1 to 10"
    assert lines[3] == "  line 4: better: missing"
    assert lines[4] == "  line 5: ben has answered this record on line 1 already"
    assert lines[5] == "  line 6: annotator: 'Ben' is spelled 'ben' above"
    many = [{**row, "score_a": "x"} for row in rows for _ in range(9)]
    with pytest.raises(BadInput) as raised:
        import_file(review, write(tmp_path / "b.jsonl", many), now=NOW)
    lines = str(raised.value).splitlines()
    assert (len(lines), lines[-1]) == (22, "  and 52 more")
    assert {name: (review.folder / name).read_bytes() for name in FILES} == before


def test_what_cannot_be_imported_at_all_says_so(drawn, tmp_path):
    review = drawn()
    export_file(review, tmp_path / "a.csv", "csv")
    with pytest.raises(BadInput, match=r"a.csv: nobody has filled in any of its 8 rows"):
        import_file(review, tmp_path / "a.csv")
    with pytest.raises(BadInput, match=r"none\.csv: cannot be read: No such file"):
        import_file(review, tmp_path / "none.csv")
    path = write(tmp_path / "b.jsonl", filled(review, ("ada",)))
    with locked(review.folder), pytest.raises(BadInput, match="another process"):
        import_file(review, path)
    assert not review.imported()


def test_rows_that_are_not_filled_in_yet_are_counted(drawn, tmp_path):
    review = drawn()
    blank = dict.fromkeys(READ[2:], "")
    rows = filled(review, ("ada",))
    rows[3:] = [{**row, **blank} for row in rows[3:]]
    imported = import_file(review, write(tmp_path / "a.csv", rows), now=NOW)
    assert (imported.new, imported.empty) == (3, 5)


def test_verdicts_of_a_server_and_of_files_stand_side_by_side(drawn, tmp_path):
    review = drawn()
    import_file(review, write(tmp_path / "a.jsonl", filled(review, ("ada", "ben"))), now=NOW)
    imported, verdicts = by_place(review.imported()), review.verdicts()
    assert not_imported(verdicts, imported) == {}
    pulled = by_place({**row, "annotator": "a-argilla", "seconds": 1.0} for row in verdicts[::2])
    both = merged(pulled, imported)
    assert len(both) == 24
    assert not_imported(both.values(), imported) == pulled
    # Of two answers of one person to one record, the later one counts.
    place, row = next(iter(imported.items()))
    for hours in (-1, 1):
        other = {
            **by_place(verdicts)[place],
            "submitted_at": row["submitted_at"] + timedelta(hours=hours),
        }
        assert (merged({place: other}, imported)[place] == other) == (hours > 0)


def test_a_file_is_published_under_no_persons_name():
    names = {"ada.lovelace@example.org": "a-1", "Bo": "a-2"}
    assert public_name("ADA lovelace.csv", names) == "a-1 a-1.csv"
    assert public_name("round-1_bo.JSONL", names) == "round-1_a-2.JSONL"
    assert public_name("ada", names) == "a-1"
    assert public_name("answers.csv", {}) == "answers.csv"


def test_a_name_is_spelled_as_in_the_files_before(drawn, tmp_path):
    review = drawn()
    import_file(review, write(tmp_path / "a.jsonl", filled(review, ("ada",))), now=NOW)
    other = write(tmp_path / "b.jsonl", filled(review, ("Ada",)))
    with pytest.raises(BadInput, match="annotator: 'Ada' is spelled 'ada' in this review"):
        import_file(review, other, now=NOW)
    # Two users of a server may differ by that only.
    people = read_people(review.folder)
    write_people(review.folder, {**people, "a-2": Person(annotator="a-2", name="Ada")})
    assert import_file(review, other, now=NOW).new == 8


def test_a_user_of_the_server_is_the_same_person_in_a_file(drawn, tmp_path):
    review = drawn()
    server = Person(annotator="a-argilla", identity="user-7", name="ada")
    write_people(review.folder, {"a-argilla": server})
    path = write(tmp_path / "a.jsonl", filled(review, ("ada", "ben")))
    import_file(review, path, now=NOW)
    ben = pseudonym(read_key(review.folder), "ben")
    assert {row["annotator"] for row in review.verdicts()} == {"a-argilla", ben}
    people = read_people(review.folder)
    assert people["a-argilla"] == server
    assert (people[ben].name, people[ben].on_server) == ("ben", None)
    # Whoever was known from a file first stays the same person there.
    write_people(review.folder, {**people, "a-2": Person(annotator="a-2", name="ben")})
    assert import_file(review, path, now=NOW).unchanged == 16
