"""README's map of tables and steps is generated from the pipeline; this checks that it still is, or writes it."""

from __future__ import annotations

import sys
from pathlib import Path

from wayprint.catalogue import markdown

README = Path(__file__).parents[2] / "README.md"
BEGIN, END = "<!-- map: written by `python -m wayprint.readme --write` -->", "<!-- end of map -->"


def current() -> str:
    text = README.read_text(encoding="utf-8")
    return text[text.index(BEGIN) + len(BEGIN):text.index(END)].strip()


def write() -> None:
    text = README.read_text(encoding="utf-8")
    README.write_text(text[:text.index(BEGIN) + len(BEGIN)] + "\n" + markdown() + "\n" + text[text.index(END):], encoding="utf-8")


if __name__ == "__main__":
    if "--write" in sys.argv:
        write()
    elif current() != markdown():
        sys.exit("README.md: the map of tables is not what the pipeline says: run `python -m wayprint.readme --write`")
