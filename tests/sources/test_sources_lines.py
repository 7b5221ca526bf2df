"""Lines: numbered, whatever the pieces they arrive in; a damage is told and costs only what follows it."""

import gzip
import io
import random

import pytest

from wayprint.sources.lines import Lines


class Trickle:
    """A stream that gives a few bytes at a time, as networks do."""

    def __init__(self, data: bytes, seed: int):
        self._stream, self._rng = io.BytesIO(data), random.Random(seed)

    def read(self, size: int = -1) -> bytes:
        return self._stream.read(min(size, self._rng.randint(1, 50)))


def lines(data: bytes, name: str = "a.csv", limit: int = 1_000_000, seed: int | None = None) -> Lines:
    return Lines(io.BytesIO(data) if seed is None else Trickle(data, seed), name, limit)


@pytest.mark.parametrize("packed", [False, True])
def test_the_lines_are_those_of_the_text_however_it_trickles_in(packed):
    rng = random.Random(5)
    for seed in range(200):
        text = "".join(rng.choice("ab\r\n\té,") for _ in range(rng.randint(0, 300))).encode()
        data = gzip.compress(text) if packed else text
        found = [(line.number, line.content) for line in lines(data, seed=seed)]
        wanted = text.split(b"\n")
        wanted = wanted[:-1] if wanted[-1] == b"" else wanted
        assert found == list(enumerate(wanted, start=1))


def test_a_byte_order_mark_belongs_to_no_line():
    for data in (b"\xef\xbb\xbfa\nb", gzip.compress(b"\xef\xbb\xbfa\nb"), b"\xef\xbb\xbfa"):
        assert next(lines(data)).content == b"a"
    assert list(lines(b"\xef\xbb\xbf")) == []


@pytest.mark.parametrize("seed", [None, *range(20)])
def test_gzip_is_known_by_its_bytes_and_may_have_members_and_zeros_behind(seed):
    data = gzip.compress(b"a\nb") + gzip.compress(b"c\nd\n") + b"\0" * 100
    read = lines(data, "a.csv", seed=seed)
    assert [line.content for line in read] == [b"a", b"bc", b"d"]
    assert read.damage is None


def test_a_file_that_only_says_it_is_gzip_is_read_as_the_text_it_is():
    assert [line.content for line in lines("é\nb".encode(), "a.csv.gz")] == ["é".encode(), b"b"]


def test_a_broken_off_gzip_gives_what_was_readable_and_says_where_it_ended():
    text = b"".join(b"%d,%d\n" % (n, n * n) for n in range(20_000))
    packed = gzip.compress(text)
    read = lines(packed[: len(packed) // 2], "a.csv.gz")
    found = [line.content for line in read]
    assert 5_000 < len(found) < 15_000
    assert found == text.split(b"\n")[: len(found)]
    assert read.damage is not None
    assert (read.damage.rule, read.damage.number) == ("truncated_gzip", len(found) + 1)
    assert text.split(b"\n")[len(found)].startswith(read.damage.rest)


def test_a_corrupt_gzip_is_told():
    packed = bytearray(gzip.compress(b"".join(b"%d\n" % (n * 7919) for n in range(20_000))))
    packed[len(packed) // 2] ^= 0xFF
    read = lines(bytes(packed))
    list(read)
    assert read.damage is not None
    assert read.damage.rule == "corrupt_gzip"


def test_a_file_named_gzip_whose_first_bytes_are_broken_is_one_damage():
    packed = bytearray(gzip.compress(b"a\nb\n"))
    packed[0] ^= 1
    read = lines(bytes(packed), "a.csv.gz")
    assert list(read) == []
    assert read.damage is not None
    assert read.damage.rule == "corrupt_gzip"


@pytest.mark.parametrize("seed", [None, 1])
def test_a_long_line_is_cut_and_its_size_told_and_the_next_line_is_whole(seed):
    read = list(lines(b"short\n" + b"x" * 300_000 + b"\nnext\n", limit=100_000, seed=seed))
    assert [(line.number, line.size) for line in read] == [(1, 5), (2, 300_000), (3, 4)]
    assert [len(line.content) for line in read] == [5, 1 << 16, 4]


def test_lines_given_back_come_again_in_their_order():
    read = lines(b"a\nb\nc\nd\n")
    taken = [next(read), next(read), next(read)]
    read.push(taken[1:])
    assert [line.content for line in read] == [b"b", b"c", b"d"]
