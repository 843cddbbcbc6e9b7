import pytest

from builders.verifiable.registry import families

CHECK = families()["json_object"].check
ANA = {"pairs": [["name", "Ana"], ["age", 31]], "form": "free"}
GOOD = '{"name": "Ana", "age": 31}'


@pytest.mark.parametrize(
    ("draft", "score"),
    [
        (GOOD, 10),
        ('{"age": 31, "name": "Ana"}', 10),
        (f"```json\n{GOOD}\n```\nThis is a JSON object with two keys.", 10),
        (f"```json\n{GOOD}\n```\nThe `{{}}` are the braces of the object.", 10),
        ('{"name": "Eva", "age": 31} No: {"name": "Ana", "age": 31}', 10),
        ('{"name": "Ana", "age": "31"}', 5),
        ('{"name": "Ana"}', 5),
        ('{"name": "Ana", "age": 31, "id": 7}', 5),
        ("{'name': 'Ana', 'age': 31}", 6),
        ('{"name": "Eva", "age": 13}', 3),
        ('{"data": {"name": "Ana", "age": 31}}', 4),
        ("{name: Ana, age: 31", 5),
        ("{" * 5000, 2),
        ("name is Ana and age is 31", 2),
        ("def get_json(data):\n    return data", 2),
        ("[1, 2]", 2),
    ],
)
def test_objects(draft, score):
    assert CHECK(ANA, draft).score == score


def test_only_the_object():
    args = ANA | {"form": "only"}
    assert CHECK(args, f"```json\n{GOOD}\n```").score == 10
    checked = CHECK(args, f"Sure! {GOOD}")
    assert (checked.score, checked.refinement) == (8, GOOD)
    assert "Sure!" in checked.weaknesses[0]


def test_faults_are_named():
    checked = CHECK(ANA, '{"name": "Eva", "id": 7}')
    assert 'The key "age" is missing.' in checked.weaknesses
    assert 'The value of "name" is "Eva", not "Ana".' in checked.weaknesses
    assert any('"id"' in weakness for weakness in checked.weaknesses)
    assert (
        "parser" in CHECK(ANA, "{'name': 'Ana', 'age': 31}").weaknesses[0]
        or "valid" in (CHECK(ANA, "{'name': 'Ana', 'age': 31}").weaknesses[0])
    )


def test_true_and_one_are_different():
    args = {"pairs": [["available", True], ["quantity", 1]], "form": "free"}
    assert CHECK(args, '{"available": true, "quantity": 1}').score == 10
    checked = CHECK(args, '{"available": 1, "quantity": true}')
    assert checked.score == 3
    assert checked.weaknesses == [
        'The value of "available" is 1, not true.',
        'The value of "quantity" is true, not 1.',
    ]
