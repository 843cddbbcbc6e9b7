"""What a value of a row has to be: each raises `InvalidRow`, naming the key, where it is not."""

from collections.abc import Mapping
from typing import Any


class InvalidRow(ValueError):
    """A row that `Features` would store and nobody could use."""


def require(condition: bool, message: str) -> None:
    if not condition:
        raise InvalidRow(message)


def require_keys(row: Any, features: Mapping[str, Any], where: str) -> None:
    require(isinstance(row, Mapping), f"{where} is {type(row).__name__}, not a mapping")
    if row.keys() != features.keys():
        missing = sorted(features.keys() - row.keys())
        extra = sorted(row.keys() - features.keys())
        raise InvalidRow(f"{where}: missing keys {missing}, unknown keys {extra}")


def require_text(row: Mapping[str, Any], key: str, *, optional: bool = False) -> None:
    value = row[key]
    if value is None and optional:
        return
    # Here and below, the message is put together only where it is needed: every value of
    # every row comes this way.
    if not isinstance(value, str):
        raise InvalidRow(f"{key} is {type(value).__name__}, not text")
    try:
        value.encode()
    except UnicodeEncodeError:
        raise InvalidRow(f"{key} has a lone surrogate, which no UTF-8 file can hold") from None


def require_texts(value: Any, where: str) -> None:
    require(isinstance(value, list), f"{where} is {type(value).__name__}, not a list of texts")
    for index, item in enumerate(value):
        require_text({where: item}, where)
        if not item.strip():
            raise InvalidRow(f"{where}[{index}] is blank")


def is_int(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def require_score(value: Any, where: str, *, optional: bool = True) -> None:
    if value is None:
        require(optional, f"{where} is missing")
        return
    require(is_int(value), f"{where} is {value!r}, not a whole number")
    require(1 <= value <= 10, f"{where} is {value}, outside 1 to 10")


def require_choice(row: Mapping[str, Any], key: str, choices: tuple[str | None, ...]) -> None:
    require(row[key] in choices, f"{key} is {row[key]!r}, not one of {choices}")
