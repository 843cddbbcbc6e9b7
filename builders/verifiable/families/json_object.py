"""JSON objects with given keys and values."""

import ast
import json
import re
import warnings
from collections.abc import Mapping
from random import Random
from typing import Any

from builders.verifiable.families.text_format import empty
from builders.verifiable.forms import request
from builders.verifiable.material.words import CITIES, NAMES, NOUNS
from builders.verifiable.problem import Args, Check, Family, Problem
from builders.verifiable.reading.prose import words
from builders.verifiable.rubric import Fault, Outcome, assess
from builders.verifiable.wording import count_of, listed, listing, pick, quote

_TEXTS = (
    "Write a JSON object with the keys {keys} and the values {values}.",
    "Give me a JSON object in which {pairs}.",
    "Turn this into a JSON object: {fields}",
    "Create a JSON object from these fields: {fields}",
    "Represent the following as one JSON object: {fields}",
)
_COLOURS = listed("red blue green yellow black white brown grey purple orange")
# A longer stretch is no object that anybody was asked for, and would only take time.
_LONGEST = 4000
_MOST_TRIES = 40


def _draw(rng: Random) -> dict[str, Any]:
    pool = {
        "name": rng.choice(NAMES),
        "age": rng.randint(5, 90),
        "city": rng.choice(CITIES),
        "colour": rng.choice(_COLOURS),
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
    wanted = _draw(rng)
    # A list of pairs, because the canonical text of a task sorts an object's keys.
    args = {
        "pairs": [list(pair) for pair in wanted.items()],
        "form": rng.choice(("free", "free", "only")),
    }
    shown = {key: json.dumps(value, ensure_ascii=False) for key, value in wanted.items()}
    instruction = rng.choice(_TEXTS).format(
        keys=listing(list(wanted)),
        values=listing([str(text) for text in shown.values()]),
        pairs=listing([f'"{key}" is {text}' for key, text in shown.items()]),
        fields="; ".join(f"{key} = {text}" for key, text in shown.items()),
    )
    return Problem("json_object", args, instruction + request(rng, args["form"], "JSON object"))


def _strict(draft: str, wanted: Mapping[str, Any]) -> tuple[dict | None, str]:
    """The JSON object of a draft that has most of the wanted keys, and the text around it."""
    decoder = json.JSONDecoder()
    best, around, covered, most = None, draft, -1, -1
    for start in [match.start() for match in re.finditer(r"\{", draft)][:_MOST_TRIES]:
        if start < covered:
            continue
        try:
            value, length = decoder.raw_decode(draft[start : start + _LONGEST])
        except (ValueError, RecursionError):
            continue
        covered = start + length
        # A later one of equal worth is the final version.
        hits = sum(key in value for key in wanted)
        if hits >= most:
            best, most = value, hits
            around = draft[:start] + draft[covered:]
    return best, around


def _loose(draft: str) -> dict | None:
    """The object of a draft that is almost JSON: Python's spelling of it."""
    match = re.search(r"\{[^{}]{0,2000}\}", draft)
    if match is None:
        return None
    try:
        with warnings.catch_warnings():
            # Odd literals of a draft are no concern of whoever runs the check.
            warnings.simplefilter("ignore")
            value = ast.literal_eval(match[0])
    except (ValueError, SyntaxError, MemoryError, RecursionError, TypeError):
        return None
    return value if isinstance(value, dict) else None


def _same(one: Any, two: Any) -> bool:
    return one == two and isinstance(one, bool) == isinstance(two, bool)


def _pair_faults(args: Args, wanted: Mapping[str, Any], given: Mapping) -> list[Fault]:
    faults = []
    missing = [key for key in wanted if key not in given]
    if missing:
        faults.append(
            Fault(
                f"The key {listing([quote(key) for key in missing])} is missing."
                if len(missing) == 1
                else f"The keys {listing([quote(key) for key in missing])} are missing.",
                f"Add {listing([quote(key) for key in missing])} with the value asked for.",
            )
        )
    for key, value in wanted.items():
        if key not in given or _same(given[key], value):
            continue
        has, right = _written(given[key]), _written(value)
        slip = f"The value of {quote(key)} is {has} and not {right}."
        how = f"Copy the value {right} for {quote(key)} from the instruction."
        if str(given[key]).casefold() == str(value).casefold():
            slip = f"The value of {quote(key)} is written as {has}; it has to be {right}."
            if not isinstance(value, str) or not isinstance(given[key], str):
                how = "Put texts in double quotes, and leave numbers, true and false without."
        faults.append(Fault(slip, how))
    extra = [str(key) for key in given if key not in wanted]
    if extra:
        faults.append(
            Fault(
                pick(
                    args,
                    "extra",
                    f"It adds {listing([quote(key, 20) for key in extra[:3]])}, which nobody "
                    "asked for.",
                    f"Not asked for: {listing([quote(key, 20) for key in extra[:3]])}.",
                ),
                "Use only the keys that were named.",
            )
        )
    return faults


def _written(value: Any) -> str:
    return quote(str(value), 30) if isinstance(value, str) else quote(str(value), 30).strip('"')


def _check(args: Args, draft: str) -> Check:
    wanted = dict(args["pairs"])
    refinement = json.dumps(wanted, ensure_ascii=False)
    if not draft.strip():
        fault = empty(args, f"one JSON object with {count_of(len(wanted), 'key')}")
        return assess(draft, Outcome.EMPTY, [fault], refinement)
    strict, around = _strict(draft, wanted)
    given = strict if strict is not None else _loose(draft)
    if given is None:
        return _no_object(args, draft, wanted, refinement)
    inner = _buried(wanted, given)
    if inner:
        return assess(draft, Outcome.PARTIAL, [_too_deep(inner)], refinement, 0.25)
    faults = _pair_faults(args, wanted, given)
    hits = sum(key in given and _same(given[key], value) for key, value in wanted.items())
    share = hits / max(len(wanted), len(given))
    if strict is None:
        share *= 0.75
        faults.insert(0, _invalid(args))
    outcome = Outcome.PARTIAL if faults else Outcome.RIGHT
    said = re.sub(r"```\w*", "", around)
    if args["form"] == "only" and words(said):
        faults.append(
            Fault(
                f"Only the object was wanted, but it also says {quote(said.strip(), 40)}.",
                "Write the JSON object and nothing before or after it.",
                cost=2,
            )
        )
    return assess(draft, outcome, faults, refinement, share)


def _buried(wanted: Mapping[str, Any], given: Mapping) -> str | None:
    """The key under which an object holds the keys that belong at its top."""
    if any(key in given for key in wanted):
        return None
    for outer, value in given.items():
        if isinstance(value, dict) and (
            any(key in value for key in wanted) or _buried(wanted, value)
        ):
            return str(outer)
    return None


def _too_deep(outer: str) -> Fault:
    return Fault(
        f"The pairs are buried inside {quote(outer, 20)}, an object that nobody asked for.",
        "Put the keys that were named directly into the outermost braces.",
    )


def _invalid(args: Args) -> Fault:
    return Fault(
        pick(
            args,
            "invalid",
            "It is not valid JSON; a parser rejects it.",
            "What stands between the braces is no valid JSON.",
        ),
        "Put keys and texts in double quotes, separate pairs by commas, and write true or false.",
    )


def _no_object(args: Args, draft: str, wanted: Mapping[str, Any], refinement: str) -> Check:
    named = [key for key in wanted if re.search(rf"(?<!\w){re.escape(key)}\W{{1,5}}\w", draft)]
    hits = [
        key
        for key in named
        if re.search(rf"(?<!\w){re.escape(key)}\W{{1,6}}{re.escape(str(wanted[key]))}(?!\w)", draft)
    ]
    if "{" in draft and hits:
        share = 0.5 * len(hits) / len(wanted)
        return assess(draft, Outcome.PARTIAL, [_invalid(args)], refinement, share)
    if "{" in draft:
        fault = Fault(
            "The object is never finished: its closing brace is missing.",
            f"Write only the {count_of(len(wanted), 'pair')} asked for, and close the brace.",
        )
        return assess(draft, Outcome.NO_ANSWER, [fault], refinement)
    weakness = pick(
        args,
        "none",
        f"There is no JSON object in the response; it says {quote(draft)}.",
        f"The response {quote(draft)} is no JSON object.",
    )
    first = quote(next(iter(wanted)))
    how = pick(
        args,
        "none how",
        f"Open a brace, write {first} and its value, and go on pair by pair.",
        f"Write one object between braces, with {listing([quote(key) for key in wanted])} as keys.",
        f"Put {count_of(len(wanted), 'pair')} of key and value in braces, {first} being the first.",
    )
    return assess(draft, Outcome.NO_ANSWER, [Fault(weakness, how)], refinement)


FAMILIES = (Family("json_object", _make, _check),)
