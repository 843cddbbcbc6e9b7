"""How much a compressed file may unpack to: a few kilobytes can become gigabytes.

A file that is meant to be read has a few times its size in it, seldom fifty.
"""

from pathlib import Path

# Whatever a file's size is, it may have this much in it.
SMALL_BYTES = 64 * 2**20
# Parquet with the same long texts in many rows has them once.
TEXT_FACTOR, PARQUET_FACTOR = 100, 1_000


class TooMuch(OSError):
    """A file unpacks to more than it may; one line without the file's name."""


class Expansion:
    """Counts the bytes that a file unpacks to, and raises TooMuch beyond `factor` times its size.

    A factor of 1,000 leaves a file of 10 kB at 64 MiB, and one of 10 MB at 10 GB.
    """

    def __init__(self, path: Path, factor: int) -> None:
        self._size = path.stat().st_size
        self._factor = factor
        self._bytes = 0

    @property
    def limit(self) -> int:
        return max(SMALL_BYTES, self._factor * self._size)

    def add(self, count: int) -> None:
        self._bytes += count
        if self._bytes > self.limit:
            raise TooMuch(
                f"its {self._size:,} bytes unpack to more than {self.limit:,}; if that is meant, "
                "unpack it first, into a text file"
            )
