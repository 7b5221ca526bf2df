"""A file's bytes as numbered lines: decompressed as they stream, never more than a bounded piece in memory."""

from __future__ import annotations

import zlib
from collections import deque
from collections.abc import Iterator
from typing import NamedTuple, Protocol

CHUNK = 1 << 20  # most bytes held at once after decompression, beside one unfinished line
SLICE = 1 << 14  # compressed bytes given to zlib at once: what a corrupt byte costs at most of what came before it
KEPT = 1 << 16  # bytes kept of a line that is too long, or of what follows a damage
GZIP, BOM = b"\x1f\x8b", b"\xef\xbb\xbf"


class Readable(Protocol):
    """What a file must do; a Python file and a pyarrow stream both do."""

    def read(self, size: int = -1, /) -> bytes: ...


class Line(NamedTuple):
    """A physical line without its line feed, counted from 1; `size` is what it had, `content` at most the limit."""

    number: int
    content: bytes
    size: int


class Damage(NamedTuple):
    """Where and why reading stopped before the end, and the first bytes that belong to no complete line."""

    rule: str
    reason: str
    number: int
    rest: bytes


class Lines:
    """The lines of one file, decompressed if it is gzip (by its first bytes, whatever its name), without a byte order mark.

    A line longer than `limit` bytes is cut to 64 kB and its size tells so. After the last line `damage` says whether the
    compressed stream broke off or was corrupt. `push` gives lines back: a reader may look ahead and think better of it.
    """

    def __init__(self, stream: Readable, name: str, limit: int):
        self.damage: Damage | None = None
        self.limit = limit
        self._name = name
        self._broken: tuple[str, str] | None = None
        self._lines = self._split(self._unpacked(stream))
        self._pushed: deque[Line] = deque()

    def __iter__(self) -> Iterator[Line]:
        return self

    def __next__(self) -> Line:
        return self._pushed.popleft() if self._pushed else next(self._lines)

    def push(self, lines: list[Line]) -> None:
        self._pushed.extendleft(reversed(lines))

    def _unpacked(self, stream: Readable) -> Iterator[bytes]:
        data = stream.read(SLICE)
        while data and len(data) < len(GZIP) and (more := stream.read(SLICE)):
            data += more
        if not data.startswith(GZIP):
            if self._name.endswith(".gz") and not _is_text(data):
                self._broken = ("corrupt_gzip", "the file is named .gz and does not begin as gzip: deliver it again")
                yield data[:KEPT].replace(b"\n", b" ")
                return
            while data:
                yield data
                data = stream.read(CHUNK)
            return
        inflate = zlib.decompressobj(wbits=31)
        try:
            while True:
                if out := inflate.decompress(data, CHUNK):
                    yield out
                if inflate.eof:  # a gzip file may have several members, and zeros behind the last
                    data = inflate.unused_data.lstrip(b"\0") or stream.read(SLICE).lstrip(b"\0")
                    if not data:
                        return
                    inflate = zlib.decompressobj(wbits=31)
                elif not (data := inflate.unconsumed_tail or stream.read(SLICE)):
                    if out := inflate.flush():
                        yield out
                    if not inflate.eof:
                        self._broken = ("truncated_gzip", "the compressed file ends before its end mark: deliver it again whole")
                    return
        except zlib.error:
            self._broken = ("corrupt_gzip", "the compressed file is corrupt from here on: deliver it again")

    def _split(self, chunks: Iterator[bytes]) -> Iterator[Line]:
        number, tail, lost = 0, b"", 0  # lost: bytes of the present line already let go
        for chunk in chunks:
            *whole, tail = (tail + chunk).split(b"\n")
            for content in whole:
                number += 1
                if number == 1:
                    content = content.removeprefix(BOM)
                size, lost = len(content) + lost, 0
                yield Line(number, content if size <= self.limit else content[:KEPT], size)
            if len(tail) + lost > self.limit:
                lost += max(len(tail) - KEPT, 0)
                tail = tail[:KEPT]
        if self._broken:
            self.damage = Damage(*self._broken, number + 1, tail[:KEPT])
        elif tail := tail if number else tail.removeprefix(BOM):
            yield Line(number + 1, tail if len(tail) + lost <= self.limit else tail[:KEPT], len(tail) + lost)


def _is_text(data: bytes) -> bool:
    if b"\0" in data:
        return False
    try:
        data[:4096].decode()
    except UnicodeDecodeError as error:
        return error.start > 4090  # a character cut at the end of the piece
    return True
