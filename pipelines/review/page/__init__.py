"""The page on which annotators compare, as a template for Argilla's custom field.

Argilla puts the template into a frame of its own origin, after a script that defines `record`. The
frame's policy allows no request, and no script but this one. `frame.js` builds the page,
`markdown.js` and `math.js` show its texts, `differences.js` marks words. `keys.js` runs in
Argilla's page around the frame: it reads scores from the keyboard.
"""

import base64
import hashlib
from functools import cache
from pathlib import Path

_SCRIPTS = ("markdown.js", "math.js", "differences.js", "frame.js")


def source_of(name: str) -> str:
    """The text of one of the page's scripts, or of its style."""
    return Path(__file__).with_name(name).read_text(encoding="utf-8")


@cache
def template() -> str:
    """The HTML of the field, with everything inline."""
    # In a function, since Argilla's own styles and scripts are in the frame as well.
    script = "(() => {\n" + '"use strict";\n' + "\n".join(map(source_of, _SCRIPTS)) + "})();"
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    policy = (
        f"default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-{digest}'; "
        "base-uri 'none'; form-action 'none'"
    )
    return (
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
        f"<style>\n{source_of('page.css')}</style>\n"
        '<main id="page"></main>\n'
        # Not a script of the frame: its text is run in Argilla's page.
        f'<script type="text/plain" id="keys">\n{source_of("keys.js")}</script>\n'
        f"<script>{script}</script>\n"
    )
