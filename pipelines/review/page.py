"""What Argilla's page makes of a text, and how one is written that it shows as it is.

The page puts a text field into its HTML as it stands, `use_markdown` or not; of a text with an
element in it, it makes a frame of the page's own origin. So what a model has written would be
obeyed, with the session of whoever is to judge it. Boxes to write in are not concerned: they show
what they hold.
"""

import re

# What HTML reads as more than the sign itself: the beginning of a tag, a comment, a reference.
_READ = re.compile(r"<(?=[A-Za-z/!?])|&(?=[A-Za-z#])")


def as_shown(text: str) -> str:
    """`text` as HTML that shows it; the signs that mean nothing to HTML stay as they are."""
    return _READ.sub(lambda sign: "&lt;" if sign[0] == "<" else "&amp;", text)
