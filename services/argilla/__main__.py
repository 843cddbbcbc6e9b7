"""`python -m services.argilla FOLDER PORT CACHE`: the server as a child process, for `launch`.

The first line of output is the server's URL, the second is the file with the owner's API key.
"""

import sys
from pathlib import Path

from builders.errors import SrtError
from services.argilla.server import serve


def main() -> None:
    folder, port, cache = sys.argv[1:]
    try:
        serve(
            Path(folder),
            int(port),
            Path(cache),
            ready=lambda serving: print(f"{serving.url}\n{serving.key_file}", flush=True),
            tell=lambda line: print(line, file=sys.stderr, flush=True),
        )
    except SrtError as error:
        sys.exit(f"argilla: {error}")


if __name__ == "__main__":
    main()
