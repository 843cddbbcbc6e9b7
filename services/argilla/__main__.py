"""`python -m services.argilla FOLDER PORT CACHE`: the server as a child process; see `launch`.

The first line of output is the server's URL, the second the file with the owner's API key.
"""

import sys
from pathlib import Path

from services.argilla.errors import CannotStart, Failed
from services.argilla.server import Serving, serve


def main() -> None:
    folder, port, cache = sys.argv[1:]
    try:
        serve(Path(folder), int(port), Path(cache), _announce, _tell)
    except (CannotStart, Failed) as error:
        sys.exit(f"argilla: {error}")


def _announce(serving: Serving) -> None:
    print(f"{serving.url}\n{serving.key_file}", flush=True)


def _tell(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
