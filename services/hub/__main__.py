"""`python -m services.hub FOLDER PORT`: the server as a child process (`services.child`).

Tokens come from SRT_HUB_TOKEN and SRT_HUB_READ_TOKEN, because every user of the machine can read
a command line. The first line of output is the server's URL.
"""

import os
import sys
from pathlib import Path

from builders.errors import SrtError
from services.hub.access import Tokens
from services.hub.server import serve


def main() -> None:
    folder, port = sys.argv[1:]
    tokens = Tokens(os.environ.get("SRT_HUB_TOKEN"), os.environ.get("SRT_HUB_READ_TOKEN"))
    try:
        serve(Path(folder), int(port), tokens, lambda url: print(url, flush=True))
    except SrtError as error:
        sys.exit(f"hub: {error}")


if __name__ == "__main__":
    main()
