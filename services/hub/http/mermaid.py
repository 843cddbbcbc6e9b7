"""A flow chart of a card as HTML, without Mermaid itself, which is a script of three megabytes.

What is drawn is what cards of this project have: steps from left to right, each of which leads to
all of the next ones. Of any other diagram the card's own text is shown.
"""

import html
import re
from collections.abc import Iterator, Sequence
from graphlib import CycleError, TopologicalSorter
from itertools import pairwise, product

_HEAD = re.compile(r"(?:flowchart|graph)[ \t]+LR")
_NODE = re.compile(r'(\w+)(?:\["([^"]*)"\]|\{"([^"]*)"\}|\("([^"]*)"\))?')
_ENTITY = re.compile(r"#(\d+|\w+);")
# A longer text is no diagram that anybody would look at.
_LONGEST = 10_000


def drawn(text: str) -> str | None:
    """The flow chart as HTML with its labels escaped; None if it is not one that can be drawn."""
    lines = text.splitlines() if len(text) <= _LONGEST else []
    lines = [line.strip().removesuffix(";") for line in lines if line.strip()]
    if not lines or _HEAD.fullmatch(lines[0]) is None:
        return None
    labels: dict[str, str] = {}
    edges: set[tuple[str, str]] = set()
    for line in lines[1:]:
        nodes = [_NODE.fullmatch(part.strip()) for part in line.split("-->")]
        if not all(nodes):
            return None
        for node in nodes:
            label = next((one for one in node.groups()[1:] if one is not None), None)
            labels[node[1]] = label or labels.get(node[1], node[1])
        edges |= {(one[1], other[1]) for one, other in pairwise(nodes)}
    steps = _steps(labels, edges)
    if steps is None:
        return None
    columns = (
        "".join(f'<div class="node">{_label(labels[name])}</div>' for name in step)
        for step in steps
    )
    arrow = '<div class="arrow">→</div>'
    return f'<div class="flow">{arrow.join(f"<div>{one}</div>" for one in columns)}</div>\n'


def _steps(names: Sequence[str], edges: set[tuple[str, str]]) -> list[list[str]] | None:
    """The nodes by their distance from the beginning; None if they are no such row of steps."""
    before: dict[str, set[str]] = {name: set() for name in names}
    for one, other in edges:
        before[other].add(one)
    try:
        order = list(TopologicalSorter(before).static_order())
    except CycleError:
        return None
    place: dict[str, int] = {}
    for name in order:
        place[name] = 1 + max((place[one] for one in before[name]), default=-1)
    steps = [[name for name in names if place[name] == at] for at in sorted({*place.values()})]
    implied = {pair for one, other in pairwise(steps) for pair in product(one, other)}
    return steps if steps and implied == edges else None


def _label(text: str) -> str:
    return "<br>".join(html.escape(line) for line in _lines(text))


def _lines(label: str) -> Iterator[str]:
    """The lines of a label, in which Mermaid writes entities as `#number;` or `#name;`."""
    for line in label.split("<br>"):
        yield html.unescape(
            _ENTITY.sub(lambda m: f"&#{m[1]};" if m[1].isdigit() else f"&{m[1]};", line)
        )
