"""When two instructions are the same one."""

import hashlib
import unicodedata

_QUOTES = str.maketrans({"“": '"', "”": '"', "„": '"', "«": '"', "»": '"', "‘": "'", "’": "'"})


def normalise(text: str) -> str:
    """`text` without the differences that do not change what is asked.

    Case, Unicode compatibility forms, the kind of quotes, runs of white space and closing full
    stops or question marks go. All other punctuation stays: "2 + 3" is not "2 - 3".
    """
    folded = unicodedata.normalize("NFKC", text).casefold().translate(_QUOTES)
    # The white space of `split` is that of the pattern \s, at a fifth of the time.
    return " ".join(folded.split()).rstrip(".?。 ")


class SeenInstructions:
    """Remembers instructions by 16 bytes each, so that a million of them fit into memory."""

    def __init__(self) -> None:
        self._seen: set[bytes] = set()

    def add(self, instruction: str) -> bool:
        """Remember `instruction`; False where the same one was there before."""
        key = hashlib.sha256(normalise(instruction).encode(errors="replace")).digest()[:16]
        if key in self._seen:
            return False
        self._seen.add(key)
        return True
