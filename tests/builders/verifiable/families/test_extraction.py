import pytest

from builders.verifiable.families.extraction import TEMPLATES
from builders.verifiable.registry import families

CHECK = families()["extraction"].check
OTHERS = {
    "customer's name": "Anna Keller",
    "city": "Lisbon",
    "day of shipping": "Monday",
    "item": "lantern",
    "price": "$24.50",
}
ORDER = {"ask": "order number", "value": "48213", "others": OTHERS, "form": "free"}
PRICE = {
    "ask": "price",
    "value": "$24.50",
    "others": {"order number": "48213", "city": "Lisbon", "customer's name": "Anna Keller"},
    "form": "free",
}
NAME = {
    "ask": "customer's name",
    "value": "Anna Keller",
    "others": {"order number": "48213", "city": "Lisbon", "price": "$24.50"},
    "form": "free",
}
TEXT = "Order 48213 was shipped to Anna Keller in Lisbon on Monday. It cost $24.50."


@pytest.mark.parametrize(
    ("args", "draft", "score"),
    [
        (ORDER, "48213", 10),
        (ORDER, "The order number for the item is 48213.", 10),
        (ORDER, "Anna Keller's order is 48213.", 10),
        (ORDER, "The order number is 24.50.", 3),
        (ORDER, "The order number is 48213 from Anna Keller in Lisbon.", 10),
        (ORDER, "The order number is Lisbon with 48213.", 10),
        (ORDER, "The order number is Anna Keller in Lisbon, 48213.", 4),
        (ORDER, "The order number is Lisbon, and 48213 is the price.", 3),
        (PRICE, "The price paid for the lantern of order 48213 by Anna Keller was $24.50.", 10),
        (ORDER, "The order number is 48214.", 3),
        (ORDER, TEXT, 4),
        (ORDER, "The order number is 48213. No, the order number is 11111.", 4),
        (ORDER, "I hope that this information is helpful to you and your team.", 2),
        (PRICE, "The price is $24.50.", 10),
        (PRICE, "24.5 dollars", 10),
        (PRICE, "The price is $25.", 3),
        (PRICE, "It cost 48213.", 3),
        (NAME, "The customer's name is Anna Keller.", 10),
        (NAME, "Anna", 4),
        (NAME, "The customer's name is Lisbon.", 3),
    ],
)
def test_extraction(args, draft, score):
    assert CHECK(args, draft).score == score


def test_the_detail_given_instead_is_named():
    (weakness,) = CHECK(PRICE, "The price is 48213.").weaknesses
    assert weakness == "48213 is the order number; the price is $24.50."
    assert "only part of" in CHECK(NAME, "Keller").weaknesses[0]
    assert "48213" not in CHECK(ORDER, TEXT).weaknesses[0]


def test_every_label_belongs_to_a_slot_of_its_text():
    for template in TEMPLATES:
        for slot in template.labels:
            assert f"{{{slot}}}" in template.text
        assert len(set(template.labels.values())) == len(template.labels)
