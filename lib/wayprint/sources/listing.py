"""Which raw files there are: found by the sources' patterns, named by their content."""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote, unquote

import pyarrow.fs as pafs

from wayprint.contracts import BadConfiguration
from wayprint.sources.keys import Keys
from wayprint.sources.lines import CHUNK, Readable
from wayprint.sources.specs import SourceSpec, pattern

THREADS = 8


class BadSources(BadConfiguration):
    """Sources that contradict each other, or a folder that is not there; the message says what to change."""


class Listing(NamedTuple):
    """`files`: rows of `contracts.RawFiles.columns`, by name. `unmatched`: names of files that no source claims."""

    files: list[dict[str, Any]]
    unmatched: list[str]


def list_files(raw: str, specs: Mapping[str, SourceSpec], keys: Keys | None = None) -> Listing:
    """Every file under `raw` that a source's pattern matches, one row for each content.

    A content delivered under several names is one file, called by the smallest name and read by that name's source.
    `spec_id` changes when the source, a key, or a companion of the file changes: the file is then read again.
    """
    check = (keys or Keys.from_environment()).check
    patterns = {source: [pattern(glob) for glob in spec.paths] for source, spec in specs.items()}
    fingerprints = {source: spec.model_dump_json() for source, spec in specs.items()}
    sizes = _files(raw)
    claimed: dict[str, str] = {}
    companions: dict[str, list[str]] = {}
    for name in sizes:
        if name.rsplit("/", 1)[-1].startswith((".", "_")) or not _is_text(name):
            continue
        found = [source for source, globs in patterns.items() if any(glob.fullmatch(name) for glob in globs)]
        if len(found) > 1:
            raise BadSources(f"{name} is claimed by {found[0]} and {found[1]}: narrow paths in sources/{found[0]}.yaml or sources/{found[1]}.yaml")
        if found:
            claimed[name] = found[0]
            companions[name] = [c for c in _companions(specs[found[0]], name) if c in sizes]
    wanted = sorted({*claimed, *(c for names in companions.values() for c in names)})
    with ThreadPoolExecutor(THREADS) as threads:
        digests = dict(zip(wanted, threads.map(lambda name: _digest(child(raw, name)), wanted), strict=True))
    by_content: dict[str, list[str]] = {}
    for name in sorted(claimed):
        by_content.setdefault(digests[name], []).append(name)
    files = []
    for file_id, names in by_content.items():
        source = claimed[names[0]]
        told = [fingerprints[source], check, [(c, digests[c]) for c in companions[names[0]]]]
        files.append({
            "file_id": file_id, "source": source, "file": names[0], "names": names, "path": child(raw, names[0]), "bytes": sizes[names[0]],
            "spec_id": hashlib.sha256(json.dumps(told).encode()).hexdigest()[:32]})
    return Listing(files, sorted(
        name if _is_text(name) else os.fsencode(name).decode(errors="backslashreplace") + " (its name is not UTF-8: rename it)" for name in set(sizes) - set(wanted)))


def child(raw: str, name: str) -> str:
    """The address of a file under a folder; options of the address (`?endpoint_override=...`) stay at its end."""
    if raw.startswith("file:"):
        return f"{raw.rstrip('/')}/{quote(name)}"
    if "://" not in raw:
        return str(Path(raw).absolute() / name)
    root, mark, options = raw.partition("?")
    return f"{root.rstrip('/')}/{name}{mark}{options}"


def name_of(path: str) -> str:
    """The file's own name, of a path or an address."""
    if path.startswith("file:"):
        return unquote(path).rpartition("/")[2]
    return (path.partition("?")[0] if "://" in path else path).rpartition("/")[2]


def opened(path: str) -> Any:
    """The file's bytes as a stream; raises OSError if they cannot be had."""
    system, inside = _system(path)
    return system.open_input_stream(inside, compression=None)


def beside(path: str) -> Callable[[str], Readable | None]:
    """A function that opens a file in the same folder by name, or gives None where there is none."""
    address, mark, options = path.partition("?") if "://" in path and not path.startswith("file:") else (path, "", "")
    folder = address.rpartition("/")[0] + mark + options

    def open_beside(name: str) -> Readable | None:
        try:
            return opened(child(folder, name))  # type: ignore[no-any-return]
        except FileNotFoundError:
            return None

    return open_beside


def _system(path: str) -> tuple[Any, str]:
    """File system and path inside it. Names used by Hadoop (`s3a`, `abfss`) are the same stores."""
    if path.startswith("file:"):
        return pafs.LocalFileSystem(), unquote(re.sub(r"^file:(//)?", "", path))
    if "://" not in path:
        return pafs.LocalFileSystem(), str(Path(path).absolute())
    scheme, rest = path.split("://", 1)
    address, mark, options = rest.partition("?")
    scheme = {"s3a": "s3", "s3n": "s3"}.get(scheme, scheme)
    system, _ = pafs.FileSystem.from_uri(f"{scheme}://{address.split('/', 1)[0]}{mark}{options}")
    inside = address if scheme in ("s3", "gs", "gcs") else "/" + address.partition("/")[2]
    return system, inside


def _files(raw: str) -> dict[str, int]:
    """Relative name -> size of every file under the folder; bytes of a name that are no UTF-8 come as Python's surrogates."""
    system, root = _system(raw)
    root = root.rstrip("/")
    kind = system.get_file_info(root).type
    if kind != pafs.FileType.Directory:
        told = "does not exist: create it, or name another one" if kind == pafs.FileType.NotFound else "is no folder: name the folder that the file is in"
        raise BadSources(f"the raw folder {raw.partition('?')[0]} {told}")
    if isinstance(system, pafs.LocalFileSystem):  # Arrow cannot name a file whose name is not UTF-8, and fails on the whole folder
        paths = sorted(Path(folder) / name for folder, _, names in os.walk(root, onerror=_stop) for name in names)
        return {path.relative_to(root).as_posix(): path.stat().st_size for path in paths if path.is_file()}
    found = system.get_file_info(pafs.FileSelector(root, recursive=True))
    return {info.path[len(root):].lstrip("/"): info.size for info in sorted(found, key=lambda i: i.path) if info.type == pafs.FileType.File}


def _stop(error: OSError) -> None:
    raise BadSources(f"{error.filename} cannot be read ({error.strerror}): what it holds would be missed")


def _is_text(name: str) -> bool:
    """Whether a file's name can be written down."""
    return not any("\ud800" <= c <= "\udfff" for c in name)


def _digest(path: str) -> str:
    digest = hashlib.sha256()
    with opened(path) as stream:
        while piece := stream.read(CHUNK):
            digest.update(piece)
    return digest.hexdigest()


def _companions(spec: SourceSpec, name: str) -> list[str]:
    folder, slash, base = name.rpartition("/")
    found = re.fullmatch(spec.companions.of, base) if spec.companions else None
    return [folder + slash + c.format(**found.groupdict()) for c in spec.companions.are] if spec.companions and found else []
