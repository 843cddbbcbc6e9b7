"""Lines of a text file, compressed or not, in the encoding that its byte order mark says."""

import bz2
import codecs
import gzip
import io
import lzma
import re
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

import pyarrow as pa

from builders.errors import BadInput
from builders.files.expansion import TEXT_FACTOR, Expansion


def _arrow(codec: str) -> Callable[[Path], BinaryIO]:
    return lambda path: io.BufferedReader(pa.input_stream(str(path), compression=codec))


# How a file is opened, by the ending behind the one that says what is in it.
OPENERS: dict[str, Callable[[Path], Any]] = {
    ".gz": gzip.open,
    ".bz2": bz2.open,
    ".xz": lzma.open,
    ".zst": _arrow("zstd"),
    ".lz4": _arrow("lz4"),
}
_BROKEN = (OSError, EOFError, zlib.error, lzma.LZMAError, pa.ArrowException)
# What Excel and Notepad write first, and the encoding that it stands for.
_MARKS = {
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
# How files begin that are something else than a text with rows.
_OTHERS = {
    b"version https://git-lfs": "a Git LFS pointer; fetch the file itself (git lfs pull)",
    b"PK\x03\x04": "a ZIP archive or an Excel workbook; unpack it, or save it as CSV",
    b"\xd0\xcf\x11\xe0": "an Excel workbook; save it as CSV",
    b"PAR1": "a parquet file; name it .parquet",
    b"ARROW1": "an Arrow file; name it .arrow",
    b"\x1f\x8b": "compressed with gzip; name it .gz",
    b"\x28\xb5\x2f\xfd": "compressed with zstd; name it .zst",
    b"<!doctype html": "a web page",
    b"<html": "a web page",
}
# A byte that is no UTF-8 is decoded to one of these, which no UTF-8 encodes.
_NO_TEXT = re.compile("[\udc80-\udcff]")


def lines_of(path: Path) -> Iterator[str]:
    """The lines of a file, with their ends; `fault_of` says which of them are no text.

    BadInput if the file cannot be read, or is something else than a text.
    """
    opener = next((one for end, one in OPENERS.items() if path.name.lower().endswith(end)), None)
    try:
        with _unpacking(path, opener) if opener else path.open("rb") as stream:
            head = stream.peek(64)[:64]
            if other := next((name for start, name in _OTHERS.items() if _is(head, start)), None):
                raise BadInput(f"{path}: it is {other}")
            encoding = next((name for mark, name in _MARKS.items() if _is(head, mark)), "utf-8")
            # A carriage return alone ends a line too, as on old Macs.
            yield from io.TextIOWrapper(stream, encoding, errors="surrogateescape", newline="")
    except UnicodeError as error:
        raise BadInput(f"{path}: not {encoding.upper()} ({error.reason})") from None
    except _BROKEN as error:
        raise BadInput(f"{path}: cannot be read: {error}") from None


@contextmanager
def _unpacking(path: Path, opener: Callable[[Path], Any]) -> Iterator[BinaryIO]:
    """The unpacked bytes of a file; TooMuch where they are more than anybody means."""
    with opener(path) as packed:
        yield io.BufferedReader(_Bounded(packed, Expansion(path, TEXT_FACTOR)))


class _Bounded(io.RawIOBase):
    """A stream that counts what is read from it."""

    def __init__(self, stream: BinaryIO, expansion: Expansion) -> None:
        self._stream, self._expansion = stream, expansion

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        block = self._stream.read(len(buffer))
        self._expansion.add(len(block))
        buffer[: len(block)] = block
        return len(block)


def _is(head: bytes, start: bytes) -> bool:
    return head[: len(start)].lower() == start.lower()


def fault_of(text: str) -> str | None:
    """What is wrong with text from `lines_of`, or None."""
    if text.isascii() or not _NO_TEXT.search(text):
        return None
    return "not UTF-8; save the file as UTF-8"
