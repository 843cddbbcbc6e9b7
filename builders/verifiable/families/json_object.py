"""JSON objects with certain keys and values."""

import ast
import json
import re
import warnings
from collections.abc import Mapping
from random import Random
from typing import Any

from builders.verifiable.families.text_format import empty_fault
from builders.verifiable.forms import form_request
from builders.verifiable.material.words import CITIES, NAMES, NOUNS
from builders.verifiable.problem import Args, CheckedDraft, Family, Problem
from builders.verifiable.reading.prose import words
from builders.verifiable.rubric import Fault, Grade, assess
from builders.verifiable.wording import count_of, join_words, pick, quote, split_words

_PHRASINGS = (
    "Write a JSON object with the keys {keys} and the values {values}.",
    "Give me a JSON object in which {pairs}.",
    "Turn this into a JSON object: {fields}",
    "Create a JSON object from these fields: {fields}",
    "Represent the following as one JSON object: {fields}",
)
_COLORS = split_words("red blue green yellow black white brown grey purple orange")
# A longer object is not the requested one; parsing it would only take time.
_MAX_OBJECT_LENGTH = 4000
_MAX_BRACES = 40


def _draw(rng: Random) -> dict[str, Any]:
    pool = {
        "name": rng.choice(NAMES),
        "age": rng.randint(5, 90),
        "city": rng.choice(CITIES),
        "colour": rng.choice(_COLORS),
        "item": rng.choice(NOUNS),
        "price": rng.randint(1, 90) + rng.choice((0.25, 0.5, 0.75)),
        "quantity": rng.randint(1, 40),
        "available": rng.random() < 0.5,
        "id": rng.randint(100, 999),
        "year": rng.randint(1950, 2029),
    }
    keys = rng.sample(list(pool), rng.randint(2, 4))
    return {key: pool[key] for key in keys}


def _make(rng: Random) -> Problem:
    expected = _draw(rng)
    # A list of pairs, because the canonical JSON of a task sorts the keys of an object.
    args = {
        "pairs": [list(pair) for pair in expected.items()],
        "form": rng.choice(("free", "free", "only")),
    }
    values = {key: json.dumps(value, ensure_ascii=False) for key, value in expected.items()}
    instruction = rng.choice(_PHRASINGS).format(
        keys=join_words(list(expected)),
        values=join_words([str(text) for text in values.values()]),
        pairs=join_words([f'"{key}" is {text}' for key, text in values.items()]),
        fields="; ".join(f"{key} = {text}" for key, text in values.items()),
    )
    return Problem(
        "json_object", args, instruction + form_request(rng, args["form"], "JSON object")
    )


def _parse_json(draft: str, expected: Mapping[str, Any]) -> tuple[dict | None, str]:
    """The JSON object in a draft with most of the expected keys, and the text around it."""
    decoder = json.JSONDecoder()
    best, rest, end, best_hits = None, draft, -1, -1
    for start in [match.start() for match in re.finditer(r"\{", draft)][:_MAX_BRACES]:
        if start < end:
            continue
        try:
            value, length = decoder.raw_decode(draft[start : start + _MAX_OBJECT_LENGTH])
        except (ValueError, RecursionError):
            continue
        end = start + length
        # A later one with as many keys is the final version.
        hits = sum(key in value for key in expected)
        if hits >= best_hits:
            best, best_hits = value, hits
            rest = draft[:start] + draft[end:]
    return best, rest


def _parse_python(draft: str) -> dict | None:
    """The object in a draft that writes it in Python syntax instead of JSON."""
    match = re.search(r"\{[^{}]{0,2000}\}", draft)
    if match is None:
        return None
    try:
        with warnings.catch_warnings():
            # Warnings about odd literals in a draft do not matter to the user.
            warnings.simplefilter("ignore")
            value = ast.literal_eval(match[0])
    except (ValueError, SyntaxError, MemoryError, RecursionError, TypeError):
        return None
    return value if isinstance(value, dict) else None


def _equal(one: Any, two: Any) -> bool:
    return one == two and isinstance(one, bool) == isinstance(two, bool)


def _pair_faults(args: Args, expected: Mapping[str, Any], parsed: Mapping) -> list[Fault]:
    faults = []
    missing = [key for key in expected if key not in parsed]
    if missing:
        faults.append(
            Fault(
                f"The key {join_words([quote(key) for key in missing])} is missing."
                if len(missing) == 1
                else f"The keys {join_words([quote(key) for key in missing])} are missing.",
                f"Add {join_words([quote(key) for key in missing])} with the value asked for.",
            )
        )
    for key, value in expected.items():
        if key not in parsed or _equal(parsed[key], value):
            continue
        actual, required = _in_remark(parsed[key]), _in_remark(value)
        weakness = f"The value of {quote(key)} is {actual}, not {required}."
        suggestion = f"Copy the value {required} for {quote(key)} from the instruction."
        if str(parsed[key]).casefold() == str(value).casefold():
            weakness = f"The value of {quote(key)} is written as {actual}; it should be {required}."
            if not isinstance(value, str) or not isinstance(parsed[key], str):
                suggestion = (
                    "Put strings in double quotes, and leave numbers, true and false unquoted."
                )
        faults.append(Fault(weakness, suggestion))
    extra = [str(key) for key in parsed if key not in expected]
    if extra:
        faults.append(
            Fault(
                pick(
                    args,
                    "extra",
                    f"It adds {join_words([quote(key, 20) for key in extra[:3]])}, which the "
                    "instruction does not ask for.",
                    f"Not asked for: {join_words([quote(key, 20) for key in extra[:3]])}.",
                ),
                "Use only the keys that were asked for.",
            )
        )
    return faults


def _in_remark(value: Any) -> str:
    if isinstance(value, str):
        return quote(value, 30)
    shown = json.dumps(value) if value is None or isinstance(value, bool) else str(value)
    return quote(shown, 30).strip('"')


def _check(args: Args, draft: str) -> CheckedDraft:
    expected = dict(args["pairs"])
    refinement = json.dumps(expected, ensure_ascii=False)
    if not draft.strip():
        fault = empty_fault(args, f"one JSON object with {count_of(len(expected), 'key')}")
        return assess(draft, Grade.EMPTY, [fault], refinement)
    parsed, rest = _parse_json(draft, expected)
    is_json = parsed is not None
    if not is_json:
        parsed = _parse_python(draft)
    if parsed is None:
        return _check_without_object(args, draft, expected, refinement)
    outer_key = _find_outer_key(expected, parsed)
    if outer_key:
        return assess(draft, Grade.PARTIAL, [_nested_fault(outer_key)], refinement, 0.25)
    faults = _pair_faults(args, expected, parsed)
    hits = sum(key in parsed and _equal(parsed[key], value) for key, value in expected.items())
    share = hits / max(len(expected), len(parsed))
    if not is_json:
        share *= 0.75
        faults.insert(0, _invalid_fault(args))
    grade = Grade.PARTIAL if faults else Grade.RIGHT
    around = re.sub(r"```\w*", "", rest)
    if args["form"] == "only" and words(around):
        faults.append(
            Fault(
                f"Only the object was asked for, but it also says {quote(around.strip(), 40)}.",
                "Write the JSON object and nothing before or after it.",
                cost=2,
            )
        )
    return assess(draft, grade, faults, refinement, share)


def _find_outer_key(expected: Mapping[str, Any], parsed: Mapping) -> str | None:
    """The outer key that holds the expected keys, if the object nests them."""
    if any(key in parsed for key in expected):
        return None
    for outer_key, value in parsed.items():
        if isinstance(value, dict) and (
            any(key in value for key in expected) or _find_outer_key(expected, value)
        ):
            return str(outer_key)
    return None


def _nested_fault(outer_key: str) -> Fault:
    return Fault(
        f"The pairs are buried inside {quote(outer_key, 20)}, an object that was not asked for.",
        "Put the keys asked for directly inside the outermost braces.",
    )


def _invalid_fault(args: Args) -> Fault:
    return Fault(
        pick(
            args,
            "invalid",
            "It is not valid JSON; a parser rejects it.",
            "The text between the braces is not valid JSON.",
        ),
        "Quote keys and strings with double quotes, put commas between pairs, and write true or "
        "false.",
    )


def _check_without_object(
    args: Args, draft: str, expected: Mapping[str, Any], refinement: str
) -> CheckedDraft:
    hits = [
        key
        for key, value in expected.items()
        if re.search(rf"(?<!\w){re.escape(key)}\W{{1,5}}\w", draft)
        and re.search(rf"(?<!\w){re.escape(key)}\W{{1,6}}{re.escape(str(value))}(?!\w)", draft)
    ]
    if "{" in draft and hits:
        share = 0.5 * len(hits) / len(expected)
        return assess(draft, Grade.PARTIAL, [_invalid_fault(args)], refinement, share)
    if "{" in draft:
        fault = Fault(
            "The object is not finished: its closing brace is missing.",
            f"Write only the {count_of(len(expected), 'pair')} asked for, and close the brace.",
        )
        return assess(draft, Grade.NO_ANSWER, [fault], refinement)
    weakness = pick(
        args,
        "none",
        f"There is no JSON object in the response; it says {quote(draft)}.",
        f"The response {quote(draft)} is not a JSON object.",
    )
    keys = [quote(key) for key in expected]
    suggestion = pick(
        args,
        "none how",
        f"Open a brace, write {keys[0]} and its value, and continue pair by pair.",
        f"Write one object between braces, with {join_words(keys)} as keys.",
        f"Put {count_of(len(expected), 'key-value pair')} in braces, starting with {keys[0]}.",
    )
    return assess(draft, Grade.NO_ANSWER, [Fault(weakness, suggestion)], refinement)


FAMILIES = (Family("json_object", _make, _check),)
