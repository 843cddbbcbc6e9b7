"""Cells of a spreadsheet that it would take for a formula or a number.

A spreadsheet evaluates a cell that begins with one of `=+-@`, whoever wrote it, and rounds a text
of digits. An apostrophe in front keeps both as they are (OWASP, "CSV Injection").

>>> protected("=1+1"), protected("'=1+1"), protected("1 = 1")
("'=1+1", "''=1+1", '1 = 1')
>>> restored("'=1+1"), restored("''=1+1"), restored("'tis")
('=1+1', "'=1+1", "'tis")
"""

import re

# Some spreadsheets read the full-width forms as well, and drop white space in front of a formula.
_STARTS = r"[=+\-@\t\r\n＝＋－＠]"
_TO_PROTECT = re.compile(rf"'*{_STARTS}")
_PROTECTED = re.compile(rf"'+{_STARTS}")
_NUMBER = re.compile(r"\d+(e\d+)?", re.IGNORECASE)


def protected(text: str) -> str:
    """`text` as a cell that no spreadsheet takes for a formula."""
    return f"'{text}" if _TO_PROTECT.match(text) else text


def restored(cell: str) -> str:
    """The text of a cell that `protected` made; any other cell as it is."""
    return cell[1:] if _PROTECTED.match(cell) else cell


def protected_key(key: str) -> str:
    """A record's key as a cell that no spreadsheet takes for a number, such as 12e4567."""
    return f"'{key}" if _NUMBER.fullmatch(key) else key


def restored_key(cell: str) -> str:
    return cell.strip().removeprefix("'")
