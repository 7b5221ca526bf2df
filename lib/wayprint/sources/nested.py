"""A line of JSON as an object, and the values at its paths."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from wayprint.sources.convert import Refused


def parse(text: str, suspect: bool) -> dict[str, Any]:
    """The object that a line of JSON is; `suspect`: it may hold an escaped half of a character or NUL, which no table takes."""
    def refuse(constant: str) -> Any:
        raise Refused("malformed", "promised JSON, came NaN or Infinity, which JSON does not have: write null")

    try:  # numbers stay texts: exact, and read like those of a CSV
        found = json.loads(text, parse_int=str, parse_float=str, parse_constant=refuse)
        if suspect and not _is_text(found):
            raise Refused("bad_encoding", "promised text, came an escape for half a character or a NUL: correct the writer")
    except json.JSONDecodeError as error:
        raise Refused("malformed", f"promised one JSON object a line, came an error at character {error.pos + 1} "
                      f"({error.msg.lower()}): look for a line broken off, or write each object as a line of its own (jq -c '.[]' for a list)") from None
    except RecursionError:
        raise Refused("malformed", "promised one JSON object a line, came one nested too deeply") from None
    if isinstance(found, list):
        raise Refused("malformed", "promised one JSON object a line, came a list: write each of its objects as a line of its own (jq -c '.[]')")
    if not isinstance(found, dict):
        raise Refused("malformed", "promised one JSON object a line, came another value")
    return found


def _is_text(found: Any) -> bool:
    """Whether no text in a parsed value holds half a character or a NUL."""
    written = json.dumps(found, ensure_ascii=False)
    try:
        written.encode()
    except UnicodeEncodeError:
        return False
    return "\\u0000" not in written.replace("\\\\", "")  # behind a backslash that is itself escaped, u0000 is a text


def walk(found: Any, path: Sequence[str]) -> str:
    """The value at a path of keys, as text; empty if there is none."""
    *parents, key = path
    return str(value_of(inside(found, parents).get(key)))


def inside(found: Any, path: Sequence[str]) -> dict[str, Any]:
    """The object at a path of keys, a list of keys and values as an object; empty if there is none."""
    for key in path:
        found = _object(found).get(key)
    return _object(found)


def _object(found: Any) -> dict[str, Any]:
    return found if type(found) is dict else _by_key(found) if type(found) is list else {}


def value_of(found: Any, as_list: bool = False) -> Any:
    """As text; with `as_list`, a list as it is."""
    if type(found) is str or (as_list and type(found) is list):
        return found
    if found is None:
        return ""
    if type(found) is bool:
        return "true" if found else "false"
    return json.dumps(found, sort_keys=True, ensure_ascii=False)


def _by_key(entries: list[Any]) -> dict[str, Any]:
    """[{key, value: {string_value|int_value|...}}] as key -> value; the first entry of a key counts."""
    keyed: dict[str, Any] = {}
    for entry in entries:
        if isinstance(entry, dict) and isinstance(entry.get("key"), str) and entry["key"] not in keyed:
            value = entry.get("value")
            if isinstance(value, dict):
                value = next((v for k, v in sorted(value.items()) if k.endswith("_value") and v is not None), None)
            keyed[entry["key"]] = value
    return keyed
