"""The closed vocabulary of criteria: leaves, their options, and what each option's value may be.

A leaf is `word: {option: value, ...}` or, for the short ones, `word: value`; groups are `all`, `any`, `not`. What is not listed here
does not exist; `criteria` gives each leaf its meaning, `wording` its sentence.
"""

from __future__ import annotations

import difflib
import math
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any, Literal

PURPOSES = ("email_marketing", "sms_marketing", "advertising", "profiling", "analytics")
EVENTS = (
    "page_view", "page_ping", "product_view", "search", "review_view", "compare_view", "store_locator", "add_to_cart",
    "remove_from_cart", "begin_checkout", "payment_error", "error", "purchase", "refund", "sign_up", "login", "logout",
    "form_submit", "consent", "ad_impression", "ad_click", "email_sent", "email_delivered", "email_click", "email_bounce",
    "email_unsubscribe", "email_spam", "sms_sent", "push_sent", "catalogue_sent", "call_in", "call_out", "ticket_opened",
    "ticket_closed", "survey_answer", "store_visit", "product_usage", "review_posted", "share", "recommend", "other")
REFUSED_EVENTS = {"email_open": "mail programs open messages by themselves, so an open proves nothing; use email_click"}


@dataclass(frozen=True)
class Leaf:
    """One statement about a person; `options` sorted by name."""

    kind: str
    options: tuple[tuple[str, Any], ...]

    def get(self, name: str, default: Any = None) -> Any:
        return dict(self.options).get(name, default)


@dataclass(frozen=True)
class Group:
    """Criteria taken together."""

    kind: Literal["all", "any", "not"]
    parts: tuple[Criterion, ...]


Criterion = Leaf | Group


def leaves(criterion: Criterion) -> list[Leaf]:
    """The statements a criterion is made of."""
    return [criterion] if isinstance(criterion, Leaf) else [leaf for part in criterion.parts for leaf in leaves(part)]


def unknown(word: object, known: Collection[str]) -> str:
    near = difflib.get_close_matches(str(word), list(known), n=1, cutoff=0.5)
    hint = f"did you mean {near[0]!r}? " if near else ""
    return f"{word!r} is not known here; {hint}allowed: {', '.join(known)}"


# What an option's value may be. Each returns the value in the form the compiler reads, or raises ValueError in words.
Option = Callable[[Any], Any]


def words(known: Collection[str] | None = None) -> Option:
    """One word or a list of words, as a sorted tuple without doubles."""

    def read(value: Any) -> tuple[str, ...]:
        given = value if isinstance(value, list) else [value]
        if not given:
            raise ValueError("the list is empty; give at least one word")
        for word in given:
            if not isinstance(word, str) or not word.strip():
                raise ValueError(f"a word is wanted and {word!r} came; YAML reads NO, yes, 12 as other things: put it in quotes")
            if known is not None and word not in known:
                raise ValueError(REFUSED_EVENTS.get(word) if known is EVENTS and word in REFUSED_EVENTS else unknown(word, known))
        return tuple(sorted(set(given)))

    return read


def whole(least: int, most: int = 1_000_000) -> Option:
    def read(value: Any) -> int:
        if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
            raise ValueError(f"a whole number from {least} to {most} is wanted and {value!r} came")
        return value

    return read


def number(low: float = 0, high: float = 1_000_000_000) -> Option:
    def read(value: Any) -> float:
        if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value) or not low <= value <= high:
            raise ValueError(f"a number from {low} to {high} is wanted and {value!r} came")
        return value

    return read


def flag(value: Any) -> bool:
    if not isinstance(value, bool):
        raise ValueError(f"true or false is wanted and {value!r} came")
    return value


def sentence(value: Any) -> str:
    if not isinstance(value, str) or not value.strip():
        raise ValueError(f"a sentence is wanted and {value!r} came")
    return " ".join(value.split())


# A century at most: beyond lie days that no calendar has.
WINDOW: dict[str, Option] = {"within_days": whole(1, 36_500), "within_months": whole(1, 1200), "before_days": whole(1, 36_500)}
COUNT: dict[str, Option] = {"at_least": whole(0), "at_most": whole(0)}
ACTION: dict[str, Option] = {
    "event": words(EVENTS), **WINDOW, "family": words(), "channel": words(), "stage": words(), "campaign": words(), "reason": words(),
    "status": words(), "device_type": words()}
# Leaves written `word: {option: value, ...}`, and leaves written `word: value`.
LEAVES: dict[str, dict[str, Option]] = {
    "did": {**ACTION, **COUNT, "not_followed_by": words(EVENTS)},
    "did_not": ACTION,
    "bought": {**WINDOW, **COUNT, "family": words(), "channel": words(), "place": words()},
    "spent": {**WINDOW, "at_least": number(), "at_most": number(), "family": words(), "currency": words()},
    "interest": {**WINDOW, **COUNT, "family": words()},
    "score": {"model": words(), "decile_at_most": whole(1, 10), "decile_at_least": whole(1, 10), "at_least": number(0, 1), "at_most": number(0, 1)},
    "person": {
        "country": words(), "postal_area": words(), "language": words(), "loyalty_tier": words(), "is_known": flag,
        "born_from": whole(1900, 2100), "born_to": whole(1900, 2100), "source": words()}}
SHORT_LEAVES: dict[str, Option] = {"lifecycle": words(), "consent": words(PURPOSES), "devices_at_least": whole(1)}
NEEDED: dict[str, tuple[str, ...]] = {"did": ("event",), "did_not": ("event",), "score": ("model",)}
ONE_OF: dict[str, tuple[str, ...]] = {
    "spent": ("at_least", "at_most"), "score": ("decile_at_most", "decile_at_least", "at_least", "at_most"),
    "person": tuple(LEAVES["person"])}
# Two options that leave nothing between if turned round.
RANGES = (("at_least", "at_most"), ("decile_at_least", "decile_at_most"), ("born_from", "born_to"))
GROUPS = ("all", "any", "not")
