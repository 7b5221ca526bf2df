"""Letters without their accents."""

import unicodedata

# What Unicode does not take apart into a letter and its accent.
LETTERS = str.maketrans({"œ": "oe", "æ": "ae", "ß": "ss", "ø": "o", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "ı": "i"})


def unaccented(text: str) -> str:
    """Of a text in lower case, accents off and ligatures apart: orléans is orleans, not orlans; bœuf is boeuf."""
    return "".join(letter for letter in unicodedata.normalize("NFKD", text.translate(LETTERS)) if not unicodedata.combining(letter))
