"""The same arguments give the same bytes, whatever the process; another seed gives another world; any size is a world."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from datetime import date
from pathlib import Path

import pytest

from wayprint.world import build, write_raw, write_truth


def digests(folder: Path) -> dict[str, str]:
    return {str(p.relative_to(folder)): hashlib.sha256(p.read_bytes()).hexdigest() for p in sorted(folder.rglob("*"))
        if p.is_file()}


def made(folder: Path, seed: int) -> dict[str, str]:
    world = build(people=150, days=40, seed=seed, start=date(2026, 3, 1))
    write_raw(world, folder / "raw")
    write_truth(world, folder / "truth")
    return digests(folder)


def test_the_same_seed_gives_the_same_bytes_in_another_process(tmp_path):
    here = made(tmp_path / "here", seed=7)
    code = (f"from datetime import date; from wayprint.world import build; w = build(people=150, days=40, seed=7, start=date(2026, 3, 1)); "
            f"w.write_raw({str(tmp_path / 'there' / 'raw')!r}); w.write_truth({str(tmp_path / 'there' / 'truth')!r})")
    lib = Path(__file__).parents[2] / "lib"
    subprocess.run([sys.executable, "-c", code], check=True,
        env={**os.environ, "PYTHONHASHSEED": "4711", "PYTHONPATH": str(lib), "TZ": "Asia/Tokyo"})
    assert len(here) > 150
    assert digests(tmp_path / "there") == here


def test_another_seed_gives_another_world(tmp_path):
    one, other = made(tmp_path / "one", seed=7), made(tmp_path / "other", seed=8)
    shared = [file for file in one.keys() & other.keys() if one[file] == other[file]]
    # Adobe's lookup archives hold no data of the world.
    assert [f for f in shared if "lookup_data" not in f] == []


def test_the_truth_does_not_depend_on_the_raw_files_having_been_written(tmp_path):
    first, second = (build(people=80, days=20, seed=3) for _ in range(2))
    first.write_raw(tmp_path / "raw")
    first.write_truth(tmp_path / "first")
    second.write_truth(tmp_path / "second")
    assert digests(tmp_path / "first") == digests(tmp_path / "second")


def test_nothing_in_a_compressed_file_tells_when_it_was_written(written):
    for path in written.raw.rglob("*.gz"):
        head = path.read_bytes()[:10]
        assert head[3] == 0, f"{path.name} carries a name"
        assert head[4:8] == b"\0\0\0\0", f"{path.name} carries a time"


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize(("people", "days"), [(1, 1), (1, 45), (3, 2), (40, 1), (25, 33)])
def test_any_size_is_a_world(tmp_path, people, days):
    world = build(people=people, days=days, seed=11)
    world.write_raw(tmp_path / "raw")
    world.write_truth(tmp_path / "truth")
    assert (tmp_path / "truth" / "persons.csv").read_text().count("\n") == people + 1


@pytest.mark.parametrize("seed", range(1, 7))
def test_a_small_world_without_a_single_duplicate_contact_is_a_world(tmp_path, seed):
    build(people=12, days=5, seed=seed).write_raw(tmp_path)


@pytest.mark.parametrize(("people", "days"), [(0, 10), (10, 0)])
def test_a_world_needs_people_and_time(people, days):
    with pytest.raises(ValueError, match="at least one person and one day"):
        build(people=people, days=days)
