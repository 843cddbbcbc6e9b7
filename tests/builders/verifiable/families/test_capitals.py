import pytest

from builders.verifiable.material.countries import CAPITALS, OTHER_NAMES
from builders.verifiable.registry import families

CHECK = families()["capital"].check
NORWAY = {"kind": "capital", "of": "Norway", "form": "free"}
OSLO = {"kind": "country", "of": "Oslo", "form": "free"}


@pytest.mark.parametrize(
    ("args", "draft", "score"),
    [
        (NORWAY, "The capital of Norway is Oslo.", 10),
        (NORWAY, "Oslo", 10),
        (NORWAY, "oslo is the capital.", 10),
        (NORWAY, "The capital of Norway is a city on a fjord, and it is called Oslo.", 10),
        (NORWAY, "Bergen is the second-largest city, but the capital is Oslo.", 10),
        (NORWAY, "The capital of Norway is Bergen, not Oslo.", 3),
        (NORWAY, "The capital of Norway is Stockholm.", 3),
        (NORWAY, "The capital is Oslo. In fact the capital of Norway is Bergen.", 4),
        (NORWAY, "The capital is Bergen. In fact the capital of Norway is Oslo.", 5),
        (NORWAY, "Norway is a beautiful country in the north.", 2),
        (OSLO, "Oslo is the capital of Norway.", 10),
        (OSLO, "Norway", 10),
        (OSLO, "The capital of the Kingdom of Norway is Oslo.", 10),
        (OSLO, "Oslo is the capital of Sweden.", 3),
        (OSLO, "The country whose capital is Oslo is Norway.", 10),
        (OSLO, "The country whose capital is Oslo is Atlantis.", 3),
        (OSLO, "It is the capital of which country?", 2),
        ({"kind": "capital", "of": "Colombia", "form": "free"}, "Bogota.", 10),
    ],
)
def test_capitals(args, draft, score):
    assert CHECK(args, draft).score == score


def test_the_label_of_an_answer_is_no_part_of_its_name():
    (weakness,) = CHECK(NORWAY, "Answer: Norway").weaknesses
    assert "Answer" not in weakness


def test_the_country_of_a_wrong_capital_is_named():
    (weakness,) = CHECK(NORWAY, "The capital of Norway is Lima.").weaknesses
    assert "Peru" in weakness
    (weakness,) = CHECK(OSLO, "Oslo is the capital of Peru.").weaknesses
    assert "Lima" in weakness


def test_the_table_has_enough_countries_and_unique_capitals():
    assert len(CAPITALS) >= 60
    assert len(set(CAPITALS.values())) == len(CAPITALS)
    assert OTHER_NAMES.keys() <= {*CAPITALS, *CAPITALS.values()}


def test_only_the_name():
    checked = CHECK(NORWAY | {"form": "only"}, "The capital of Norway is Oslo.")
    assert (checked.score, checked.refinement) == (8, "Oslo")
