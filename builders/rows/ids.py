"""The ids of rows: those of several drafts of one instruction differ only in their end."""

import re

_SAMPLE = re.compile(r"-s[0-9]+$")
# The same for arrow's functions.
SAMPLE_PATTERN = _SAMPLE.pattern


def sample_id(row_id: str, number: int) -> str:
    """The id of the draft `number`, from 1 on, of the instruction whose first row has `row_id`.

    >>> sample_id("5f2c", 1), sample_id("5f2c", 3)
    ('5f2c', '5f2c-s3')
    """
    return row_id if number == 1 else f"{row_id}-s{number}"


def instruction_id(row_id: str) -> str:
    """What the ids of all drafts of an instruction have in common: the id of the first.

    >>> instruction_id("5f2c-s3"), instruction_id("5f2c"), instruction_id("5f2c-1")
    ('5f2c', '5f2c', '5f2c-1')
    """
    return _SAMPLE.sub("", row_id)


def is_first_sample(row_id: str) -> bool:
    """Whether a row is the first, or the only one, of its instruction."""
    return instruction_id(row_id) == row_id
