"""Numbers in sentences."""


def counted(number: int, one: str, many: str | None = None) -> str:
    """A number and its noun; `many` is the plural if it is not `one` with an s.

    >>> counted(1, "row"), counted(2000, "row"), counted(0, "record is", "records are")
    ('1 row', '2,000 rows', '0 records are')
    """
    return f"{number:,} {one if number == 1 else many or f'{one}s'}"
