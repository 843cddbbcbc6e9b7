"""`python -m services.hub FOLDER PORT`: the server as a child process; see `launch`.

Tokens come from SRT_HUB_TOKEN and SRT_HUB_READ_TOKEN: a command line can be read by every user of
the machine. The first line of output is the server's URL.
"""

import os
import sys
from pathlib import Path

from services.hub.access import Tokens
from services.hub.errors import CannotStart
from services.hub.server import serve


def main() -> None:
    folder, port = sys.argv[1:]
    tokens = Tokens(os.environ.get("SRT_HUB_TOKEN"), os.environ.get("SRT_HUB_READ_TOKEN"))
    try:
        serve(Path(folder), int(port), tokens, lambda url: print(url, flush=True))
    except CannotStart as error:
        sys.exit(f"hub: {error}")


if __name__ == "__main__":
    main()
