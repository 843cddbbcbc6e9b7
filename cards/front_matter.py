"""The YAML at the top of a card, which a stranger may have written: read within bounds.

PyYAML's `safe_load` runs no code, but takes minutes for 500 bytes of merge keys, for a long number
in base 60, or for brackets in brackets. So the parser's events, which come one at a time, are
looked at first; what passes takes under a second.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

# Far above any real card: one of 2,000 configs has 400,000 characters and 30,000 values.
MAX_CHARS = 500_000
_MAX_VALUES, _MAX_DEPTH = 60_000, 30
# No number, date or tagged value is longer.
_MAX_TAGGED = 1_000
_NUMBERS = tuple("+-.0123456789")
# The parser in C where PyYAML has it, as in its wheels; ten times as fast.
_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class FrontMatterError(ValueError):
    """Front matter that cannot be read, or that is beyond the bounds; one line."""


def front_matter(card: str, max_chars: int = MAX_CHARS) -> Any:
    r"""The YAML between the two `---` lines, parsed; None if they are missing.

    Lines end as they do for any of the Hub's clients, so that what one of them would parse was
    read here. FrontMatterError if it cannot be parsed or is over the bounds, for aliases, and for
    merge keys.

    >>> front_matter("---\nlicense: mit\n---\n# Title")
    {'license': 'mit'}
    """
    text = _block(card, max_chars)
    return None if text is None else bounded_yaml(text, max_chars)


def read_front_matter(path: Path) -> dict[str, Any]:
    """The front matter of the card at `path`; {} without one.

    FrontMatterError as above, and if it is no mapping; OSError if the file cannot be read.
    """
    with path.open("rb") as file:
        # A character has at most four bytes.
        card = file.read(8 * MAX_CHARS).decode(errors="replace")
    data = front_matter(card)
    if data is not None and not isinstance(data, dict):
        raise FrontMatterError("not a mapping of keys to values")
    return data or {}


def bounded_yaml(text: str, max_chars: int = MAX_CHARS) -> Any:
    """The value of a YAML document; FrontMatterError as above."""
    if len(text) > max_chars:
        raise FrontMatterError(f"it has over {max_chars:,} characters")
    try:
        _check_events(yaml.parse(text, Loader=_Loader))
        return yaml.load(text, Loader=_Loader)  # noqa: S506 - a safe loader
    except FrontMatterError:
        raise
    # A wrong date or an unhashable key is none of PyYAML's own errors.
    except (yaml.YAMLError, ValueError, TypeError, AttributeError, LookupError) as error:
        raise FrontMatterError(f"not YAML: {' '.join(str(error).split())[:300]}") from None


def _block(card: str, max_chars: int) -> str | None:
    # Twice as much as may be parsed, so that what is cut off is over the bound.
    lines = card[: 2 * max_chars].lstrip("\ufeff").lstrip().splitlines()
    if not lines or lines[0].rstrip() != "---":
        return None
    end = next((n for n, line in enumerate(lines) if n and line.rstrip() == "---"), None)
    if end is None:
        if len(card) <= 2 * max_chars:
            return None
        raise FrontMatterError(f"it has over {max_chars:,} characters")
    return "\n".join(lines[1:end])


def _check_events(events: Iterator[yaml.Event]) -> None:
    values = depth = 0
    for event in events:
        if isinstance(event, yaml.AliasEvent):
            raise FrontMatterError("aliases (`*name`) are not read")
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        elif isinstance(event, yaml.ScalarEvent):
            _check_scalar(event)
        values += isinstance(event, yaml.NodeEvent)
        if depth > _MAX_DEPTH or values > _MAX_VALUES:
            raise FrontMatterError(
                f"it has over {_MAX_VALUES:,} values, or is nested deeper than {_MAX_DEPTH}"
            )


def _check_scalar(event: yaml.ScalarEvent) -> None:
    plain = not event.style
    if event.tag == "tag:yaml.org,2002:merge" or (plain and event.value == "<<"):
        raise FrontMatterError("merge keys (`<<`) are not read")
    tagged = event.tag is not None or (plain and event.value.startswith(_NUMBERS))
    if tagged and len(event.value) > _MAX_TAGGED:
        raise FrontMatterError(f"a value of {len(event.value):,} characters is no number")
